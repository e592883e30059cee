"""One forward pass of an image transformer that any number of attention-only methods watch.

The block loop is our own and reads weights only: nothing is patched, no hook is
left behind, any input size works. Each block's queries, keys and values are made
once and shown to every stream.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

from torch import Tensor

from cliploc.core.backbones.network import Backbone
from cliploc.core.backbones.towers.choice import tower_of
from cliploc.core.backbones.towers.tower import Block, Tower, attend
from cliploc.core.errors import ParameterError


@dataclass
class Layer:
    """What a stream sees of one block before it runs.

    tower and grid: the network, and its patches down and across. index of count
    blocks. x: (B, N, D) tokens; h: the same after the first layer norm; q, k, v:
    (B, H, N, D / H). Token 0 is the class token where there is one.
    """

    tower: Tower
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
    """The end of the pass: the first token after the last block, and the embedding.

    class_token: (B, D). embedding: (B, d), not normalized.
    """

    class_token: Tensor
    embedding: Tensor


class Stream(Protocol):
    """A method that watches the pass. `needs_output`: whether the last block must run to its end."""

    needs_output: bool

    def see(self, layer: Layer) -> None:
        """Take what is needed of one block; called in order."""

    def scores(self, tower: Tower, output: Output | None) -> Tensor:
        """The raw scores (B, T, N - prefix) of the patch tokens."""


class TokenStream:
    """A stream of its own tokens, compared with the text in the end. text: (T, d) or (B, T, d) rows."""

    needs_output = False

    def __init__(self, text: Tensor) -> None:
        self._text = text
        self.tokens: Tensor | None = None

    def scores(self, tower: Tower, output: Output | None) -> Tensor:
        """Cosine of the stream's patch tokens with the text, (B, T, N - prefix)."""
        assert self.tokens is not None
        return tower.similarity(self.tokens, self._text)


def read(backbone: Backbone) -> Tower:
    """The tower of a backbone that is one. ParameterError for another."""
    tower = tower_of(backbone.model.visual)
    if tower is None:
        raise ParameterError(f"{backbone.name} has no blocks of attention that can be read")
    tower.positions = backbone.positions
    return tower


def watch(tower: Tower, images: Tensor, streams: Sequence[Stream], finish: bool = False) -> Output | None:
    """Run the network once and show every block to every stream.

    The rest of the last block is skipped, and None returned, unless `finish` or a
    stream asks for the output.
    """
    finish = finish or any(stream.needs_output for stream in streams)
    grid = tower.grid_of(images)
    blocks = tower.blocks(grid)
    x = tower.embed(images)
    for index, block in enumerate(blocks):
        h = block.normed(x)
        layer = Layer(tower, grid, index, len(blocks), block, x, h, *block.qkv(h))
        for stream in streams:
            stream.see(layer)
        if layer.is_last and not finish:
            return None
        # Of the last block only the class token is read, where that is what the network reads.
        rows = slice(0, 1) if layer.is_last and tower.reads_class_token else slice(None)
        x = x[:, rows] + block.out(attend(layer.q[:, :, rows], layer.k, layer.v))
        x = x + block.mlp(x)
    return Output(x[:, 0], tower.pooled(x))
