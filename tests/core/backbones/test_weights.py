"""Files as people's training scripts leave them: the same numbers, or what the file is."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from cliploc.core.backbones import imagenet
from cliploc.core.backbones.load import load_backbone
from cliploc.core.backbones.network import Backbone
from cliploc.core.backbones.weights import load_weights, non_finite
from cliploc.core.errors import CheckpointError

State = dict[str, Tensor]


@pytest.fixture(scope="module")
def network(tiny_backbone: str) -> Backbone:
    return load_backbone(tiny_backbone, device="cpu")


@pytest.fixture(scope="module")
def weights(network: Backbone) -> State:
    return dict(network.model.state_dict())


def prefixed(weights: State, prefix: str) -> State:
    return {prefix + name: value for name, value in weights.items()}


def cast(weights: State, dtype: torch.dtype) -> State:
    return {name: value.to(dtype) for name, value in weights.items()}


def load(tiny_backbone: str, place: Path, content: object, name: str = "weights.pt") -> Backbone:
    torch.save(content, place / name)
    return load_backbone(tiny_backbone, str(place / name), "cpu", preprocess="openai")


def assert_same(loaded: Backbone, weights: State, tolerance: float = 0) -> None:
    for name, value in loaded.model.state_dict().items():
        torch.testing.assert_close(value, weights[name], atol=tolerance, rtol=tolerance, msg=name)


PREFIXES = [
    "".join(each)
    for n in (1, 2, 3)
    for each in itertools.permutations(("module.", "_orig_mod.", "model."), n)
]


@pytest.mark.parametrize("prefix", ["", *PREFIXES, "clip.", "student.backbone."])
def test_prefixes_are_taken_off_in_any_order(
    tiny_backbone: str, tmp_path: Path, weights: State, prefix: str
) -> None:
    loaded = load(
        tiny_backbone, tmp_path, {"state_dict": prefixed(weights, prefix), "epoch": 3, "optimizer": {}}
    )
    assert_same(loaded, weights)
    assert loaded.assumed == ""


@pytest.mark.parametrize(
    "keys", [(), ("state_dict",), ("model",), ("model_state_dict",), ("trained", "net", "weights")]
)
def test_weights_may_be_under_keys(
    tiny_backbone: str, tmp_path: Path, weights: State, keys: tuple[str, ...]
) -> None:
    moments = {"state": {0: {"exp_avg": torch.zeros(3)}}, "param_groups": []}
    content: object = dict(weights)
    for key in reversed(keys):
        content = {"optimizer": moments, key: content, "epoch": 3, "args": {"lr": 0.1}}
    assert_same(load(tiny_backbone, tmp_path, content), weights)


def test_a_part_that_was_compiled_alone_loads(tiny_backbone: str, tmp_path: Path, weights: State) -> None:
    compiled = {name.replace("visual.", "visual._orig_mod."): value for name, value in weights.items()}
    assert_same(load(tiny_backbone, tmp_path, compiled), weights)


def test_an_openai_dump_has_extra_scalars(tiny_backbone: str, tmp_path: Path, weights: State) -> None:
    scalars = {"input_resolution": 32, "context_length": 77, "vocab_size": 49408}
    dump = {**weights, **{name: torch.tensor(value) for name, value in scalars.items()}}
    assert_same(load(tiny_backbone, tmp_path, dump), weights)


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float16, 1e-3), (torch.bfloat16, 1e-2)])
def test_half_precision_loads(
    tiny_backbone: str, tmp_path: Path, weights: State, dtype: torch.dtype, tolerance: float
) -> None:
    loaded = load(tiny_backbone, tmp_path, cast(weights, dtype))
    assert_same(loaded, weights, tolerance)
    assert loaded.model.visual.proj.dtype == torch.float32


def test_positions_of_another_size_are_fitted_in_half_precision_too(
    tiny_backbone: str, tmp_path: Path, weights: State
) -> None:
    larger = cast(weights, torch.float16) | {"visual.positional_embedding": torch.ones(65, 64).half()}
    loaded = load(tiny_backbone, tmp_path, larger)
    torch.testing.assert_close(loaded.model.visual.positional_embedding.data, torch.ones(17, 64))
    assert loaded.assumed == "visual.positional_embedding is resized from 65 to 17 positions"


def test_files_are_known_by_their_content(tiny_backbone: str, tmp_path: Path, weights: State) -> None:
    assert_same(load(tiny_backbone, tmp_path, weights, "pickled.safetensors"), weights)
    content = (Path(tiny_backbone.removeprefix("local-dir:")) / "open_clip_model.safetensors").read_bytes()
    (tmp_path / "weights.bin").write_bytes(content)
    assert_same(load_backbone(tiny_backbone, str(tmp_path / "weights.bin"), "cpu"), weights)


def test_of_two_networks_the_first_is_taken_and_said(
    tiny_backbone: str, tmp_path: Path, weights: State
) -> None:
    average = {name: value + 1 for name, value in weights.items()}
    loaded = load(tiny_backbone, tmp_path, {"model": weights, "model_ema": average})
    assert_same(loaded, weights)
    assert loaded.assumed == "'model' is taken, not 'model_ema'"


def test_what_stands_beside_the_network_is_left_out_and_said(
    tiny_backbone: str, tmp_path: Path, weights: State
) -> None:
    beside = {"loss.temperature": torch.zeros(1)}
    loaded = load(tiny_backbone, tmp_path, {"state_dict": prefixed(weights, "model.") | beside})
    assert_same(loaded, weights)
    assert loaded.assumed == "loss.temperature is left out"


def adapter(weights: State) -> State:
    return {"base_model.model.visual.proj.lora_A.weight": torch.zeros(4, 4)}


def visual_tower(weights: State) -> State:
    return {name: value for name, value in weights.items() if name.startswith("visual.")}


def visual_tower_by_itself(weights: State) -> State:
    return {name.removeprefix("visual."): value for name, value in visual_tower(weights).items()}


def text_tower(weights: State) -> State:
    return {name: value for name, value in weights.items() if not name.startswith("visual.")}


def without_a_block(weights: State) -> State:
    return {name: value for name, value in weights.items() if "visual.transformer.resblocks.1" not in name}


def deeper(weights: State) -> State:
    return weights | {"visual.transformer.resblocks.2.ln_1.weight": torch.zeros(64)}


def wider(weights: State) -> State:
    return weights | {"visual.conv1.weight": torch.zeros(128, 3, 8, 8)}


def of_something_else(weights: State) -> State:
    return {"stem.weight": torch.zeros(3), "blocks.0.weight": torch.zeros(3)}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (adapter, "holds an adapter .*merge it"),
        (visual_tower, "a visual tower only: it has no text tower"),
        (visual_tower_by_itself, "a visual tower only: it has no text tower"),
        (text_tower, "a text tower only: it has no visual tower"),
        (
            without_a_block,
            r"lacks 12 of the \d+ tensors .*: visual.transformer.resblocks.1; it is incomplete",
        ),
        (deeper, "another architecture .*it has visual.transformer.resblocks.2"),
        (
            wider,
            r"another architecture .*visual.conv1.weight: found \(128, 3, 8, 8\), expected \(64, 3, 8, 8\)",
        ),
        (of_something_else, "another architecture .*it has stem.weight, blocks.0 and lacks "),
        (lambda _: {"epoch": 3}, "holds no weights"),
        (lambda _: [1, 2], "holds no weights"),
        (lambda weights: {"state_dict": weights, "best": np.float64(0.3)}, "convert it to safetensors"),
    ],
)
def test_a_refusal_says_what_the_file_is(
    tiny_backbone: str, tmp_path: Path, weights: State, content: object, said: str
) -> None:
    assert callable(content)
    for wrap in (lambda state: state, lambda state: {"state_dict": state}):
        with pytest.raises(CheckpointError, match=said):
            load(tiny_backbone, tmp_path, wrap(content(weights)))


def test_the_resnet_of_imagenet_is_unwrapped_likewise(tmp_path: Path) -> None:
    model = imagenet.build()
    state = dict(model.state_dict())
    old = {name: value for name, value in state.items() if not name.endswith("num_batches_tracked")}
    path = tmp_path / "resnet.pth"
    for content in (state, old, {"state_dict": prefixed(state, "module.")}, {"model": state, "epoch": 3}):
        torch.save(content, path)
        assert load_weights(imagenet.build(), path, "resnet50") == ""
    torch.save(state | {"fc.weight": torch.zeros(10, 2048)}, path)
    with pytest.raises(CheckpointError, match=r"another architecture .*fc.weight: found \(10, 2048\)"):
        load_weights(imagenet.build(), path, "resnet50")


def test_weights_that_are_not_finite_are_found(tiny_backbone: str, tmp_path: Path, weights: State) -> None:
    poisoned = weights | {"visual.proj": torch.full_like(weights["visual.proj"], torch.nan)}
    assert non_finite(load(tiny_backbone, tmp_path, poisoned).model) == ["visual.proj"]
