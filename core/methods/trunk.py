"""One forward pass of a CLIP ViT that any number of attention-only methods watch.

The block loop is our own and reads weights only: nothing is patched, no hook is
left behind, any input size works. Each block's queries, keys and values are made
once and shown to every stream.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from cliploc.core.backbones.network import Backbone
from cliploc.core.errors import ParameterError


class Block:
    """One residual attention block, read as plain functions of tensors."""

    def __init__(self, module: Any) -> None:  # noqa: ANN401  open_clip ships no types
        self._module = module
        self.heads: int = module.attn.num_heads
        self.scale: float = (module.attn.embed_dim // self.heads) ** -0.5

    def normed(self, x: Tensor) -> Tensor:
        """The tokens as the attention sees them, (B, N, D)."""
        normed: Tensor = self._module.ln_1(x)
        return normed

    def qkv(self, h: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Queries, keys and values of normed tokens: (B, H, N, D / H) each."""
        attention = self._module.attn
        packed = F.linear(h, attention.in_proj_weight, attention.in_proj_bias)
        split = packed.view(*h.shape[:2], 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        q, k, v = split.unbind(0)
        return q, k, v

    def out(self, mixed: Tensor) -> Tensor:
        """Project mixed values (B, H, N, D / H) back to tokens (B, N, D), as added to the residual."""
        tokens: Tensor = self._module.attn.out_proj(mixed.transpose(1, 2).flatten(2))
        scaled: Tensor = self._module.ls_1(tokens)
        return scaled

    def mlp(self, x: Tensor) -> Tensor:
        """What the MLP adds to the residual, (B, N, D)."""
        module = self._module
        added: Tensor = module.ls_2(module.mlp(module.ln_2(x)))
        return added

    def run(self, x: Tensor) -> Tensor:
        """The whole block, (B, N, D) to (B, N, D)."""
        x = x + self.out(attend(*self.qkv(self.normed(x))))
        return x + self.mlp(x)

    def head_outputs(self) -> Tensor:
        """The output projection by head, layer scale included: (H, D / H, D), value to residual."""
        weight = self._module.attn.out_proj.weight.T
        weight = weight.reshape(self.heads, -1, weight.shape[1])
        scaled: Tensor = self._module.ls_1(weight)
        return scaled

    def output_bias(self) -> Tensor:
        """What the output projection adds to every token whatever it attends to: (D,)."""
        scaled: Tensor = self._module.ls_1(self._module.attn.out_proj.bias)
        return scaled


@dataclass
class Layer:
    """What a stream sees of one block before it runs.

    vit and grid: the network, and its patches down and across. index of count
    blocks. x: (B, N, D) tokens; h: the same after the first layer norm; q, k, v:
    (B, H, N, D / H). Token 0 is the class token.
    """

    vit: Vit
    grid: tuple[int, int]
    index: int
    count: int
    block: Block
    x: Tensor
    h: Tensor
    q: Tensor
    k: Tensor
    v: Tensor

    @property
    def is_last(self) -> bool:
        return self.index == self.count - 1

    @cached_property
    def class_attention(self) -> Tensor:
        """The attention row of the class token, (B, H, N)."""
        logits = self.q[:, :, :1] @ self.k.transpose(-2, -1) * self.block.scale
        return logits.squeeze(2).softmax(-1)


@dataclass(frozen=True)
class Output:
    """The end of the pass: the class token before and after the last norm and projection.

    class_token: (B, D). embedding: (B, d), not normalized.
    """

    class_token: Tensor
    embedding: Tensor


class Stream(Protocol):
    """A method that watches the pass. `needs_output`: whether the last block must run to its end."""

    needs_output: bool

    def see(self, layer: Layer) -> None:
        """Take what is needed of one block; called in order."""

    def scores(self, vit: Vit, output: Output | None) -> Tensor:
        """The raw scores (B, T, N - 1) of the patch tokens."""


class TokenStream:
    """A stream of its own tokens, compared with the text in the end. text: (T, d) or (B, T, d) rows."""

    needs_output = False

    def __init__(self, text: Tensor) -> None:
        self._text = text
        self.tokens: Tensor | None = None

    def scores(self, vit: Vit, output: Output | None) -> Tensor:
        """Cosine of the stream's patch tokens with the text, (B, T, N - 1)."""
        assert self.tokens is not None
        return vit.similarity(self.tokens, self._text)


class Vit:
    """A CLIP vision transformer, read as plain functions of tensors."""

    def __init__(self, backbone: Backbone) -> None:
        self.visual: Any = backbone.model.visual
        self.blocks = [Block(module) for module in self.visual.transformer.resblocks]

    def grid_of(self, images: Tensor) -> tuple[int, int]:
        """Patches down and across; ParameterError unless the image is made of whole patches."""
        ph, pw = self.visual.patch_size
        height, width = images.shape[-2:]
        if height % ph or width % pw or height < ph or width < pw:
            nearest = max(round(height / ph), 1) * ph
            raise ParameterError(
                f"image size: found {height} x {width}, expected a multiple of the patch of {ph}; "
                f"the nearest is {nearest}"
            )
        return height // ph, width // pw

    def embed(self, images: Tensor) -> Tensor:
        """Images (B, 3, S, S) to tokens (B, 1 + gh * gw, D), positions interpolated to the grid."""
        visual = self.visual
        patches = visual.conv1(images).flatten(2).transpose(1, 2)
        cls = visual.class_embedding.to(patches.dtype).expand(len(patches), 1, -1)
        tokens = torch.cat([cls, patches], dim=1)
        positions = interpolated(visual.positional_embedding, visual.grid_size, self.grid_of(images))
        normed: Tensor = visual.ln_pre(tokens + positions.to(tokens.dtype))
        return normed

    def project(self, tokens: Tensor) -> Tensor:
        """Tokens (..., D) through the last norm into the joint space (..., d)."""
        projected: Tensor = self.visual.ln_post(tokens) @ self.visual.proj
        return projected

    def similarity(self, tokens: Tensor, text: Tensor) -> Tensor:
        """Cosine of the patch tokens (B, N, D) with unit rows (T, d) or (B, T, d): (B, T, N - 1)."""
        with full_precision(tokens):
            unit = F.normalize(self.project(tokens[:, 1:].float()), dim=-1)
            return text @ unit.transpose(1, 2)


def full_precision(tensor: Tensor) -> AbstractContextManager[object]:
    """No autocast inside: half-precision scores have so few values that thresholds fall between them."""
    return torch.autocast(tensor.device.type, enabled=False)


def interpolated(positions: nn.Parameter, old: tuple[int, int], new: tuple[int, int]) -> Tensor:
    """Position embeddings (1 + old cells, D) at a new grid: bicubic, the class position kept."""
    if tuple(old) == tuple(new):
        return positions
    patches = positions[1:].T.reshape(1, -1, *old)
    resized = F.interpolate(patches.float(), size=tuple(new), mode="bicubic", antialias=True)
    return torch.cat([positions[:1], resized[0].flatten(1).T.to(positions.dtype)])


def attend(queries: Tensor, keys: Tensor, values: Tensor, scale: float | None = None) -> Tensor:
    """softmax(scale * queries keys^T) values, per head; scale defaults to width^-0.5."""
    return F.scaled_dot_product_attention(queries, keys, values, scale=scale)


def watch(vit: Vit, images: Tensor, streams: Sequence[Stream], finish: bool = False) -> Output | None:
    """Run the network once and show every block to every stream.

    The rest of the last block is skipped, and None returned, unless `finish` or a
    stream asks for the output.
    """
    finish = finish or any(stream.needs_output for stream in streams)
    grid = vit.grid_of(images)
    x = vit.embed(images)
    for index, block in enumerate(vit.blocks):
        h = block.normed(x)
        layer = Layer(vit, grid, index, len(vit.blocks), block, x, h, *block.qkv(h))
        for stream in streams:
            stream.see(layer)
        if layer.is_last and not finish:
            return None
        # Only the class token is read after the last block.
        rows = slice(0, 1) if layer.is_last else slice(None)
        x = x[:, rows] + block.out(attend(layer.q[:, :, rows], layer.k, layer.v))
        x = x + block.mlp(x)
    return Output(x[:, 0], vit.project(x[:, 0]))
