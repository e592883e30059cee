"""What a method sees of an image transformer, whoever built it: plain functions of tensors.

Adapters read weights only: nothing is patched, no hook is left behind, any input size works.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from cliploc.core.backbones.positions import ANTIALIASED
from cliploc.core.errors import ParameterError


class Block(ABC):
    """One residual attention block.

    heads: how many. scale: what multiplies q k^T, width^-0.5. Queries, keys and values are
    (B, H, N, D / H), tokens (B, N, D).
    """

    heads: int
    scale: float

    @abstractmethod
    def normed(self, x: Tensor) -> Tensor:
        """The tokens as the attention sees them."""

    @abstractmethod
    def qkv(self, h: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Queries, keys and values of normed tokens, turned by their places where positions rotate."""

    @abstractmethod
    def out(self, mixed: Tensor) -> Tensor:
        """Project mixed values back to tokens, as added to the residual."""

    @abstractmethod
    def mlp(self, x: Tensor) -> Tensor:
        """What the MLP adds to the residual."""

    def run(self, x: Tensor) -> Tensor:
        """The whole block, tokens to tokens."""
        x = x + self.out(attend(*self.qkv(self.normed(x))))
        return x + self.mlp(x)

    def head_outputs(self) -> Tensor:
        """The output projection by head, layer scale included: (H, D / H, D). Of `linear` towers alone."""
        raise NotImplementedError

    def output_bias(self) -> Tensor:
        """What the output projection adds to every token whatever it attends to: (D,). As above."""
        raise NotImplementedError


@dataclass(frozen=True)
class LinearEnd:
    """The way of a class token into the joint space: LayerNorm, then a matrix.

    weight, bias: (D,) of the norm, eps its constant. matrix: (D, d). offset: (d,) added last, or None.
    """

    weight: Tensor
    bias: Tensor
    eps: float
    matrix: Tensor
    offset: Tensor | None = None


class Tower(ABC):
    """An image transformer.

    patch: its patch down and across, in pixels. prefix: tokens before those of the patches (class
    token, registers). reads_class_token: whether the embedding is made of token 0 alone.
    pools_by_attention: whether a head with a query of its own makes it. depth: how many blocks.
    positions: how absolute ones are taken to another grid, see `cliploc.core.backbones.positions`.
    """

    positions: str = ANTIALIASED

    patch: tuple[int, int]
    prefix: int
    reads_class_token: bool
    pools_by_attention: bool
    depth: int

    @abstractmethod
    def embed(self, images: Tensor) -> Tensor:
        """Images (B, 3, S, S) to tokens (B, prefix + gh * gw, D), positions interpolated to the grid."""

    @abstractmethod
    def blocks(self, grid: tuple[int, int]) -> Sequence[Block]:
        """The blocks, for this many patches down and across."""

    @abstractmethod
    def project(self, tokens: Tensor) -> Tensor:
        """Tokens (..., D) into the joint space (..., d), each as if it alone had been pooled."""

    @abstractmethod
    def pooled(self, x: Tensor) -> Tensor:
        """The embedding (B, d), not normalized, of all tokens (B, N, D) after the last block."""

    def pooled_openly(self, x: Tensor, *, normed: bool = True) -> tuple[Tensor, Tensor]:
        """`pooled` with the attention (B, H, 1, N) of a pooling head laid open for a gradient.

        Of towers that pool by attention alone. normed: with the norm before the head, where there is one.
        """
        raise NotImplementedError

    def linear_end(self) -> LinearEnd | None:
        """The last norm and projection, where the embedding is linear in each head's values; else None."""
        return None

    def grid_of(self, images: Tensor) -> tuple[int, int]:
        """Patches down and across; ParameterError unless the image is made of whole patches."""
        ph, pw = self.patch
        height, width = images.shape[-2:]
        if height % ph or width % pw or height < ph or width < pw:
            nearest = max(round(height / ph), 1) * ph
            raise ParameterError(
                f"image size: found {height} x {width}, expected a multiple of the patch of {ph}; "
                f"the nearest is {nearest}"
            )
        return height // ph, width // pw

    def similarity(self, tokens: Tensor, text: Tensor) -> Tensor:
        """Cosine of the patch tokens (B, N, D) with unit rows (T, d) or (B, T, d): (B, T, N - prefix)."""
        with full_precision(tokens):
            unit = F.normalize(self.project(precise(tokens[:, self.prefix :])), dim=-1)
            return text @ unit.transpose(1, 2)


def full_precision(tensor: Tensor) -> AbstractContextManager[object]:
    """No autocast inside: half-precision scores have so few values that thresholds fall between them."""
    return torch.autocast(tensor.device.type, enabled=False)


def precise(x: Tensor) -> Tensor:
    """In float32; what has more stays as it is."""
    return x if x.dtype == torch.float64 else x.float()


def interpolated(
    positions: Tensor, old: tuple[int, int], new: tuple[int, int], prefix: int = 1, how: str = ANTIALIASED
) -> Tensor:
    """Position embeddings (prefix + old cells, D) at a new grid, those of the prefix kept."""
    if tuple(old) == tuple(new):
        return positions
    patches = positions[prefix:].T.reshape(1, -1, *old)
    resized = _RESIZED[how](precise(patches), old, new)
    return torch.cat([positions[:prefix], resized[0].flatten(1).T.to(positions.dtype)])


def _by_scale(patches: Tensor, old: tuple[int, int], new: tuple[int, int]) -> Tensor:
    # The tenth keeps the division from falling a cell short, and moves every sample a little.
    scale = [(after + 0.1) / before for before, after in zip(old, new, strict=True)]
    return F.interpolate(patches, scale_factor=scale, mode="bicubic")


_RESIZED: dict[str, Callable[[Tensor, tuple[int, int], tuple[int, int]], Tensor]] = {
    ANTIALIASED: lambda patches, _, new: F.interpolate(patches, new, mode="bicubic", antialias=True),
    "bicubic": lambda patches, _, new: F.interpolate(patches, new, mode="bicubic"),
    "bilinear": lambda patches, _, new: F.interpolate(patches, new, mode="bilinear"),
    "dino": _by_scale,
}


def attend(queries: Tensor, keys: Tensor, values: Tensor, scale: float | None = None) -> Tensor:
    """softmax(scale * queries keys^T) values, per head; scale defaults to width^-0.5."""
    return F.scaled_dot_product_attention(queries, keys, values, scale=scale)


def openly(queries: Tensor, keys: Tensor, values: Tensor, scale: float) -> tuple[Tensor, Tensor]:
    """`attend`, and its attention (B, H, N, N) as a leaf or node that gradients can be asked of."""
    attention = (queries @ keys.transpose(-2, -1) * scale).softmax(-1)
    if not attention.requires_grad:
        attention.requires_grad_()
    return attention @ values, attention


def by_heads(x: Tensor, heads: int) -> Tensor:
    """(B, N, D) to (B, H, N, D / H)."""
    return x.view(*x.shape[:2], heads, -1).transpose(1, 2)


def from_heads(x: Tensor) -> Tensor:
    """(B, H, N, D / H) to (B, N, D)."""
    return x.transpose(1, 2).flatten(2)
