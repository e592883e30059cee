"""load_backbone: the one place where networks are built and weights are read."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from cliploc.core.backbones import hub, imagenet
from cliploc.core.backbones.build import build, tokenizer_of
from cliploc.core.backbones.catalog import IMAGENET, told_of, usual_tag
from cliploc.core.backbones.network import Backbone, Transform, device_of
from cliploc.core.backbones.sources import Origin, resolve
from cliploc.core.backbones.text_side import local_text
from cliploc.core.backbones.towers.choice import kind_of
from cliploc.core.backbones.weights import load_weights
from cliploc.core.errors import CheckpointError, ParameterError, clean

_TEXTS_AT_ONCE = 256


def load_backbone(
    name: str,
    checkpoint: str | None = None,
    device: str = "auto",
    *,
    quickgelu: str = "",
    preprocess: str = "",
) -> Backbone:
    """Load a network in eval mode.

    name: an open_clip architecture, a demo network (`demo-vit`), `resnet50-imagenet`,
    `local-dir:PATH` or `hf-hub:ORG/REPO`. checkpoint: a tag, a file, `random:SEED`,
    or a folder (`local-dir:PATH`, `hf-hub:ORG/REPO`); by default the usual one.
    quickgelu (`yes`, `no`) and preprocess (`openai`, `imagenet`, `inception`: mean and
    std) are for files that do not say it; "" takes what is known, else what the
    backbone names as `assumed`. Nothing is downloaded. CheckpointError when the weights
    are absent, broken or made for another architecture; ParameterError for an unknown
    name or device.

    >>> backbone = load_backbone("demo-vit", device="cpu")
    >>> text = backbone.encode_text(["An image of a star", "An image of a moon"])
    >>> text.shape[0], bool(text.norm(dim=1).sub(1).abs().max() < 1e-5)
    (2, True)
    """
    plain, quickgelu, preprocess = told_of(checkpoint or "", quickgelu, preprocess)
    place = device_of(device)
    # Else cuDNN rounds what float32 convolutions read to ten bits, for the whole process.
    torch.backends.cudnn.allow_tf32 = False
    if name == IMAGENET:
        return _classifier(checkpoint, place, quickgelu, preprocess)
    source = resolve(name, plain or None, quickgelu, preprocess)
    model, tokenizer = _built(source, local_text(source.config["text_cfg"], name, source.folder), place)
    beside = ""
    if source.weights is not None:
        with _quiet():
            beside = load_weights(model, source.weights, source.architecture)
    model.eval()
    transform = _transform_of(model.visual, source)
    activation = "quickgelu" if source.quick_gelu else "gelu"
    return Backbone(
        model=model,
        name=name,
        checkpoint=checkpoint or usual_tag(source.architecture) or "",
        digest=_digest(source.weights, source.seed, transform, activation, source.config),
        kind=kind_of(model.visual),
        device=place,
        transform=transform,
        encoder=partial(_encoded, model.encode_text, tokenizer, place),
        fits=partial(_fits, tokenizer),
        assumed="; ".join(filter(None, (source.assumed, beside))),
    )


def _classifier(checkpoint: str | None, device: torch.device, quickgelu: str, preprocess: str) -> Backbone:
    if quickgelu:
        raise ParameterError(f"quickgelu: found {quickgelu!r}, expected none: {IMAGENET} has no GELU")
    source = imagenet.resolve(told_of(checkpoint or "")[0] or None, preprocess)
    with seeded(source.seed):
        model = imagenet.build()
    beside = "" if source.weights is None else load_weights(model, source.weights, "resnet50")
    return Backbone(
        model=model.to(device).eval(),
        name=IMAGENET,
        checkpoint=checkpoint or usual_tag(IMAGENET) or "",
        digest=_digest(source.weights, source.seed, source.transform, "relu", {"architecture": "resnet50"}),
        kind="classifier",
        device=device,
        transform=source.transform,
        encoder=partial(imagenet.class_rows, device=device),
        assumed="; ".join(filter(None, (source.assumed, beside))),
    )


def _built(
    source: Origin, text: dict[str, Any], device: torch.device
) -> tuple[Any, Callable[[Sequence[str]], Tensor]]:
    """The model with random weights, and its tokenizer; the caller's random state is left as it was.

    text: the config of its text side, with folders instead of names.
    """
    try:
        with _quiet(), hub.offline(), seeded(source.seed):
            model = build(source.config | {"quick_gelu": source.quick_gelu, "text_cfg": text})
            tokenizer = tokenizer_of(text)
    except (RuntimeError, OSError, ValueError, TypeError, KeyError, AssertionError, ImportError) as error:
        raise CheckpointError(
            f"cannot build {source.architecture}: {_first_line(error)}; another open_clip model may do"
        ) from error
    return model.to(device), tokenizer


def _first_line(error: Exception) -> str:
    return clean(str(error).split("\n")[0])[:200]


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """A CPU random state of its own inside the block."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield


@contextmanager
def _quiet() -> Iterator[None]:
    """open_clip narrates on the root logger, transformers on its own; inside this block both are still."""

    def elsewhere(record: logging.LogRecord) -> bool:
        return "open_clip" not in record.pathname

    root, transformers = logging.getLogger(), logging.getLogger("transformers")
    before = transformers.level
    root.addFilter(elsewhere)
    transformers.setLevel(logging.ERROR)
    try:
        yield
    finally:
        root.removeFilter(elsewhere)
        transformers.setLevel(before)


def _digest(
    weights: Path | None, seed: int, transform: Transform, activation: str, config: dict[str, Any]
) -> str:
    """Of everything that decides what the network computes, whatever it is called."""
    content = {
        "weights": f"random:{seed}" if weights is None else hub.digest_of(weights),
        "transform": asdict(transform),
        "activation": activation,
        # The weights' own shapes do not tell everything of it, such as the number of heads.
        "config": {key: value for key, value in config.items() if key != "quick_gelu"},
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _transform_of(visual: object, source: Origin) -> Transform:
    size = getattr(visual, "image_size", 224)
    return Transform(
        size=int(size[0] if isinstance(size, tuple | list) else size),
        mean=tuple(source.preprocess["mean"]),
        std=tuple(source.preprocess["std"]),
        interpolation=str(source.preprocess["interpolation"]),
    )


@torch.no_grad()
def _encoded(
    encode: Callable[..., Tensor],
    tokenizer: Callable[[Sequence[str]], Tensor],
    device: torch.device,
    texts: Sequence[str],
) -> Tensor:
    """Unit rows (T, d) float32; not in inference mode, so that gradient methods may use them."""
    parts = [
        encode(tokenizer(texts[start : start + _TEXTS_AT_ONCE]).to(device), normalize=True)
        for start in range(0, len(texts), _TEXTS_AT_ONCE)
    ]
    return torch.cat(parts).float()


def _fits(tokenizer: Callable[..., Tensor], text: str) -> bool:
    """Whether the tokenizer keeps a text whole: with room for one token more it says the same."""
    length: int = tokenizer.context_length  # type: ignore[attr-defined]
    return torch.equal(tokenizer([text], length)[0], tokenizer([text], length + 1)[0, :length])
