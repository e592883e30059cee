"""From the names a user types to an architecture, a weights file and an image transform.

open_clip 3.3 leaves three traps here: weights trained with QuickGELU need the
config to say so (the tag knows, a bare file does not); a file given by path loses
the mean and std that its tag carries; and an absent checkpoint costs 48 seconds of
retries when offline. So the config is settled here and the cache is looked at first;
what no config, tag or user says is assumed, and the source says so.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path

import open_clip
from open_clip.pretrained import get_pretrained_cfg, list_pretrained_tags_by_model

from cliploc.core.backbones import hub
from cliploc.core.backbones.catalog import DEMO, OWNERS, PREPROCESS, QUICKGELU, demo_folder, usual_tag
from cliploc.core.backbones.configs import Config, read_config
from cliploc.core.backbones.open_clip_private import FIND_WEIGHTS, private
from cliploc.core.backbones.script_archive import is_openai
from cliploc.core.backbones.transformers_config import read_transformers
from cliploc.core.errors import CheckpointError, ParameterError, clean, unknown
from cliploc.core.paths import expanded

_OPENAI = {"mean": PREPROCESS["openai"][0], "std": PREPROCESS["openai"][1], "interpolation": "bicubic"}
_SHORTEST_HINT = 5  # letters and digits: tags like `v1` are anybody's name
_GELU = {True: "QuickGELU", False: "plain GELU"}


@dataclass(frozen=True)
class Origin:
    """Everything that decides what a network is.

    architecture: the name that open_clip builds it from. config: its model config.
    weights: the file, or None for random ones made from `seed`. guessed: what nobody
    said about it (`activation`, `pictures`: mean and std), and why.
    """

    architecture: str
    config: Config
    preprocess: Config
    quick_gelu: bool
    weights: Path | None = None
    seed: int = 0
    guessed: tuple[str, ...] = ()
    why: str = ""

    @property
    def folder(self) -> Path | None:
        """The model folder that it is built from; None for one of open_clip's by name."""
        scheme, _, place = self.architecture.partition(":")
        return Path(place) if scheme == "local-dir" else None

    @property
    def assumed(self) -> str:
        """What was assumed and why, as a part of a sentence; "" when all was known."""
        pictures = next(
            (f"{OWNERS[n]} mean and std" for n, told in PREPROCESS.items() if self._shown == told), None
        )
        said = {"activation": _GELU[self.quick_gelu], "pictures": pictures or f"mean {self._shown[0]}"}
        return f"{' and '.join(said[each] for each in self.guessed)}: {self.why}" if self.guessed else ""

    @property
    def _shown(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        return tuple(self.preprocess["mean"]), tuple(self.preprocess["std"])

    def told(self, quickgelu: str, preprocess: str) -> Origin:
        """The source with what the user says about it ("" for nothing)."""
        said = {"activation": quickgelu, "pictures": preprocess}
        shown = dict(zip(("mean", "std"), PREPROCESS[preprocess], strict=True)) if preprocess else {}
        return replace(
            self,
            quick_gelu=QUICKGELU[quickgelu] if quickgelu else self.quick_gelu,
            preprocess={**_OPENAI, **shown} if shown else self.preprocess,
            guessed=tuple(each for each in self.guessed if not said[each]),
        )


def resolve(name: str, checkpoint: str | None, quickgelu: str = "", preprocess: str = "") -> Origin:
    """The source that all of it means; CheckpointError when the weights are not here.

    quickgelu (`yes`, `no`) and preprocess (a name of PREPROCESS) go before what files and tags say.
    """
    return _resolved(name, checkpoint).told(quickgelu, preprocess)


def _resolved(name: str, checkpoint: str | None) -> Origin:
    demo = demo_folder(name)
    if demo is not None:
        return _from_folder(f"local-dir:{demo}", checkpoint)
    if name.startswith(("local-dir:", "hf-hub:")):
        return _from_folder(name, checkpoint)
    architecture = name.replace("/", "-")
    config = open_clip.get_model_config(architecture)
    if config is None:
        raise unknown("backbone", name, [*open_clip.list_models(), *DEMO])
    if checkpoint is not None and checkpoint.startswith(("local-dir:", "hf-hub:")):
        return _same_architecture(_from_folder(checkpoint, None), config, name)
    return _from_name(architecture, config, checkpoint or usual_tag(architecture))


def _from_name(architecture: str, config: Config, checkpoint: str | None) -> Origin:
    quick = bool(config.get("quick_gelu", False))
    if checkpoint is None:
        raise CheckpointError(
            f"{architecture} has no usual checkpoint; choose one of its tags "
            f"({_tags(architecture)}), a file, or random:0"
        )
    seed = seed_of(checkpoint)
    if seed is not None:
        return Origin(architecture, config, _OPENAI, quick, seed=seed)
    tag = get_pretrained_cfg(architecture, checkpoint)
    if tag:
        weights = hub.cached_weights(tag)
        if weights is None:
            raise hub.absent(f"{architecture}:{checkpoint}")
        return Origin(architecture, config, tag, quick or tag.get("quick_gelu", False), weights)
    path = expanded(checkpoint)
    if path.is_dir():
        return _same_architecture(_from_folder(f"local-dir:{path}", None), config, architecture)
    if not path.is_file():
        raise CheckpointError(
            f"checkpoint {clean(checkpoint)!r} is neither a file nor a tag of {architecture}; "
            f"its tags: {_tags(architecture)}"
        )
    return _from_file(architecture, config, path)


def _from_file(architecture: str, config: Config, path: Path) -> Origin:
    """A bare file: OpenAI's archive or the config beside it knows, a published name in its path is a hint."""
    quick = bool(config.get("quick_gelu", False))
    # An architecture that is named for its activation says it.
    guessed = ("pictures",) if quick else ("activation", "pictures")
    why = f"{clean(path.name)} carries no config"
    if is_openai(path):
        return Origin(architecture, config, _OPENAI, True, path)
    beside = path.parent / "open_clip_config.json"
    if beside.is_file():
        stored = read_config(beside)
        if stored["model_cfg"].get("vision_cfg") == config["vision_cfg"]:
            quick = quick or bool(stored["model_cfg"].get("quick_gelu", False))
            return _with_pictures(Origin(architecture, config, stored["preprocess_cfg"], quick, path), beside)
        why = f"the config beside {clean(path.name)} is of another architecture"
    hint, tag = _tag_in_path(architecture, path)
    if tag:
        why = f"the path names {hint}"
        quick = quick or bool(tag.get("quick_gelu", False))
    return Origin(architecture, config, tag or _OPENAI, quick, path, guessed=guessed, why=why)


def _with_pictures(source: Origin, config: Path, usual: str = "openai") -> Origin:
    """What a config leaves out about pictures is OpenAI's, which open_clip takes then, or else the usual."""
    assumed = {**_OPENAI, **dict(zip(("mean", "std"), PREPROCESS[usual], strict=True))}
    found = replace(source, preprocess={**assumed, **source.preprocess})
    if {"mean", "std"} <= source.preprocess.keys():
        return found
    return replace(found, guessed=("pictures",), why=f"{clean(config.parent.name)}/{config.name} has none")


def _tag_in_path(architecture: str, path: Path) -> tuple[str, Config]:
    """The published tag that a folder or the file is named after, and its config; the nearest name counts.

    Whole names only, with the architecture or the hub's prefix before them or without:
    `vitl14_laion2b_s32b_b82k.pt`, `CLIP-ViT-L-14-laion2B-s32B-b82K/`, but not `not_openai/`.
    """
    named: dict[str, str] = {}
    for tag in list_pretrained_tags_by_model(architecture):
        config = get_pretrained_cfg(architecture, tag)
        repository, file = config.get("hf_hub", "").strip("/"), Path(config.get("url", "")).stem
        hints = {_plain(tag), _plain(architecture + tag), _plain("models" + repository), _plain(file)}
        hints.add(_plain(repository.rpartition("/")[2]))
        # A file that is named after its architecture may be anybody's.
        hints -= {_plain(architecture), "models"}
        named |= {hint: tag for hint in hints if len(hint) >= _SHORTEST_HINT}
    for part in (path.stem, *reversed(path.absolute().parts[-4:-1])):
        tag = named.get(_plain(part))
        if tag is not None:
            return tag, get_pretrained_cfg(architecture, tag)
    return "", {}


def _plain(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "", text.lower())


def _from_folder(name: str, checkpoint: str | None) -> Origin:
    """`local-dir:PATH` or `hf-hub:ORG/REPO` (from the cache): the folder's own config and weights."""
    folder = hub.folder_of(name)
    file = next(folder / each for each in hub.CONFIG_FILES if (folder / each).is_file())
    stored = read_config(file) if file.name == hub.CONFIG_FILE else read_transformers(folder)
    config = stored["model_cfg"]
    quick = bool(config.get("quick_gelu", False))
    plain = Origin(f"local-dir:{folder}", config, stored["preprocess_cfg"], quick)
    source = _with_pictures(plain, file, stored.get("usual", "openai"))
    seed = None if checkpoint is None else seed_of(checkpoint)
    if seed is not None:
        return replace(source, seed=seed, guessed=())
    if checkpoint is not None:
        path = expanded(checkpoint)
        if not path.is_file():
            raise CheckpointError(f"{name} carries its own weights; found checkpoint {clean(checkpoint)!r}, "
                                  "expected none, a file, or random:SEED")  # fmt: skip
        return replace(source, weights=path)
    weights = private(FIND_WEIGHTS)(folder)
    if weights is None:
        raise hub.without_weights(folder)
    return replace(source, weights=Path(weights))


def _same_architecture(source: Origin, config: Config, name: str) -> Origin:
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


def _tags(architecture: str) -> str:
    return ", ".join(list_pretrained_tags_by_model(architecture)) or "none"
