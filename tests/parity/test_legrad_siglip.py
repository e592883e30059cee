"""LeGrad on SigLIP, with its authors' correction, against a transcription of their path."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from timm.models.vision_transformer import VisionTransformer
from torch import nn
from torch.nn import functional as F

from cliploc.core.codes import map_of
from cliploc.core.methods import METHODS
from cliploc.core.methods.compute import compute_maps
from cliploc.core.postprocess import published_config
from cliploc.core.stretch import of_itself
from tests.parity import paths
from tests.towers import TRANSFORMERS, backbone_of, made, pictures, wrapped

PUBLISHED = dict(METHODS["legrad"].published.parameters)
TOLERANCE = 1e-5
WIDTH = 64


def siglip(side: int, **options: Any) -> nn.Module:
    """As SigLIP has it: no class token, no projection behind the pooling head."""
    return wrapped(
        VisionTransformer(
            img_size=side, patch_size=16, embed_dim=WIDTH, depth=4, num_heads=4, class_token=False,
            global_pool="map", num_classes=0, **options,
        )
    )  # fmt: skip


@pytest.mark.parametrize("side", [224, 336, 448])
def test_maps_are_the_authors(side: int) -> None:
    visual = made(partial(siglip, side)).double()
    backbone = backbone_of(visual)
    images = pictures(1, side).double()
    text = F.normalize(torch.randn(4, WIDTH, generator=torch.Generator().manual_seed(1)).double(), dim=-1)
    object.__setattr__(backbone, "encoder", lambda texts: text[:1].float())
    empty = text[:1].float().double()  # as the backbone encodes it

    maps = compute_maps("legrad", backbone, images, text[1:], contrast="none", **PUBLISHED)

    config = published_config("grid")  # theirs stretches this network's maps before it enlarges them
    ours = np.stack([map_of(of_itself(each.numpy()), (side, side), config) for each in maps[0]])
    theirs = paths.legrad_siglip(visual.trunk, images, text[1:], empty)[0].numpy()
    assert np.abs(ours - theirs).max() < TOLERANCE
    without = compute_maps("legrad", backbone, images, text[1:])
    assert (maps == 0).sum() > (without == 0).sum()


@pytest.mark.parametrize("name", ["open_clip", "CoCa", "EVA01", "PE-Core"])
def test_other_networks_are_not_corrected(name: str) -> None:
    backbone = backbone_of(made(TRANSFORMERS[name]))
    text = F.normalize(torch.randn(2, 48, generator=torch.Generator().manual_seed(1)), dim=-1)
    found = [compute_maps("legrad", backbone, pictures(1), text, **each) for each in ({}, PUBLISHED)]
    torch.testing.assert_close(*found, rtol=0, atol=0)
