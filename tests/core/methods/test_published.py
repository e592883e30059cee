"""Each method against a slow transcription of its published equations."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from cliploc.core.backbones.guide import Guide
from cliploc.core.backbones.network import Backbone
from cliploc.core.methods.compute import compute_maps
from tests.core.methods import published
from tests.core.methods.conftest import images, texts

Oracle = Callable[[nn.Module, Tensor, Tensor], Tensor]

ORACLES: list[tuple[str, dict[str, object], Oracle]] = [
    ("maskclip", {}, published.last_block(published.identity, residual=False)),
    ("maskclip", {"residual": True}, published.last_block(published.identity, residual=True)),
    ("sclip", {}, published.last_block(published.correlative, residual=True)),
    ("clearclip", {}, published.last_block(published.query_query, residual=False)),
    ("naclip", {}, published.last_block(published.neighbours, residual=False)),
    ("resclip", {}, lambda *given: published.residual(*given, share=0.4, middle=range(1, 3))),
    ("resclip", {"share": 0.9}, lambda *given: published.residual(*given, share=0.9, middle=range(1, 3))),
    ("clipsurgery", {"contrast": "none"}, lambda *given: published.surgery(*given, depth=2)),
    ("clipsurgery", {"contrast": "none", "depth": 3}, lambda *given: published.surgery(*given, depth=3)),
    ("legrad", {}, lambda *given: published.legrad(*given, layers=2)),
    ("legrad", {"layers": 4}, lambda *given: published.legrad(*given, layers=4)),
    ("chefer", {}, lambda *given: published.chefer(*given, layers=1)),
    ("chefer", {"layers": 3}, lambda *given: published.chefer(*given, layers=3)),
]


@pytest.mark.parametrize(("method", "parameters", "oracle"), ORACLES)
def test_maps_follow_the_equations(
    vit: Backbone, method: str, parameters: dict[str, object], oracle: Oracle
) -> None:
    pictures, rows = images(2, 32), texts(3)

    maps = compute_maps(method, vit, pictures, rows, **parameters)

    for image, found in zip(pictures, maps, strict=True):
        for row, map_ in zip(rows, found, strict=True):
            expected = oracle(vit.model, image, row).detach()
            scale = float(expected.abs().max())
            torch.testing.assert_close(map_.flatten(), expected, atol=1e-5 * scale, rtol=0)


def test_proxyclip_attends_as_its_guide_sees_likeness(vit: Backbone, tiny_guide: Guide) -> None:
    pictures, row = images(2, 32), texts(1)
    found = compute_maps("proxyclip", vit, pictures, row)
    for image, map_ in zip(pictures, found, strict=True):
        # The network's patches are 8 pixels wide, the guide's 4: it sees the picture at half the size.
        plain = image * torch.tensor(vit.transform.std)[:, None, None]
        plain = plain + torch.tensor(vit.transform.mean)[:, None, None]
        small = F.interpolate(plain[None], size=(16, 16), mode="bicubic", antialias=True)[0]
        own = tiny_guide.transform
        small = (small - torch.tensor(own.mean)[:, None, None]) / torch.tensor(own.std)[:, None, None]
        with torch.no_grad():
            features = tiny_guide.model.forward_features(small[None])[0, 1:]
        expected = published.last_block(published.proxy(features), residual=False)(vit.model, image, row[0])
        torch.testing.assert_close(map_[0].flatten(), expected.detach(), atol=1e-5, rtol=0)


def test_redundant_features_are_removed_as_clip_surgery_does(vit: Backbone) -> None:
    image, rows = images(1, 32), texts(5)
    with torch.no_grad():
        embedding = F.normalize(vit.model.encode_image(image)[0], dim=0)
        x = published.entering(vit.model, image[0], 3)
        block = vit.model.visual.transformer.resblocks[-1]
        y = published.project_heads(block, published.identity(*published.projections(block, x)))
        dense = F.normalize(vit.model.visual.ln_post(y[1:]) @ vit.model.visual.proj, dim=-1)
    expected = published.feature_surgery(dense, embedding, rows)

    together = compute_maps("maskclip", vit, image, rows, contrast="redundant")
    torch.testing.assert_close(together[0].flatten(1), expected, atol=1e-5, rtol=0)

    alone = compute_maps("maskclip", vit, image, rows[None, 2:3], contrast="redundant", contrast_text=rows)
    torch.testing.assert_close(alone[0, 0].flatten(), expected[2], atol=1e-5, rtol=0)


def test_gradient_methods_take_the_same_contrast_through_the_text(vit: Backbone) -> None:
    image, rows = images(1, 32), texts(4)
    with torch.no_grad():
        embedding = F.normalize(vit.model.encode_image(image), dim=-1)
    probabilities = (2 * embedding @ rows.T).softmax(-1)
    weights = (probabilities / probabilities.mean()).T
    surgical = weights * rows - (weights * rows).mean(0)

    found = compute_maps("legrad", vit, image, rows, contrast="redundant")

    expected = published.legrad
    for index in range(4):
        # The oracle takes cosines with unit rows; a row's length only scales the gradient.
        scale = surgical[index].norm()
        map_ = expected(vit.model, image[0], surgical[index], layers=2) * scale
        torch.testing.assert_close(found[0, index].flatten(), map_, atol=1e-6 * float(map_.max()), rtol=1e-4)
