"""From the names a user types to an architecture, a weights file and an image transform.

open_clip 3.3 leaves three traps here: weights trained with QuickGELU need the
config to say so (the tag knows, a bare file does not); a file given by path loses
the mean and std that its tag carries; and an absent checkpoint costs 48 seconds of
retries when offline. So the config is settled here and the cache is looked at first.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import open_clip
from open_clip.constants import OPENAI_DATASET_MEAN, OPENAI_DATASET_STD
from open_clip.factory import _find_checkpoint_in_dir
from open_clip.pretrained import get_pretrained_cfg, list_pretrained_tags_by_model

from core.backbones import hub
from core.backbones.catalog import demo_folder, usual_tag
from core.errors import CheckpointError, ParameterError, clean, unknown

Config = dict[str, Any]

_OPENAI = {"mean": OPENAI_DATASET_MEAN, "std": OPENAI_DATASET_STD, "interpolation": "bicubic"}


@dataclass(frozen=True)
class Source:
    """Everything that decides what a network is.

    architecture: the name that open_clip builds it from. config: its model config.
    weights: the file, or None for random ones made from `seed`.
    """

    architecture: str
    config: Config
    preprocess: Config
    quick_gelu: bool
    weights: Path | None = None
    seed: int = 0


def resolve(name: str, checkpoint: str | None) -> Source:
    """The source that `name` and `checkpoint` mean; CheckpointError when the weights are not here."""
    demo = demo_folder(name)
    if demo is not None:
        return _from_folder(f"local-dir:{demo}", checkpoint)
    if name.startswith(("local-dir:", "hf-hub:")):
        return _from_folder(name, checkpoint)
    architecture = name.replace("/", "-")
    config = open_clip.get_model_config(architecture)
    if config is None:
        raise unknown("backbone", name, [*open_clip.list_models(), "demo-vit", "demo-resnet"])
    if checkpoint is not None and checkpoint.startswith(("local-dir:", "hf-hub:")):
        return _same_architecture(_from_folder(checkpoint, None), config, name)
    return _from_name(architecture, config, checkpoint or usual_tag(architecture))


def _from_name(architecture: str, config: Config, checkpoint: str | None) -> Source:
    quick = bool(config.get("quick_gelu", False))
    if checkpoint is None:
        raise CheckpointError(
            f"{architecture} has no usual checkpoint; choose one of its tags "
            f"({_tags(architecture)}), a file, or random:0"
        )
    seed = seed_of(checkpoint)
    if seed is not None:
        return Source(architecture, config, _OPENAI, quick, seed=seed)
    tag = get_pretrained_cfg(architecture, checkpoint)
    if tag:
        weights = hub.cached_weights(tag)
        if weights is None:
            raise _absent(f"{architecture}:{checkpoint}")
        return Source(architecture, config, tag, quick or tag.get("quick_gelu", False), weights)
    path = Path(checkpoint).expanduser()
    if path.is_dir():
        return _same_architecture(_from_folder(f"local-dir:{path}", None), config, architecture)
    if not path.is_file():
        raise CheckpointError(
            f"checkpoint {clean(checkpoint)!r} is neither a file nor a tag of {architecture}; "
            f"its tags: {_tags(architecture)}"
        )
    return _from_file(architecture, config, path)


def _from_file(architecture: str, config: Config, path: Path) -> Source:
    """A bare file: the transform of the config beside it, of the tag in its path, or the usual one."""
    quick = bool(config.get("quick_gelu", False))
    beside = path.parent / "open_clip_config.json"
    if beside.is_file():
        stored = _read_config(beside)
        if stored["model_cfg"].get("vision_cfg") == config["vision_cfg"]:
            quick = quick or bool(stored["model_cfg"].get("quick_gelu", False))
            return Source(architecture, config, {**_OPENAI, **stored["preprocess_cfg"]}, quick, path)
    tag = _tag_in_path(architecture, path)
    if tag:
        return Source(architecture, config, tag, quick or tag.get("quick_gelu", False), path)
    usual = get_pretrained_cfg(architecture, usual_tag(architecture) or "")
    return Source(architecture, config, usual or _OPENAI, quick, path)


def _tag_in_path(architecture: str, path: Path) -> Config:
    """The published config whose tag or repository the path names (`.../vitl14_laion2b_s32b_b82k.pt`)."""
    place = _plain("/".join(path.absolute().parts[-4:]))
    found: tuple[int, Config] = (0, {})
    for tag in list_pretrained_tags_by_model(architecture):
        config = get_pretrained_cfg(architecture, tag)
        repository = config.get("hf_hub", "").strip("/").split("/")[-1]
        for hint in (_plain(tag), _plain(repository)):
            if len(hint) >= 5 and hint in place and len(hint) > found[0]:
                found = (len(hint), config)
    return found[1]


def _plain(text: str) -> str:
    return re.sub(r"[^a-z0-9/]+", "_", text.lower())


def _from_folder(name: str, checkpoint: str | None) -> Source:
    """`local-dir:PATH` or `hf-hub:ORG/REPO` (from the cache): the folder's own config and weights."""
    scheme, _, place = name.partition(":")
    if not place:
        raise ParameterError(f"{name!r} names no place; write {name}PATH")
    folder = hub.cached_snapshot(place) if scheme == "hf-hub" else Path(place).expanduser()
    if folder is None:
        raise _absent(name)
    if not folder.is_dir():
        raise CheckpointError(f"no folder {folder}; {name} needs one with open_clip_config.json and weights")
    stored = _read_config(folder / "open_clip_config.json")
    config, preprocess = stored["model_cfg"], {**_OPENAI, **stored["preprocess_cfg"]}
    quick = bool(config.get("quick_gelu", False))
    architecture = f"local-dir:{folder}"
    seed = None if checkpoint is None else seed_of(checkpoint)
    if seed is not None:
        return Source(architecture, config, preprocess, quick, seed=seed)
    if checkpoint is not None:
        path = Path(checkpoint).expanduser()
        if not path.is_file():
            raise CheckpointError(f"{name} carries its own weights; found checkpoint {clean(checkpoint)!r}, "
                                  "expected none, a file, or random:SEED")  # fmt: skip
        return Source(architecture, config, preprocess, quick, path)
    weights = _find_checkpoint_in_dir(folder)
    if weights is None:
        raise CheckpointError(
            f"no weights in {folder}; expected open_clip_model.safetensors beside the config"
        )
    return Source(architecture, config, preprocess, quick, Path(weights))


