"""Which adapter reads a network's image side, and what kind of network that makes it."""

from __future__ import annotations

from typing import Any

from open_clip.modified_resnet import ModifiedResNet
from open_clip.timm_model import TimmModel
from timm.models.convnext import ConvNeXt
from timm.models.fastvit import FastVit

from cliploc.core.backbones.towers import plain, timm_vit
from cliploc.core.backbones.towers.tower import Tower

VIT, CLASS, MEAN, POOLED = "vit", "vit-class", "vit-mean", "vit-pooled"
RESNET, CONVNET, OTHER = "resnet", "convnet", "other"


def tower_of(visual: Any) -> Tower | None:  # noqa: ANN401  open_clip ships no types
    """The tower of a network's image side; None where no adapter knows all of its parts."""
    if plain.readable(visual):
        return plain.PlainTower(visual)
    if timm_vit.readable(visual):
        return timm_vit.TimmTower(visual)
    return None


def kind_of(visual: Any) -> str:  # noqa: ANN401  open_clip ships no types
    """What a network is to a method.

    `vit`: the embedding is a class token's, and linear in what each head adds; `vit-class`: a class
    token's, but a norm stands between; `vit-mean`: the mean of the patches'; `vit-pooled`: a pooling
    head's. `resnet`: CLIP's own, `convnet`: convolutions that end in a mean. `other`: nothing reads it.
    """
    tower = tower_of(visual)
    if tower is not None:
        if tower.linear_end() is not None:
            return VIT
        if tower.reads_class_token:
            return CLASS
        return POOLED if tower.pools_by_attention else MEAN
    if isinstance(visual, ModifiedResNet):
        return RESNET
    return CONVNET if is_convnet(visual) else OTHER


def is_convnet(visual: Any) -> bool:  # noqa: ANN401  open_clip ships no types
    """Whether a timm trunk gives maps (B, C, h, w) whose mean its head takes."""
    return isinstance(visual, TimmModel) and isinstance(visual.trunk, ConvNeXt | FastVit)
