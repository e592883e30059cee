"""load_backbone: the one place where networks are built and weights are read."""

from __future__ import annotations

import hashlib
import json
import logging
import pickle
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import open_clip
import torch
from open_clip.modified_resnet import ModifiedResNet
from open_clip.transformer import ResidualAttentionBlock, VisionTransformer
from safetensors import SafetensorError
from torch import Tensor, nn

from core.backbones import hub, imagenet
from core.backbones.catalog import IMAGENET, usual_tag
from core.backbones.network import Backbone, Transform, device_of
from core.backbones.sources import Source, resolve
from core.errors import CheckpointError, clean

# What reading a file of weights may raise, whatever the file holds.
_UNREADABLE = (
    SafetensorError, pickle.UnpicklingError, RuntimeError, OSError, EOFError,
    ValueError, KeyError, TypeError, AttributeError, AssertionError, StopIteration,
)  # fmt: skip
_TEXTS_AT_ONCE = 256
_TRANSFORM_KEYS = ("mean", "std", "interpolation")


def load_backbone(name: str, checkpoint: str | None = None, device: str = "auto") -> Backbone:
    """Load a network in eval mode.

    name: an open_clip architecture, `demo-vit`, `demo-resnet`, `resnet50-imagenet`,
    `local-dir:PATH` or `hf-hub:ORG/REPO`. checkpoint: a tag, a file, `random:SEED`,
    or a folder (`local-dir:PATH`, `hf-hub:ORG/REPO`); by default the usual one.
    Nothing is downloaded. CheckpointError when the weights are absent, broken or
    made for another architecture; ParameterError for an unknown name or device.

    >>> backbone = load_backbone("demo-vit", device="cpu")
    >>> text = backbone.encode_text(["An image of a star", "An image of a moon"])
    >>> text.shape[0], bool(text.norm(dim=1).sub(1).abs().max() < 1e-5)
    (2, True)
    """
    place = device_of(device)
    if name == IMAGENET:
        return _classifier(name, checkpoint, place)
    source = resolve(name, checkpoint)
    model, tokenizer = _built(source, place)
    if source.weights is not None:
        _read_weights(model, source)
    model.eval()
    return Backbone(
        model=model,
        name=name,
        checkpoint=checkpoint or usual_tag(source.architecture) or "",
        digest=_digest(source.weights, source.seed, source.config),
        kind=_kind_of(model.visual),
        device=place,
        transform=_transform_of(model.visual, source),
        encoder=partial(_encoded, model.encode_text, tokenizer, place),
    )


def _classifier(name: str, checkpoint: str | None, device: torch.device) -> Backbone:
    source = imagenet.resolve(checkpoint)
    with seeded(source.seed):
        model = imagenet.build()
    if source.weights is not None:
        try:
            imagenet.read_weights(model, source.weights)
        except _UNREADABLE as error:
            raise _broken(source.weights, "resnet50", error) from error
    return Backbone(
        model=model.to(device).eval(),
        name=name,
        checkpoint=checkpoint or usual_tag(name) or "",
        digest=_digest(source.weights, source.seed, {"architecture": "resnet50"}),
        kind="classifier",
        device=device,
        transform=imagenet.TRANSFORM,
        encoder=partial(imagenet.class_rows, device=device),
    )


def _built(source: Source, device: torch.device) -> tuple[Any, Callable[[Sequence[str]], Tensor]]:
    """The model with random weights, and its tokenizer; the caller's random state is left as it was."""
    try:
        with _quiet(), seeded(source.seed):
            model: Any = open_clip.create_model(
                source.architecture,
                pretrained=None,
                load_weights=False,
                force_quick_gelu=source.quick_gelu,
                force_preprocess_cfg={key: source.preprocess[key] for key in _TRANSFORM_KEYS},
                pretrained_text=False,
            )
            tokenizer = open_clip.get_tokenizer(source.architecture)
    except (RuntimeError, OSError, ValueError, TypeError, KeyError, AssertionError, ImportError) as error:
        raise CheckpointError(
            f"cannot build {source.architecture}: {_first_line(error)}; another open_clip model may do"
        ) from error
    return model.to(device), tokenizer


def _read_weights(model: nn.Module, source: Source) -> None:
    """Load a file strictly; pickles are read with weights_only, so no code in them runs."""
    try:
        with _quiet():
            open_clip.load_checkpoint(model, str(source.weights), strict=True, weights_only=True)
    except _UNREADABLE as error:
        raise _broken(source.weights, source.architecture, error) from error


def _broken(weights: Path | None, architecture: str, error: Exception) -> CheckpointError:
    text = str(error)
    mismatch = ("size mismatch", "Missing key", "Unexpected key", "width changed")
    # NotImplementedError: open_clip tries to fit half-precision positions of another grid.
    if isinstance(error, NotImplementedError) or any(words in text for words in mismatch):
        return CheckpointError(
            f"{weights} was made for another architecture than {architecture} "
            f"({_mismatch(text)}); name the one it was trained as"
        )
    if isinstance(error, pickle.UnpicklingError) or "Weights only" in text or "TorchScript" in text:
        return CheckpointError(
            f"{weights} is not plain weights: it holds code or other objects, which are never run; "
            "convert it to safetensors where you trust it"
        )
    return CheckpointError(
        f"{weights} cannot be read as weights ({type(error).__name__}: {_first_line(error)}); "
        "it may be cut short: fetch or copy it again"
    )


def _mismatch(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if re.search("mismatch|key|changed", line)]
    return clean(lines[0])[:160] if lines else "other tensors"


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
    """open_clip narrates on the root logger; inside this block its records go nowhere."""

    def elsewhere(record: logging.LogRecord) -> bool:
        return "open_clip" not in record.pathname

    root = logging.getLogger()
    root.addFilter(elsewhere)
    try:
        yield
    finally:
        root.removeFilter(elsewhere)


def _digest(weights: Path | None, seed: int, config: object) -> str:
    if weights is None:
        text = f"random:{seed}" + json.dumps(config, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()
    known = hub.known_digest(weights)
    if known is not None:
        return known
    with weights.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _kind_of(visual: object) -> str:
    if isinstance(visual, ModifiedResNet):
        return "resnet"
    # The trunk reads plain blocks and a class token; other towers would be read wrongly.
    plain = (
        isinstance(visual, VisionTransformer)
        and visual.attn_pool is None
        and visual.pool_type == "tok"
        and visual.proj is not None
        and all(type(block) is ResidualAttentionBlock for block in visual.transformer.resblocks)
    )
    return "vit" if plain else "other"


def _transform_of(visual: object, source: Source) -> Transform:
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
