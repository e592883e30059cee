"""GEM against the authors' package, on the same random weights."""

from __future__ import annotations

import copy

import pytest
import torch
from torch.nn import functional as F

from cliploc.core.backbones.load import load_backbone
from cliploc.core.backbones.network import Backbone
from cliploc.core.methods.compute import compute_maps, normalize

gem_wrapper = pytest.importorskip("gem.gem_wrapper")

TOLERANCE = 1e-5


@pytest.fixture(scope="module")
def backbone() -> Backbone:
    return load_backbone("ViT-B-16", "random:0", device="cpu")


@pytest.fixture(scope="module")
def reference(backbone: Backbone) -> torch.nn.Module:
    """The authors' wrapper, told that its blocks take the sequence first.

    open_clip's blocks are batch-first since 2.24 and gem_torch permutes for the old
    order: without this its first blocks attend across the batch.
    """
    wrapped = gem_wrapper.GEMWrapper(copy.deepcopy(backbone.model), tokenizer=None)
    for block in wrapped.model.visual.transformer.resblocks:
        attention = getattr(block, "attn", None)
        if isinstance(attention, torch.nn.MultiheadAttention):
            attention.batch_first = False
    return wrapped.eval()


@pytest.mark.parametrize("size", [224, 448])
def test_maps_agree_with_the_authors_package(
    backbone: Backbone, reference: torch.nn.Module, size: int
) -> None:
    torch.manual_seed(1)
    images = torch.randn(2, 3, size, size)
    text = F.normalize(torch.randn(3, 512), dim=-1)
    with torch.no_grad():
        tokens, _ = reference.model.visual(images)
    grid = size // 16
    cosines = F.normalize(tokens, dim=-1)[:, 1:] @ text.T
    expected = cosines.transpose(1, 2).reshape(2, 3, grid, grid)

    found = compute_maps("gem", backbone, images, text)

    torch.testing.assert_close(found, expected, atol=TOLERANCE, rtol=0)
    torch.testing.assert_close(normalize(found), reference.min_max(expected), atol=TOLERANCE, rtol=0)


def test_the_package_gets_its_full_size_map_from_ours(
    backbone: Backbone, reference: torch.nn.Module, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.manual_seed(2)
    image, text = torch.randn(1, 3, 224, 224), F.normalize(torch.randn(2, 512), dim=-1)
    monkeypatch.setattr(reference, "encode_text", lambda _: text[None])
    with torch.no_grad():
        expected = reference(image, ["a", "b"])

    maps = compute_maps("gem", backbone, image, text)

    enlarged = F.interpolate(maps, size=(224, 224), mode="bilinear")
    torch.testing.assert_close(normalize(enlarged), expected, atol=TOLERANCE, rtol=0)
