"""What every method of the registry keeps to."""

from __future__ import annotations

import inspect
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module

import pytest
import torch
from torch.nn import functional as F

from cliploc.core.backbones.network import Backbone
from cliploc.core.errors import ParameterError
from cliploc.core.methods import METHODS
from cliploc.core.methods.compute import compute_many, compute_maps, embedding, normalize
from tests.core.methods.conftest import images, texts

BackboneFor = Callable[[str], Backbone]
every_method = pytest.mark.parametrize("method", METHODS)
SIDE = {"vit": 8, "resnet": 2, "classifier": 2}


@every_method
def test_maps_are_finite_float32_on_the_networks_grid(method: str, backbone_for: BackboneFor) -> None:
    backbone = backbone_for(method)
    maps = compute_maps(method, backbone, images(2), texts(3))
    side = SIDE[backbone.kind]
    assert maps.shape == (2, 3, side, side)
    assert maps.dtype == torch.float32
    assert torch.isfinite(maps).all()
    assert not maps.requires_grad
    maps += 1  # an ordinary tensor, not one of inference mode


@every_method
def test_a_batch_of_eight_is_eight_batches_of_one(method: str, backbone_for: BackboneFor) -> None:
    backbone, pictures, rows = backbone_for(method), images(8), texts(2)
    together = compute_maps(method, backbone, pictures, rows)
    alone = torch.cat([compute_maps(method, backbone, picture[None], rows) for picture in pictures])
    torch.testing.assert_close(together, alone, atol=1e-5 * float(alone.abs().max()), rtol=0)


