"""Methods that change the attention of the last block only.

MaskCLIP (Zhou et al., ECCV 2022) lets every token attend to itself; SCLIP (Wang et
al., ECCV 2024) to tokens with similar queries and with similar keys; ClearCLIP (Lan
et al., ECCV 2024) to similar queries, without residual and MLP; NACLIP (Hajimiri et
al., WACV 2025) to similar keys and to its neighbours.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import torch
from torch import Tensor
from torch.nn import functional as F

from cliploc.core.backbones.towers.tower import attend
from cliploc.core.methods.trunk import Layer, TokenStream


class LastBlock(TokenStream):
    """A stream that mixes the last block's values in its own way. text: (T, d) or (B, T, d) rows.

    residual: whether the block's input and its MLP are added, as in the network itself.
    """

    def __init__(self, text: Tensor, mix: Callable[[Layer], Tensor], residual: bool) -> None:
        super().__init__(text)
        self._mix = mix
        self._residual = residual

    def see(self, layer: Layer) -> None:
        """Run the last block with the method's own mix."""
        if not layer.is_last:
            return
        tokens = layer.block.out(self._mix(layer))
        if self._residual:
            tokens = layer.x + tokens
            tokens = tokens + layer.block.mlp(tokens)
        self.tokens = tokens


def maskclip(text: Tensor, *, residual: bool) -> LastBlock:
    """y = Proj(v)."""
    return LastBlock(text, lambda layer: layer.v, residual)


def sclip(text: Tensor, *, residual: bool) -> LastBlock:
    """y = Proj((softmax(s q q^T) + softmax(s k k^T)) v)."""

    def mix(layer: Layer) -> Tensor:
        return attend(layer.q, layer.q, layer.v) + attend(layer.k, layer.k, layer.v)

    return LastBlock(text, mix, residual)


def clearclip(text: Tensor, *, residual: bool) -> LastBlock:
    """y = Proj(softmax(s q q^T) v)."""
    return LastBlock(text, lambda layer: attend(layer.q, layer.q, layer.v), residual)


def naclip(text: Tensor, *, std: float, residual: bool) -> LastBlock:
    """y = Proj(softmax(s k k^T + omega) v), omega a Gaussian of the distance in patches."""

    def mix(layer: Layer) -> Tensor:
        omega = neighbourhood(layer.grid, std, layer.tower.prefix, layer.k.dtype, layer.k.device)
        return F.scaled_dot_product_attention(layer.k, layer.k, layer.v, attn_mask=omega)

    return LastBlock(text, mix, residual)


@lru_cache(maxsize=2)
def neighbourhood(
    grid: tuple[int, int], std: float, prefix: int, dtype: torch.dtype, device: torch.device
) -> Tensor:
    """exp(-distance^2 / (2 std^2)) between the patches of a grid: (N, N), 0 at the prefix.

    Made once, not with every batch: a copy to a device waits for it. Not to be written to.
    """
    places = torch.cartesian_prod(torch.arange(grid[0]), torch.arange(grid[1])).view(-1, 2).double()
    squared = (places[:, None] - places).square().sum(-1)
    return F.pad(torch.exp(-squared / (2 * std**2)), (prefix, 0, prefix, 0)).float().to(device, dtype)
