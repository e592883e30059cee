"""TextSpan: what each attention head writes, described in words (Gandelsman et al., ICLR 2024).

Over a dataset, each head's direct contribution to the image embedding is a cloud of
vectors. Texts are chosen greedily: the one along which the cloud varies most, then
the cloud and all texts lose that direction, and so on.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from cliploc.core.backbones.network import Backbone
from cliploc.core.backbones.towers.tower import Tower
from cliploc.core.methods.descriptions import Description
from cliploc.core.methods.textspan import end_of
from cliploc.core.methods.trunk import Layer, Output, read, watch

RANK = 80
# A share of the variance below this is rounding: the head has no more to say.
_NOTHING = 1e-12


class HeadOutputs:
    """A stream that keeps what each head of the last blocks adds to the class token."""

    needs_output = True

    def __init__(self, layers: int) -> None:
        self._layers = layers
        self._added: list[Tensor] = []

    def see(self, layer: Layer) -> None:
        """Keep (B, H, D) of one of the last blocks, its share of the output bias included."""
        if layer.index < layer.count - self._layers:
            return
        mixed = layer.class_attention[:, :, None] @ layer.v
        added: Tensor = (mixed @ layer.block.head_outputs()).squeeze(2)
        self._added.append(added + layer.block.output_bias() / layer.block.heads)

    def contributions(self, tower: Tower, output: Output) -> Tensor:
        """The terms (B, layers, H, d) of the unit embedding, the last norm folded in."""
        ending, end = end_of(tower), output.class_token.float()
        added = torch.stack(self._added, dim=1).float()
        parts = (2 * tower.depth + 1) * added.shape[2]
        deviation = (end.var(-1, unbiased=False) + ending.eps).sqrt().view(-1, 1, 1, 1)
        centred = (added - end.mean(-1).view(-1, 1, 1, 1) / parts) / deviation
        normed = ending.weight * centred + ending.bias / parts
        length = output.embedding.float().norm(dim=-1).view(-1, 1, 1, 1)
        terms: Tensor = (normed @ ending.matrix) / length
        return terms

    def scores(self, tower: Tower, output: Output | None) -> Tensor:
        """The contributions with the heads in a row, (B, layers * H, d)."""
        assert output is not None
        return self.contributions(tower, output).flatten(1, 2)


def contributions(backbone: Backbone, images: Tensor, layers: int) -> Tensor:
    """What each head of the last `layers` blocks adds to the unit embedding: (B, layers, H, d)."""
    with torch.inference_mode():
        tower, stream = read(backbone), HeadOutputs(layers)
        output = watch(tower, images.to(backbone.device), [stream])
        assert output is not None
        return stream.contributions(tower, output)


def described(
    backbone: Backbone, parts: Iterable[Tensor], bank: Sequence[str], count: int
) -> list[Description]:
    """Put every head into words. parts: contributions (B, layers, H, d) of all images, batch by batch."""
    outputs = torch.cat(list(parts))
    rows = backbone.encode_text(bank).cpu()
    first = read(backbone).depth - outputs.shape[1]
    descriptions = []
    for layer in range(outputs.shape[1]):
        for head in range(outputs.shape[2]):
            basis = text_basis(outputs[:, layer, head], rows, count)
            texts = tuple(bank[index] for index in basis.texts)
            descriptions.append(Description(first + layer, head, texts, basis.shares))
    return descriptions


@dataclass(frozen=True)
class Basis:
    """The texts of one head, best first. texts: rows of the bank. shares: of the head's variance, each."""

    texts: tuple[int, ...]
    shares: tuple[float, ...]


def text_basis(outputs: Tensor, bank: Tensor, count: int, rank: int = RANK) -> Basis:
    """Choose `count` texts for a head's outputs (K, d) from the rows of a bank (M, d).

    The texts are first projected on the span of the outputs (top `rank` right
    singular vectors, uncentred), so that only what the head can write counts.
    """
    _, _, right = torch.linalg.svd(outputs.double(), full_matrices=False)
    span = right[:rank]
    cloud = outputs.double() - outputs.double().mean(0)
    total = cloud.square().sum().clamp_min(torch.finfo(torch.float64).tiny)
    cloud, texts = cloud @ span.T, bank.double() @ span.T
    chosen, shares = [], []
    for _ in range(min(count, len(bank), len(span))):
        best = int((cloud @ texts.T).std(0).argmax())
        direction = texts[best] / texts[best].norm()
        along = cloud @ direction
        share = float(along.square().sum() / total)
        if not share > _NOTHING:
            break
        chosen.append(best)
        shares.append(share)
        cloud = cloud - along[:, None] * direction
        texts = texts - (texts @ direction)[:, None] * direction
    return Basis(tuple(chosen), tuple(shares))
