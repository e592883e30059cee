"""ResCLIP's residual attention (Yang et al., CVPR 2025): the last block mixes with what the middle ones saw.

Attention between queries and keys still follows objects in the middle of the network, and no longer in
its last block. So the last block's own kind (keys with similar keys, and neighbours, as NACLIP has it)
is joined by the mean of the middle blocks' attention:

    y = Proj(tau ((1 - share) softmax(s k k^T + omega) + share mean softmax(s q k^T)) v)

The paper's second part, a segmentation into all classes of a data set that is fed back into the
attention, is no map of one text, and is left out.
"""

from __future__ import annotations

import torch
from torch import Tensor

from cliploc.core.methods.last_block import LastBlock, neighbourhood
from cliploc.core.methods.trunk import Layer

_TAU = 2.0  # published; it only weighs the output projection's bias against the rest
# Blocks 6 to 9 of 12, as published; in other networks as far in.
_FROM, _TO = 5 / 12, 9 / 12


class ResidualAttention(LastBlock):
    """A stream that remembers the attention of the middle blocks until the last one.

    text: (T, d) or (B, T, d) rows. std: of the neighbourhood in patches. share: of the middle blocks, in
    [0, 1]. residual: whether the last block's input and its MLP are added.
    """

    def __init__(self, text: Tensor, *, std: float, share: float, residual: bool) -> None:
        super().__init__(text, self._mixed, residual)
        self._std, self._share = std, share
        self._middle: Tensor | None = None
        self._seen = 0

    def see(self, layer: Layer) -> None:
        """Add up the attention of a middle block; run the last one."""
        if not layer.is_last and _is_middle(layer.index, layer.count):
            attention = (layer.q @ layer.k.mT * layer.block.scale).softmax(-1)
            self._middle = attention if self._middle is None else self._middle.add_(attention)
            self._seen += 1
        super().see(layer)

    def _mixed(self, layer: Layer) -> Tensor:
        omega = neighbourhood(layer.grid, self._std, layer.tower.prefix, layer.k.dtype, layer.k.device)
        own = (layer.k @ layer.k.mT * layer.block.scale + omega).softmax(-1)
        middle = own if self._middle is None else self._middle / self._seen
        return _TAU * (torch.lerp(own, middle.to(own), self._share) @ layer.v)


def _is_middle(index: int, count: int) -> bool:
    first = int(_FROM * count)
    return first <= index < max(int(_TO * count), first + 1)
