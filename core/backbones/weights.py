"""Weights files: out of what wraps them, into a network strictly, or a sentence that says what they are.

Training scripts leave their mark on a file: weights under a key beside an optimizer's,
names that begin with what held the network (`module.`, `_orig_mod.`, `model.`), an old
archive's scalars. None of that changes a number, so it is taken off by the names that
the network itself has; whatever else is left over is refused, or said.
"""

from __future__ import annotations

import pickle
import re
import stat
import zipfile
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

import torch
from open_clip.convert import convert_state_dict
from open_clip.model import convert_to_custom_text_state_dict, resize_pos_embed, resize_text_pos_embed
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from cliploc.core.backbones.script_archive import is_script, read_script
from cliploc.core.backbones.transformers_names import by_open_clip_names
from cliploc.core.errors import CheckpointError, clean

State = dict[str, Tensor]

# What reading a file of weights may raise, whatever the file holds.
_UNREADABLE = (
    SafetensorError, pickle.UnpicklingError, RuntimeError, OSError, EOFError,
    ValueError, KeyError, TypeError, AttributeError, AssertionError, StopIteration, IndexError,
    zipfile.BadZipFile, NotImplementedError, MemoryError,
)  # fmt: skip
# Parts of names that torch.compile, DataParallel and FSDP put in, at any depth.
_WRAPPERS = {"_orig_mod", "module", "_fsdp_wrapped_module", "_checkpoint_wrapped_module"}
# OpenAI's archives carry these numbers beside the weights, older transformers the positions' ids;
# archives of programs may hold the mask that the text's blocks were made with.
_NO_WEIGHTS = {"input_resolution", "context_length", "vocab_size", "text.transformer.embeddings.position_ids"}
_ADAPTER = re.compile(r"(^|[._])(lora|loha|lokr|hada)_|adapter", re.IGNORECASE)
_NESTED = 4  # mappings within mappings; deeper ones are not looked into
_LARGEST = 256 << 30  # bytes of a file
_NAMED = 6  # names in a sentence


def load_weights(model: nn.Module, path: Path, architecture: str) -> str:
    """Load a file into a network, strictly; no code in a pickle runs.

    Returns what was left out of a file that holds more than the network, and what was fitted, "" otherwise.
    CheckpointError that says what the file is where it is not the whole of it.
    """
    own = model.state_dict()
    found = [(key, _bare(state, own)) for key, state in _states(_content(path))]
    if not found:
        raise CheckpointError(f"{path} holds no weights, that is, no tensors by name")
    # The best match; of equal ones the first.
    matches = [len(state.keys() & own.keys()) for _, state in found]
    key, state = found[matches.index(max(matches))]
    state = _renamed(model, state)
    _check_kind(state, own, path, architecture)
    shapes = {name: value.shape for name, value in state.items() if name.endswith("positional_embedding")}
    state = _reshaped(model, state, path, architecture)
    beside = _check_fit(state, own, path, architecture)
    try:
        model.load_state_dict({name: value for name, value in state.items() if name in own}, strict=True)
    except RuntimeError as error:  # quantized and other tensors that are no plain numbers
        raise CheckpointError(f"{path} holds no plain weights ({clean(error)[:200]}); convert it") from error
    rivals = [other for (other, _), match in zip(found, matches, strict=True) if match == max(matches)][1:]
    notes = (
        [f"{clean(key)!r} is taken, not {', '.join(repr(clean(each)) for each in rivals)}"] if rivals else []
    )
    notes += [f"{', '.join(_grouped(beside))} is left out"] if beside else []
    notes += [
        f"{name} is resized from {shape[0]} to {state[name].shape[0]} positions"
        for name, shape in shapes.items()
        if shape != state[name].shape
    ]
    return "; ".join(notes)


def non_finite(model: nn.Module) -> list[str]:
    """The names of a network's weights that hold NaN or infinity."""
    return [
        name
        for name, value in model.state_dict().items()
        if value.is_floating_point() and not torch.isfinite(value).all()
    ]


def _content(path: Path) -> object:
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode) or found.st_size > _LARGEST:
            raise CheckpointError(
                f"{path} is no file of weights: expected a regular file of at most {_LARGEST >> 30} GB"
            )
        with path.open("rb") as file:
            start = file.read(9)
            file.seek(0)
            # By content: safetensors begin with the length of a JSON object, torch's are zips or pickles.
            pickled = start.startswith((b"PK", b"\x80"))
            if pickled and is_script(path):
                return read_script(path)
            if start[8:] == b"{" or (path.suffix == ".safetensors" and not pickled):
                return load_file(path)
            return torch.load(file, map_location="cpu", weights_only=True)
    except _UNREADABLE as error:
        first = clean(str(error).split("\n")[0])[:200]
        if (
            isinstance(error, pickle.UnpicklingError)
            or "Weights only" in str(error)
            or "TorchScript" in str(error)
        ):
            raise CheckpointError(
                f"{path} is not plain weights: it holds code or other objects, which are never run; "
                "convert it to safetensors where you trust it"
            ) from error
        raise CheckpointError(
            f"{path} cannot be read as weights ({type(error).__name__}: {first}); "
            "it may be cut short: fetch or copy it again"
        ) from error


def _states(content: object, place: str = "", depth: int = 0) -> Iterator[tuple[str, State]]:
    """Every mapping of names to tensors in the content, with the keys that lead to it."""
    if not isinstance(content, Mapping) or depth > _NESTED:
        return
    state = {
        key: value for key, value in content.items() if isinstance(key, str) and isinstance(value, Tensor)
    }
    if state:
        yield place, state
    for key, value in content.items():
        if isinstance(key, str):
            yield from _states(value, f"{place}.{key}" if place else key, depth + 1)


