"""What can be told of a network before torch is loaded: unknown names, absent weights, missing devices.

Loading torch takes 4 to 60 seconds, and these errors need none of it. Only what torch
and open_clip are certain to refuse is refused; the rest is left to them.
"""

from __future__ import annotations

import ast
import importlib.util
import re
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from cliploc.core.backbones import hub
from cliploc.core.backbones.catalog import DEMO, IMAGENET, PUBLISHED, demo_folder, told_of, usual_tag
from cliploc.core.backbones.open_clip_private import TABLE
from cliploc.core.backbones.text_side import local_text, read_json
from cliploc.core.errors import CheckpointError, ParameterError, clean, unknown
from cliploc.core.paths import expanded

# Where a driver that answers to `cuda` shows: NVIDIA's, Tegra's, WSL's, AMD's (torch calls ROCm cuda).
_DRIVERS = ("/dev/nvidiactl", "/dev/nvidia0", "/proc/driver/nvidia", "/dev/nvgpu", "/dev/nvhost-gpu",
            "/dev/nvmap", "/dev/dxg", "/dev/kfd")  # fmt: skip
_ENDINGS = (".pt", ".pth", ".bin", ".ckpt", ".safetensors")
_FOLDER = ("local-dir:", "hf-hub:")


def check_network(backbone: str, checkpoint: str = "", devices: str = "auto") -> None:
    """Raise what `load_backbone` and its device would raise in the end, at once.

    devices: as `heatmaps compute --device` takes them.
    """
    for device in devices.split(","):
        _check_device(device.strip())
    checkpoint, _, _ = told_of(checkpoint)
    demo = demo_folder(backbone)
    if demo is not None or backbone.startswith(_FOLDER):
        _check_folder(backbone if demo is None else f"local-dir:{demo}", bare=bool(checkpoint))
        if checkpoint and not checkpoint.startswith("random:") and not expanded(checkpoint).is_file():
            raise CheckpointError(
                f"{clean(backbone)} carries its own weights; found checkpoint {clean(checkpoint)!r}, "
                "expected none, a file, or random:SEED"
            )
        return
    if backbone != IMAGENET:
        architecture, known = backbone.replace("/", "-"), architectures()
        if known and architecture not in known:
            raise unknown("backbone", backbone, [*known, IMAGENET, *DEMO])
    _check_checkpoint(backbone, checkpoint)
    local_text(text_of(backbone.replace("/", "-")), backbone)


@cache
def _configs() -> dict[str, Path]:
    package = importlib.util.find_spec("open_clip")
    places = [] if package is None else package.submodule_search_locations or []
    return {file.stem: file for place in places for file in Path(place).glob("model_configs/*.json")}


def architectures() -> tuple[str, ...]:
    """The names that open_clip builds networks from; none where its own list cannot be found."""
    return tuple(sorted(_configs()))


def text_of(architecture: str) -> dict[str, Any]:
    """The `text_cfg` of one of them; empty where there is none."""
    path = _configs().get(architecture)
    return {} if path is None else {**read_json(path)["text_cfg"]}


def _check_device(device: str) -> None:
    if device == "mps" and sys.platform != "darwin":
        raise ParameterError("device 'mps' is a Mac's; try auto, cuda or cpu")
    if not re.fullmatch(r"all|cuda(:\d+)?", device):
        return
    missing = sys.platform == "linux" and not any(Path(place).exists() for place in _DRIVERS)
    if missing or sys.platform == "darwin":
        raise ParameterError(f"device {device!r}: found no GPU driver on this machine; try auto or cpu")


def _check_folder(name: str, bare: bool = False) -> None:
    """bare: the folder's own weights are not used."""
    folder = hub.folder_of(name)
    if not bare and not any(file.suffix in _ENDINGS for file in folder.iterdir()):
        raise hub.without_weights(folder)


def _check_checkpoint(backbone: str, checkpoint: str) -> None:
    if checkpoint.startswith(_FOLDER):
        _check_folder(checkpoint)
        return
    tag = checkpoint or usual_tag(backbone.replace("/", "-"))
    if tag is None:
        raise CheckpointError(f"{clean(backbone)} has no usual checkpoint; choose a tag, a file, or random:0")
    if tag.startswith("random:") or expanded(tag).exists():
        return
    plain = backbone.replace("/", "-").removesuffix("-quickgelu")
    known = next((each for each in PUBLISHED if (each.backbone, each.tag) == (plain, tag)), None)
    if known is not None:
        files = hub.CLASSIFIER_FILES if plain == IMAGENET else hub.WEIGHT_FILES
        if hub.cached(known.repository, files) is None:
            raise hub.absent(f"{backbone}:{tag}")
    elif backbone != IMAGENET:
        _check_tag(backbone.replace("/", "-"), tag)


def _check_tag(architecture: str, tag: str) -> None:
    """A tag that only open_clip knows; nothing is refused where its table could not be read."""
    tags = tags_of(architecture)
    found = tags.get(tag.lower().replace("-", "_"))
    if found is not None:
        if found and hub.cached_weights(found) is None:
            raise hub.absent(f"{architecture}:{tag}")
    elif tags or "/" in tag or tag.endswith(_ENDINGS):
        raise CheckpointError(
            f"checkpoint {clean(tag)!r} is neither a file nor a tag of {architecture}; "
            f"its tags: {', '.join(tags) or 'none'}"
        )


Tag = Mapping[str, str]  # `hf_hub` and `url`, those that are there
_PLACES = ("hf_hub", "url")


def tags_of(architecture: str) -> dict[str, Tag]:
    """The tags of an architecture with where their weights are; none where the table cannot be read."""
    return _table().get(architecture.removesuffix("-quickgelu"), {})


@cache
def _table() -> dict[str, dict[str, Tag]]:
    """`_PRETRAINED` of open_clip/pretrained.py: dicts of calls with plain text arguments."""
    package = importlib.util.find_spec("open_clip")
    places = [] if package is None else package.submodule_search_locations or []
    try:
        tree = ast.parse((Path(places[0]) / "pretrained.py").read_text(encoding="utf-8"))
    except (IndexError, OSError, SyntaxError, ValueError):
        return {}
    named: dict[str, ast.expr] = {
        node.targets[0].id: node.value
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
    }
    whole = named.get(TABLE.partition(":")[2])
    if not isinstance(whole, ast.Dict):
        return {}
    pairs = zip(whole.keys, whole.values, strict=True)
    return {
        key.value: _tags(named.get(value.id, value) if isinstance(value, ast.Name) else value)
        for key, value in pairs
        if isinstance(key, ast.Constant) and isinstance(key.value, str)
    }


def _tags(value: ast.expr) -> dict[str, Tag]:
    """`dict(openai=_pcfg(url="…", hf_hub="…"), …)`."""
    if not isinstance(value, ast.Call):
        return {}
    return {
        each.arg: _texts(each.value)
        for each in value.keywords
        if each.arg and isinstance(each.value, ast.Call)
    }


def _texts(call: ast.expr) -> Tag:
    assert isinstance(call, ast.Call)  # `_tags` looked
    found = zip(_PLACES[::-1], call.args, strict=False)  # url comes first where they are given by place
    texts = [*found, *((each.arg, each.value) for each in call.keywords)]
    return {
        str(name): value.value
        for name, value in texts
        if name in _PLACES and isinstance(value, ast.Constant) and isinstance(value.value, str)
    }
