"""Every method on every family of networks: finite, alive, alike in any batch, and nothing left behind."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from cliploc.core.errors import ParameterError
from cliploc.core.methods.compute import compute_maps
from cliploc.core.methods.registry import METHODS
from tests.towers import FAMILIES, PATCH, SIDE, WIDTH, backbone_of, made, pictures

BACKBONES = {
    name: backbone_of(made(make), name)
    for name, make in FAMILIES.items()
    if name != "CoCa, one width"  # its texts would be of another width
}
READ = [(m, n) for m, spec in METHODS.items() for n, b in BACKBONES.items() if b.kind in spec.families]
CAMS = ("gradcam", "gradcam++", "layercam")


def rows(count: int = 3) -> torch.Tensor:
    return F.normalize(torch.randn(count, WIDTH, generator=torch.Generator().manual_seed(5)), dim=-1)


def side_for(name: str) -> int:
    return 4 * 32 if BACKBONES[name].kind == "convnet" else SIDE + PATCH


@pytest.mark.parametrize(("method", "name"), READ)
def test_maps_are_finite_alive_and_the_same_in_any_batch(method: str, name: str) -> None:
    backbone = BACKBONES[name]
    images = pictures(4, side_for(name))
    maps = compute_maps(method, backbone, images, rows())
    assert maps.shape[:2] == (4, 3)
    assert maps.shape[2] == maps.shape[3] > 1
    assert torch.isfinite(maps).all()
    spread = maps.amax((2, 3)) - maps.amin((2, 3))
    if method in CAMS or method in ("legrad", "chefer"):  # ReLU: some may be zero
        assert spread.max() > 0 or (
            name == "FastViT" and method != "gradcam"
        )  # its features: three in four below 0
    else:
        assert spread.min() > 0
    alone = torch.cat([compute_maps(method, backbone, image[None], rows()) for image in images])
    torch.testing.assert_close(alone, maps, rtol=1e-4, atol=1e-6 + 1e-5 * float(maps.abs().max()))


@pytest.mark.parametrize(("method", "name"), READ)
def test_the_network_is_left_as_it_was(method: str, name: str) -> None:
    visual = BACKBONES[name].model.visual
    before = {key: value.clone() for key, value in visual.state_dict().items()}
    compute_maps(method, BACKBONES[name], pictures(1, side_for(name)), rows(1))
    assert all(torch.equal(value, before[key]) for key, value in visual.state_dict().items())
    assert not any(module.training for module in visual.modules())
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in visual.modules())
    assert all(parameter.grad is None for parameter in visual.parameters())


@pytest.mark.parametrize("name", BACKBONES)
def test_every_family_is_read_by_some_and_the_rest_refuse_in_words(name: str) -> None:
    kind = BACKBONES[name].kind
    reading = [method for method, spec in METHODS.items() if kind in spec.families]
    assert len(reading) >= (3 if kind == "convnet" else 6)
    for method in METHODS.keys() - reading:
        with pytest.raises(ParameterError, match=f"is of the kind '{kind}'"):
            compute_maps(method, BACKBONES[name], pictures(1, side_for(name)), rows(1))