def _bare(state: State, own: Collection[str]) -> State:
    """The weights by the network's own names, as far as those are in there."""
    if any(part in _WRAPPERS for name in own for part in name.split(".")):
        plain = dict(state)
    else:
        plain = {".".join(p for p in name.split(".") if p not in _WRAPPERS): v for name, v in state.items()}
    plain = by_open_clip_names(plain, own)
    # What most names begin with before a name of the network's; its own towers are no wrapping.
    roots = {name.partition(".")[0] for name in own}
    prefixes: Counter[str] = Counter({"": 0})
    for name in plain:
        parts = name.split(".")
        tails = (".".join(parts[start:]) for start in range(1 if parts[0] in roots else len(parts)))
        prefixes.update(name.removesuffix(tail) for tail in tails if tail in own)
    prefix = max(prefixes, key=lambda each: (prefixes[each], -len(each)))
    return {
        name.removeprefix(prefix): value
        for name, value in plain.items()
        if name.removeprefix(prefix) not in _NO_WEIGHTS and not name.endswith(".attn_mask")
    }


def _renamed(model: nn.Module, state: State) -> State:
    """The weights by the names of this kind of model, from other layouts that open_clip knows."""
    state = convert_state_dict(model, state)
    if "positional_embedding" in state and "positional_embedding" not in model.state_dict():
        state = convert_to_custom_text_state_dict(state)
    return state


def _reshaped(model: nn.Module, state: State, path: Path, architecture: str) -> State:
    """What open_clip fits when it loads: position embeddings of another size, scalars as vectors."""
    if not hasattr(model, "logit_scale"):
        return state
    own = model.state_dict()
    if "logit_bias" in own and "logit_scale" in state:
        state.setdefault("logit_bias", torch.zeros_like(own["logit_bias"]))
    try:
        for name, value in state.items():
            if name.endswith("positional_embedding"):
                state[name] = value.float()  # half precision cannot be resized on a CPU
            if name in ("logit_scale", "logit_bias") and name in own:
                state[name] = value.reshape(own[name].shape)
        resize_pos_embed(state, model)
        resize_text_pos_embed(state, model)
    except (AssertionError, RuntimeError, ValueError, IndexError) as error:
        raise _other_architecture(
            path, architecture, f"its positions or scale do not fit: {clean(error)[:120]}"
        ) from error
    return state


def _check_kind(state: State, own: Mapping[str, Tensor], path: Path, architecture: str) -> None:
    """CheckpointError for a file of another kind than a network of ours."""
    if any(_ADAPTER.search(name) for name in state):
        raise CheckpointError(
            f"{path} holds an adapter (such as LoRA), which changes a network's weights; merge it into the "
            f"network where it was trained, and save the whole as {architecture}"
        )
    visual = {name for name in own if name.startswith("visual.")}
    text = own.keys() - visual - {"logit_scale", "logit_bias"}
    if not visual:
        return
    # A visual tower that was saved by itself: its names lack `visual.`, and some are then the text tower's.
    alone = {name.removeprefix("visual.") for name in visual}
    by_itself = bool(state.keys() & (alone - text)) and not state.keys() & (text - alone)
    has_visual = any(name.startswith("visual.") for name in state) or by_itself
    has_text = bool(state.keys() & text) and not by_itself
    if has_visual != has_text:
        found, lacking = ("visual", "text") if has_visual else ("text", "visual")
        raise CheckpointError(
            f"{path} is a {found} tower only: it has no {lacking} tower; expected the whole of {architecture}"
        )


def _check_fit(state: State, own: Mapping[str, Tensor], path: Path, architecture: str) -> list[str]:
    """CheckpointError unless the whole network is there. Returns the names of what is beside it."""
    wrong = [name for name in own if name in state and state[name].shape != own[name].shape]
    if wrong:
        found, expected = tuple(state[wrong[0]].shape), tuple(own[wrong[0]].shape)
        raise _other_architecture(path, architecture, f"{wrong[0]}: found {found}, expected {expected}")
    # Old files lack the running counts of batches; nothing reads them.
    missing = [n for n in own if n not in state and not n.endswith("num_batches_tracked")]
    beside = [name for name in state if name not in own]
    roots = {name.partition(".")[0] for name in own}
    inside = [name for name in beside if name.partition(".")[0] in roots]
    if inside or (missing and beside):
        more = f"it has {', '.join(_grouped(inside or beside))}"
        less = f" and lacks {', '.join(_grouped(missing))}" if missing else ""
        raise _other_architecture(path, architecture, more + less)
    if missing:
        raise CheckpointError(
            f"{path} lacks {len(missing)} of the {len(own)} tensors of {architecture}: "
            f"{', '.join(_grouped(missing))}; it is incomplete, or was trained as a smaller network"
        )
    return beside


def _grouped(names: Collection[str]) -> list[str]:
    """Names up to the number of their block, a few of them."""
    groups = dict.fromkeys(re.match(r".*?\.\d+(?=\.)|.*", name, re.DOTALL)[0] for name in names)  # type: ignore[index]
    few = [clean(group) for group in groups][:_NAMED]
    return [*few, f"{len(groups) - _NAMED} more"] if len(groups) > _NAMED else few


def _other_architecture(path: Path, architecture: str, why: str) -> CheckpointError:
    return CheckpointError(
        f"{path} was made for another architecture than {architecture} ({why}); "
        "name the one it was trained as"
    )
