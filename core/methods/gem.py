"""GEM: Grounding Everything Module (Bousselham et al., CVPR 2024).

A second stream leaves the network some blocks before its end. In each of those
blocks it adds the mean of three self-self attentions (values, keys and queries,
each grouped by attention with itself) and skips the MLP; the network's own
stream feeds all of them and stays untouched.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from cliploc.core.methods.trunk import Layer, Output, Vit, attend


def usual_depth(blocks: int) -> int:
    """The last six blocks, as published; in a shallow network the last half of them."""
    return min(6, max(blocks // 2, 1))


class Gem:
    """The GEM stream. text: (T, d) or (B, T, d) rows.

    depth: blocks from the end, 0 for the usual ones. iterations: self-self steps
    before the values are mixed. temperature: what multiplies the cosines, 0 for the
    published one (mean token norm / sqrt(head width)).
    """

    needs_output = False

    def __init__(self, text: Tensor, *, depth: int, iterations: int, temperature: float) -> None:
        self._text = text
        self._depth = depth
        self._iterations = iterations
        self._temperature = temperature
        self._tokens: Tensor | None = None

    def see(self, layer: Layer) -> None:
        """Add the self-self attention of one of the last blocks."""
        if layer.index < layer.count - (self._depth or usual_depth(layer.count)):
            return
        start = layer.x if self._tokens is None else self._tokens
        self._tokens = start + layer.block.out(self._mixed(layer))

    def _mixed(self, layer: Layer) -> Tensor:
        # The three kinds side by side in the batch: the fused attention takes four dimensions.
        heat = self._heat(layer).repeat(3, 1, 1, 1)
        groups = F.normalize(torch.cat([layer.v, layer.k, layer.q]), dim=-1)
        for _ in range(self._iterations):
            groups = F.normalize(attend(groups * heat, groups, groups, scale=1.0), dim=-1)
        mixed = attend(groups * heat, groups, layer.v.repeat(3, 1, 1, 1), scale=1.0)
        return mixed.view(3, *layer.v.shape).mean(0)

    def _heat(self, layer: Layer) -> Tensor:
        """The inverse temperature of each image, (B, 1, 1, 1)."""
        if self._temperature:
            return layer.h.new_full((len(layer.h), 1, 1, 1), self._temperature)
        norms: Tensor = torch.linalg.vector_norm(layer.h, dim=-1)
        return norms.mean(-1).view(-1, 1, 1, 1) * layer.block.scale

    def scores(self, vit: Vit, output: Output | None) -> Tensor:
        """Cosine of the stream's patch tokens with the text, (B, T, N - 1)."""
        assert self._tokens is not None
        return vit.similarity(self._tokens, self._text)
