"""GEM: Grounding Everything Module (Bousselham et al., CVPR 2024).

A second stream leaves the network some blocks before its end. In each of those
blocks it adds the mean of three self-self attentions (values, keys and queries,
each grouped by attention with itself) and skips the MLP; the network's own
stream feeds all of them and stays untouched.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from cliploc.core.backbones.towers.tower import attend
from cliploc.core.methods.trunk import Layer, TokenStream


def usual_depth(blocks: int) -> int:
    """The last six blocks, as published; in a shallow network the last half of them."""
    return min(6, max(blocks // 2, 1))


class SecondStream(TokenStream):
    """Tokens that leave the network some blocks before its end, and skip the MLPs from there on.

    depth: blocks from the end, 0 for the usual ones. mix: what it adds of each of those blocks, as
    values (B, H, N, D / H); the network's own stream feeds it.
    """

    def __init__(self, text: Tensor, depth: int, mix: Callable[[Layer], Tensor]) -> None:
        super().__init__(text)
        self._depth = depth
        self._mix = mix

    def see(self, layer: Layer) -> None:
        """Add the mixed values of one of the last blocks."""
        if layer.index >= layer.count - (self._depth or usual_depth(layer.count)):
            start = layer.x if self.tokens is None else self.tokens
            self.tokens = start + layer.block.out(self._mix(layer))


def gem(text: Tensor, *, depth: int, iterations: int, temperature: float) -> SecondStream:
    """The mean of self-self attentions. text: (T, d) or (B, T, d) rows.

    depth: blocks from the end, 0 for the usual ones. iterations: self-self steps
    before the values are mixed. temperature: what multiplies the cosines, 0 for the
    published one (mean token norm / sqrt(head width)).
    """

    def mix(layer: Layer) -> Tensor:
        # The three kinds side by side in the batch: the fused attention takes four dimensions.
        heat = _heat(layer, temperature).repeat(3, 1, 1, 1)
        groups = F.normalize(torch.cat([layer.v, layer.k, layer.q]), dim=-1)
        for _ in range(iterations):
            groups = F.normalize(attend(groups * heat, groups, groups, scale=1.0), dim=-1)
        mixed = attend(groups * heat, groups, layer.v.repeat(3, 1, 1, 1), scale=1.0)
        return mixed.view(3, *layer.v.shape).mean(0)

    return SecondStream(text, depth, mix)


def _heat(layer: Layer, temperature: float) -> Tensor:
    """The inverse temperature of each image, (B, 1, 1, 1)."""
    if temperature:
        return layer.h.new_full((len(layer.h), 1, 1, 1), temperature)
    norms: Tensor = torch.linalg.vector_norm(layer.h, dim=-1)
    return norms.mean(-1).view(-1, 1, 1, 1) * layer.block.scale
