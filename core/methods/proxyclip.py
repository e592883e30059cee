"""ProxyCLIP's idea (Lan et al., ECCV 2024): the last block attends as a second network sees likeness.

A = softmax(gamma (cos(f_i, f_j) - beta mean cos), negatives left out), with a guide's features f;
y = Proj(A v), without residual and MLP. The guide sees the picture at the size at which its patches are
those of the network. A patch is always left in its own row: where all are nearly alike, the equation
would leave the row empty.
"""

from __future__ import annotations

import torch
from torch import Tensor

from cliploc.core.backbones.guide import load_guide
from cliploc.core.backbones.network import Backbone
from cliploc.core.methods.last_block import LastBlock
from cliploc.core.methods.trunk import Layer, read, watch


def maps(
    backbone: Backbone, images: Tensor, text: Tensor, *, guide: str, beta: float, gamma: float
) -> Tensor:
    """Raw maps (B, T, gh, gw). images: (B, 3, S, S); text: (T, d) or (B, T, d) rows.

    guide: as `load_guide` takes it. beta: of the mean likeness, what is taken off. gamma: what multiplies.
    """
    tower = read(backbone)
    grid = tower.grid_of(images)
    features = load_guide(guide, str(backbone.device)).features(images, backbone.transform, grid)
    attention = proxy(features, beta, gamma)

    def mix(layer: Layer) -> Tensor:
        prefix = layer.tower.prefix
        patches = attention[:, None].to(layer.v) @ layer.v[:, :, prefix:]
        return torch.cat([layer.v[:, :, :prefix], patches], dim=2)

    stream = LastBlock(text, mix, residual=False)
    watch(tower, images, [stream])
    scores = stream.scores(tower, None)
    return scores.reshape(*scores.shape[:2], *grid)


def proxy(features: Tensor, beta: float, gamma: float) -> Tensor:
    """The attention (B, N, N) that unit features (B, N, D) make."""
    likeness = features @ features.mT
    logits = (likeness - beta * likeness.mean((-2, -1), keepdim=True)) * gamma
    own = torch.eye(logits.shape[-1], dtype=torch.bool, device=logits.device)
    return logits.masked_fill((logits < 0) & ~own, -torch.inf).softmax(-1)
