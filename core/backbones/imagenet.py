"""ResNet-50 trained on the 1,000 classes of ImageNet, and how a label finds its classes.

A text row for it is a row of class weights: 1 at each ImageNet class that the
label means. The table from COCO names is data/imagenet/coco_to_imagenet.csv.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import timm
import torch
from timm.data.imagenet_info import ImageNetInfo
from torch import Tensor, nn

from cliploc.core.backbones import hub
from cliploc.core.backbones.catalog import IMAGENET, PREPROCESS, PUBLISHED
from cliploc.core.backbones.network import Transform
from cliploc.core.errors import CheckpointError, ParameterError, clean
from cliploc.core.paths import embedded_dir, expanded

CLASSES = 1000
TRANSFORM = Transform(224, *PREPROCESS["imagenet"], "bilinear")


@dataclass(frozen=True)
class Weights:
    """A file of weights, or random ones from a seed. assumed: as `Backbone` has it."""

    weights: Path | None
    seed: int = 0
    transform: Transform = TRANSFORM
    assumed: str = ""


def resolve(checkpoint: str | None, preprocess: str = "") -> Weights:
    """A timm tag (`tv_in1k`, torchvision's own), a file in timm's or torchvision's keys, or `random:SEED`.

    preprocess: a name of PREPROCESS, "" for what the tag says, else ImageNet's.
    """
    found = _resolved(checkpoint)
    if not preprocess:
        return found
    mean, std = PREPROCESS[preprocess]
    return replace(found, transform=replace(found.transform, mean=mean, std=std), assumed="")


def _resolved(checkpoint: str | None) -> Weights:
    known = next(published for published in PUBLISHED if published.backbone == IMAGENET)
    tag = checkpoint or known.tag
    if tag.startswith("random:") and tag[7:].isdecimal():
        return Weights(None, int(tag[7:]))
    path = expanded(tag)
    if path.is_file():
        return Weights(path, assumed=f"ImageNet's mean and std: {clean(path.name)} carries no config")
    if not re.fullmatch(r"[a-z0-9_]+", tag) or tag not in _tags():
        raise CheckpointError(
            f"checkpoint {clean(tag)!r} is neither a file nor known for {IMAGENET}; "
            f"expected one of {', '.join(_tags())}, a file, or random:0"
        )
    found = hub.cached(f"timm/resnet50.{tag}", hub.CLASSIFIER_FILES)
    if found is None:
        raise hub.absent(f"{IMAGENET}:{tag}")
    stated = timm.get_pretrained_cfg(f"resnet50.{tag}")
    return Weights(found, transform=Transform(224, stated.mean, stated.std, stated.interpolation))


def _tags() -> list[str]:
    names = timm.list_pretrained("resnet50.*")
    return [name.partition(".")[2] for name in names if name.endswith("in1k")]


def build() -> nn.Module:
    """An untrained ResNet-50 with 1,000 outputs."""
    model: nn.Module = timm.create_model("resnet50", pretrained=False)
    return model


def class_rows(texts: Sequence[str], device: torch.device) -> Tensor:
    """Class weights (T, 1000) of texts, each by the longest COCO or ImageNet name it contains.

    ParameterError naming the texts that name no ImageNet class.
    """
    missing = without_class(texts)
    if missing:
        raise ParameterError(
            f"no ImageNet class for {len(missing)} of {len(texts)} prompts "
            f"({', '.join(clean(text) for text in missing[:5])}{', …' if len(missing) > 5 else ''}); "
            "leave them out (no_class skip) or use the text target for them (no_class text)"
        )
    rows = torch.zeros(len(texts), CLASSES, device=device)
    for row, text in zip(rows, texts, strict=True):
        row[list(classes_of(text))] = 1
    return rows


def without_class(texts: Sequence[str]) -> list[str]:
    """Those of the texts that name no ImageNet class."""
    return [text for text in texts if not classes_of(text)]


def classes_of(text: str) -> tuple[int, ...]:
    """ImageNet indices that a text names: its longest COCO name in the table, else its longest ImageNet name.

    A COCO name that the table says has no class stays without one.
    """
    words = re.sub(r"[^a-z0-9]+", " ", text.lower()).split()
    spans = sorted(
        (
            " ".join(words[start:end])
            for start in range(len(words))
            for end in range(start + 1, len(words) + 1)
        ),
        key=len,
        reverse=True,
    )
    for names in (coco_classes(), _imagenet_classes()):
        found = next((span for span in spans if span in names), None)
        if found is not None:
            return names[found]
    return ()


@cache
def coco_classes() -> Mapping[str, tuple[int, ...]]:
    """The reviewed table: COCO name to ImageNet indices, empty where ImageNet has none."""
    with (embedded_dir() / "imagenet" / "coco_to_imagenet.csv").open(encoding="utf-8", newline="") as file:
        return {row["coco"]: tuple(int(n) for n in row["imagenet"].split()) for row in csv.DictReader(file)}


@cache
def _imagenet_classes() -> Mapping[str, tuple[int, ...]]:
    info = ImageNetInfo("imagenet-1k")
    names: dict[str, tuple[int, ...]] = {}
    for index in range(CLASSES):
        for name in info.index_to_description(index).split(","):
            plain = " ".join(re.sub(r"[^a-z0-9]+", " ", name.lower()).split())
            names[plain] = (*names.get(plain, ()), index)
    return names
