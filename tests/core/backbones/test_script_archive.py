"""TorchScript archives as OpenAI published CLIP in them: tensors come out, nothing runs."""

from __future__ import annotations

import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from cliploc.core.backbones.load import load_backbone
from cliploc.core.backbones.script_archive import is_openai, is_script, read_script
from cliploc.core.errors import CheckpointError

State = dict[str, Tensor]
SCALARS = {"input_resolution": torch.tensor(32), "context_length": torch.tensor(77),
           "vocab_size": torch.tensor(49408)}  # fmt: skip


class Holder(nn.Module):
    """A module of nothing but names."""


def archive(state: State, path: Path) -> Path:
    """A TorchScript archive with modules that hold a state's tensors."""
    root = Holder()
    for name, value in state.items():
        *modules, last = name.split(".")
        place = root
        for module in modules:
            if module not in dict(place.named_children()):
                place.add_module(module, Holder())
            place = place.get_submodule(module)
        place.register_buffer(last, value)
    torch.jit.save(torch.jit.script(root), str(path))
    return path


@pytest.fixture
def weights(tiny_backbone: str) -> State:
    return dict(load_backbone(tiny_backbone, device="cpu").model.state_dict())


def test_tensors_come_out_as_they_went_in(tmp_path: Path) -> None:
    numbers = torch.arange(24.0)
    state = {
        "a.weight": numbers[:6].view(2, 3).half(), "a.b.transposed": numbers[:6].view(3, 2).T,
        "a.b.part": numbers[8:12], "a.b.same": numbers[10:20:3],
        "scalar": torch.tensor(3), "none": torch.empty(0, 4),
        "b.0.flag": torch.tensor([True, False]), "b.0.bytes": torch.arange(5, dtype=torch.uint8),
    }  # fmt: skip
    path = archive(state, tmp_path / "some.pt")
    found = read_script(path)
    assert found.keys() == state.keys()
    for name, value in state.items():
        assert found[name].dtype == value.dtype
        assert torch.equal(found[name], value), name
    assert is_script(path)
    assert not is_openai(path)


def test_openais_archive_is_known_by_its_numbers(tiny_backbone: str, tmp_path: Path, weights: State) -> None:
    """Its half-precision weights load; QuickGELU and OpenAI's pictures are known, not assumed."""
    mask = {"transformer.resblocks.0.attn_mask": torch.zeros(77, 77)}
    half = {name: value.half() for name, value in weights.items()}
    path = archive(half | SCALARS | mask, tmp_path / "ViT.pt")
    assert is_openai(path)
    loaded = load_backbone(tiny_backbone, str(path), "cpu", preprocess="openai")
    for name, value in loaded.model.state_dict().items():
        torch.testing.assert_close(value, half[name].float())
    assert loaded.assumed == ""


def test_a_named_architecture_takes_openais_archive_without_a_guess(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import open_clip

    small = {
        "embed_dim": 16,
        "vision_cfg": {"image_size": 32, "layers": 1, "width": 64, "patch_size": 16},
        "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 16, "heads": 2, "layers": 1},
    }
    monkeypatch.setitem(open_clip.factory._MODEL_CONFIGS, "ViT-B-16", small)
    state = dict(load_backbone("ViT-B-16", "random:0", "cpu").model.state_dict())
    archive(state | SCALARS, tmp_path / "x.pt")
    loaded = load_backbone("ViT-B-16", str(tmp_path / "x.pt"), "cpu")
    assert loaded.assumed == ""
    assert loaded.model.visual.transformer.resblocks[0].mlp.gelu.__class__.__name__ == "QuickGELU"
    archive(state, tmp_path / "y.pt")
    assert "plain GELU" in load_backbone("ViT-B-16", str(tmp_path / "y.pt"), "cpu").assumed


class Runs:
    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return exec, ("raise SystemExit('it ran')",)


def changed(path: Path, change: Callable[[str, bytes], bytes], packed: bool = False) -> Path:
    """An archive with other contents."""
    copy = path.with_name("changed.pt")
    kind = zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(copy, "w", kind) as new:
        for name in old.namelist():
            new.writestr(name, change(name, old.read(name)))
    return copy


def pickled(content: bytes) -> Callable[[str, bytes], bytes]:
    return lambda name, old: content if name.endswith("/data.pkl") else old


@pytest.mark.parametrize(
    ("change", "packed", "said"),
    [
        (pickled(pickle.dumps(Runs(), 2)), False, "holds code or other objects, which are never run"),
        (pickled(pickle.dumps([1, 2], 2)), False, "holds code or other objects"),
        (pickled(b""), False, "cannot be read as weights"),
        (lambda name, old: old[:-2] if "/data/" in name else old, False, "bytes, expected"),
        (lambda _, old: old, True, "packed numbers"),
    ],
)
def test_what_holds_anything_else_is_refused(
    tiny_backbone: str, tmp_path: Path, change: Callable[[str, bytes], bytes], packed: bool, said: str
) -> None:
    path = archive({"a.weight": torch.ones(3, 4)}, tmp_path / "some.pt")
    with pytest.raises(CheckpointError, match=said):
        load_backbone(tiny_backbone, str(changed(path, change, packed)), "cpu")


@pytest.mark.parametrize(
    "view",
    [(0, (5, 4), (4, 1)), (8, (2, 4), (4, 1)), (0, (100_000_000,), (0,)), (-4, (4,), (1,)), (8, (3,), (-4,))],
)
def test_a_tensor_stays_within_its_numbers(
    tmp_path: Path, view: tuple[int, tuple[int, ...], tuple[int, ...]]
) -> None:
    from cliploc.core.backbones.script_archive import _Reader

    with pytest.raises(ValueError, match="outside its 12 numbers"):
        _Reader._rebuilder()(torch.zeros(12), *view)