@every_method
def test_a_second_batch_copies_nothing_to_the_device(
    method: str, backbone_for: BackboneFor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is made of Python's numbers on the way is made once: on an accelerator each copy waits for it."""
    backbone, made, pictures, rows = backbone_for(method), list[str](), images(2), texts(3)
    compute_maps(method, backbone, pictures, rows)
    for name in ("tensor", "as_tensor", "from_numpy", "cartesian_prod"):
        monkeypatch.setattr(torch, name, lambda *_, name=name, **__: made.append(name))
    compute_maps(method, backbone, pictures, rows)
    assert made == []


@every_method
def test_rows_may_differ_by_image(method: str, backbone_for: BackboneFor) -> None:
    backbone, pictures, rows, labels = backbone_for(method), images(3), texts(3), texts(6)
    for contrast in ("none", "labels", "neutral", "redundant"):
        given = {"contrast": contrast, "contrast_text": labels}
        shared = compute_maps(method, backbone, pictures, rows, **given)
        own = compute_maps(method, backbone, pictures, rows[:, None], **given)
        expected = torch.stack([shared[n, n] for n in range(3)])
        torch.testing.assert_close(own[:, 0], expected, atol=1e-5 * float(shared.abs().max()), rtol=0)


@every_method
def test_the_same_call_gives_the_same_bits(method: str, backbone_for: BackboneFor) -> None:
    backbone = backbone_for(method)
    first, second = (compute_maps(method, backbone, images(2), texts(2)) for _ in range(2))
    assert torch.equal(first, second)


@every_method
def test_sizes_other_than_the_native_one_and_not_square(method: str, backbone_for: BackboneFor) -> None:
    backbone = backbone_for(method)
    maps = compute_maps(method, backbone, images(1, (64, 128)), texts(1))
    side = SIDE[backbone.kind]
    assert maps.shape == (1, 1, side, 2 * side)
    with pytest.raises(ParameterError, match="expected a multiple of"):
        compute_maps(method, backbone, images(1, 60), texts(1))


@contextmanager
def untouched(backbone: Backbone) -> Iterator[None]:
    """Weights, modes, hooks and gradients are after the block what they were before it."""
    model = backbone.model
    weights = {name: value.clone() for name, value in model.state_dict().items()}
    flags = [weight.requires_grad for weight in model.parameters()]
    modes = [module.training for module in model.modules()]
    forwards = [vars(module).get("forward") for module in model.modules()]
    yield
    assert all(torch.equal(weights[name], value) for name, value in model.state_dict().items())
    assert flags == [weight.requires_grad for weight in model.parameters()]
    assert modes == [module.training for module in model.modules()]
    assert forwards == [vars(module).get("forward") for module in model.modules()]
    assert all(weight.grad is None for weight in model.parameters())
    for module in model.modules():
        assert not module._forward_hooks
        assert not module._forward_pre_hooks
        assert not module._backward_hooks


@every_method
def test_the_network_is_left_as_it_was_also_after_an_error(method: str, backbone_for: BackboneFor) -> None:
    backbone = backbone_for(method)
    with untouched(backbone):
        compute_maps(method, backbone, images(1), texts(2))
    with untouched(backbone), pytest.raises(RuntimeError):
        compute_maps(method, backbone, images(1), texts(2, width=23))


@every_method
@pytest.mark.parametrize("mode", [torch.inference_mode, torch.no_grad])
def test_the_callers_mode_and_frozen_weights_do_not_matter(
    method: str, backbone_for: BackboneFor, mode: Callable[[], Iterator[None]]
) -> None:
    backbone = backbone_for(method)
    expected = compute_maps(method, backbone, images(1), texts(2))
    for weight in backbone.model.parameters():
        weight.requires_grad_(False)
    try:
        with mode():
            found = compute_maps(method, backbone, images(1), texts(2))
    finally:
        for weight in backbone.model.parameters():
            weight.requires_grad_(True)
    assert torch.equal(found, expected)


@every_method
def test_under_autocast_maps_are_near_and_not_of_a_few_values(method: str, backbone_for: BackboneFor) -> None:
    backbone = backbone_for(method)
    expected = normalize(compute_maps(method, backbone, images(2, 128), texts(2), contrast="labels"))
    with torch.autocast("cpu", torch.bfloat16):
        maps = compute_maps(method, backbone, images(2, 128), texts(2), contrast="labels")
    assert maps.dtype == torch.float32
    found = normalize(maps)
    assert (found - expected).abs().mean() < 0.03
    positive = maps[maps > 0]
    assert len(positive.unique()) > 0.98 * len(positive)


@every_method
def test_every_declared_parameter_reaches_the_code(method: str) -> None:
    spec = METHODS[method]
    module, _, name = spec.target.partition(":")
    accepted = inspect.signature(getattr(import_module(module), name)).parameters
    own = {parameter.name for parameter in spec.parameters} - {"contrast", "no_class"}
    assert own == {key for key, given in accepted.items() if given.kind is given.KEYWORD_ONLY}
    assert "contrast" in {parameter.name for parameter in spec.parameters}
    assert spec.name == method
    assert all(parameter.help for parameter in spec.parameters)


def test_several_methods_in_one_call_are_what_each_gives_alone(vit: Backbone) -> None:
    names = [name for name, spec in METHODS.items() if "vit" in spec.families]
    pictures, rows, labels = images(2), texts(2), texts(5)
    together = compute_many({name: {} for name in names}, vit, pictures, rows, contrast_text=labels)
    assert list(together) == names
    for name in names:
        alone = compute_maps(name, vit, pictures, rows, contrast_text=labels)
        assert torch.equal(together[name], alone), name


def test_embeddings_are_those_of_encode_image(vit: Backbone, resnet: Backbone) -> None:
    for backbone, size in ((vit, 32), (resnet, 64)):
        with torch.no_grad():
            expected = F.normalize(backbone.model.encode_image(images(2, size)), dim=-1)
            torch.testing.assert_close(embedding(backbone, images(2, size)), expected, atol=1e-5, rtol=0)


def test_normalize_stretches_each_map_and_a_constant_one_becomes_zeros() -> None:
    maps = torch.stack([torch.arange(4.0).view(2, 2) * 3 - 5, torch.full((2, 2), 7.0)])[None]
    found = normalize(maps)
    torch.testing.assert_close(found[0, 0], torch.tensor([[0, 1 / 3], [2 / 3, 1]]))
    assert torch.equal(found[0, 1], torch.zeros(2, 2))
    tiny = normalize(torch.tensor([[[[0.0, 1e-40]]]]))
    assert torch.isfinite(tiny).all()
    assert tiny.max() <= 1


def test_wrong_names_and_values_are_told(vit: Backbone, resnet: Backbone) -> None:
    for method, given, words in (
        ("gemm", {}, "did you mean gem"),
        ("gem", {"dept": 3}, "did you mean depth"),
        ("gem", {"depth": -1}, "expected 0 to 64"),
    ):
        with pytest.raises(ParameterError, match=words):
            compute_maps(method, vit, images(1), texts(1), **given)
    with pytest.raises(ParameterError, match="gem reads a vit or vit-class"):
        compute_maps("gem", resnet, images(1), texts(1))
    with pytest.raises(ParameterError, match=r"expected \(T, d\) or \(1, T, d\)"):
        compute_maps("gem", vit, images(1), texts(4)[None].expand(2, 4, 24))


def test_the_registry_costs_no_torch() -> None:
    modules = "core, cliploc.core.methods, cliploc.core.prompts, cliploc.core.backbones.catalog"
    code = f"import sys, {modules}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