def _read_config(path: Path) -> Config:
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
        return {"model_cfg": {**stored["model_cfg"]}, "preprocess_cfg": {**stored.get("preprocess_cfg", {})}}
    except FileNotFoundError:
        raise CheckpointError(
            f"no open_clip_config.json in {path.parent}; that is not a model folder"
        ) from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CheckpointError(f"{path} is not an open_clip config: {clean(error)}") from None


def _same_architecture(source: Source, config: Config, name: str) -> Source:
    keys = ("layers", "width", "patch_size", "image_size")
    asked, found = config["vision_cfg"], source.config.get("vision_cfg", {})
    if any(asked.get(key) != found.get(key) for key in keys):
        raise CheckpointError(
            f"{source.architecture} is not a {name}: its vision tower has "
            + ", ".join(f"{key} {found.get(key)} (expected {asked.get(key)})" for key in keys)
            + f"; name it directly: --backbone {source.architecture}"
        )
    return source


def seed_of(checkpoint: str) -> int | None:
    """The SEED of `random:SEED`; None for any other checkpoint."""
    scheme, _, seed = checkpoint.partition(":")
    if scheme != "random":
        return None
    if not seed.isdecimal():
        raise ParameterError(f"checkpoint {clean(checkpoint)!r}: expected random:SEED, for example random:0")
    return int(seed)


def _absent(name: str) -> CheckpointError:
    return CheckpointError(
        f"the weights {clean(name)} are not on this machine; "
        f"download them with: cliploc models fetch {clean(name)}"
    )


def _tags(architecture: str) -> str:
    return ", ".join(list_pretrained_tags_by_model(architecture)) or "none"
