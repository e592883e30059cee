"""ClipTextSpan: where the image's own embedding comes from (Gandelsman et al., ICLR 2024).

The embedding of the class token is a sum: one term per layer, head and token that
it attends to, one per MLP, one for the input. The last norm is folded in with its
actual mean and deviation, so the terms add up to the embedding exactly. Projected
on a text, each attention term is a scalar, a * (v . U), with U the text carried
back through the projection and the head's output weights: no term is ever stored
as a vector.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache, partial

import torch
from torch import Tensor

from cliploc.core.backbones.network import Backbone
from cliploc.core.backbones.towers.tower import LinearEnd, Tower, full_precision, precise
from cliploc.core.methods.head_switches import ALL, Kept, kept
from cliploc.core.methods.trunk import Layer, Output, read, watch


@dataclass(frozen=True)
class Decomposition:
    """The cosine of an image with its texts, term by term.

    heads: (B, T, L, H, N) by layer, head and token attended to (0 is the class
    token). others: (B, T, L + 1), the input's term and each MLP's. All terms of an
    image and a text add up to the cosine of the image's embedding with the row.
    """

    heads: Tensor
    others: Tensor


class TextSpan:
    """The stream of terms. text: (T, d) or (B, T, d) rows.

    layer, head: the only ones that the map sums, counted from 0; -1 for all. off: those
    that it leaves out, as `cliploc.core.methods.head_switches` reads them.
    """

    needs_output = True

    def __init__(self, text: Tensor, *, layer: int = ALL, head: int = ALL, off: str = "") -> None:
        self._text = text
        self._kept = partial(kept, layer=layer, head=head, off=off)
        self._carried: Tensor | None = None
        self._attention: list[Tensor] = []
        self._biases: list[Tensor] = []
        self._residuals: list[Tensor] = []

    def see(self, layer: Layer) -> None:
        """Keep one scalar per text, head and token: what the class token takes from it, along the text."""
        with full_precision(layer.x):
            if self._carried is None:
                self._carried = carried(layer.tower, self._text)
            u = self._carried
            # (H, D / H, T), or (B, H, D / H, T) for texts by image.
            back = layer.block.head_outputs() @ (u if u.dim() == 2 else u[:, None])
            terms = layer.class_attention[..., None] * (precise(layer.v) @ back)
            self._attention.append(terms.permute(0, 3, 1, 2))
            self._biases.append(layer.block.output_bias() @ u)
            self._residuals.append(_along(precise(layer.x[:, 0]), u))

    def decomposition(self, tower: Tower, output: Output) -> Decomposition:
        """Fold the last norm and the embedding's length into the terms that were kept."""
        assert self._carried is not None
        ending, u = end_of(tower), self._carried
        attention = precise(torch.stack(self._attention, dim=2))
        batch, _, layers, heads, tokens = attention.shape
        end = precise(output.class_token)
        deviation = (end.var(-1, unbiased=False) + ending.eps).sqrt()
        length = precise(output.embedding).norm(dim=-1)
        # What does not depend on the term, spread evenly over the 2 L + 1 parts of the sum.
        shift = end.mean(-1)[:, None] * u.sum(-2).expand(batch, -1) / deviation[:, None]
        # Everything that does not come from the image: the norm's bias and the projection's.
        still = ending.bias @ ending.matrix
        still = still if ending.offset is None else still + ending.offset
        offset = (still @ self._text.mT).expand(batch, -1)
        part = (offset - shift) / (2 * layers + 1)
        bias = torch.stack([each.expand(batch, -1) for each in self._biases], dim=2)
        scale = deviation[:, None, None]
        rest = self._rest(_along(end, u), attention.sum((3, 4)) + bias)
        spread = bias / scale + part[..., None]
        terms = attention / scale[..., None, None] + spread[..., None, None] / (heads * tokens)
        return Decomposition(
            heads=terms / length.view(-1, 1, 1, 1, 1),
            others=(rest / scale + part[..., None]) / length.view(-1, 1, 1),
        )

    def _rest(self, end: Tensor, attention: Tensor) -> Tensor:
        """The input's and the MLPs' share along the text, (B, T, L + 1): what the attention did not add."""
        residuals = torch.stack([*self._residuals, end], dim=2)
        mlps = residuals.diff(dim=2) - attention
        return torch.cat([residuals[:, :, :1], mlps], dim=2)

    def scores(self, tower: Tower, output: Output | None) -> Tensor:
        """The terms of the patch tokens, summed over the chosen layers and heads: (B, T, N - 1)."""
        terms = self.patches(tower, output)
        chosen = _chosen(self._kept(*terms.shape[2:4]), terms.device)
        return (terms * chosen[..., None]).sum((2, 3))

    def patches(self, tower: Tower, output: Output | None) -> Tensor:
        """The terms of the patch tokens by layer and head: (B, T, L, H, N - 1)."""
        assert output is not None
        with full_precision(output.class_token):
            return self.decomposition(tower, output).heads[..., tower.prefix :]


@lru_cache(maxsize=8)
def _chosen(which: Kept, device: torch.device) -> Tensor:
    """Made once, not with every batch: a copy to a device waits for it."""
    return torch.tensor(which, device=device)


class HeadTerms(TextSpan):
    """The same stream without the sum: the terms of all layers and heads, side by side."""

    def scores(self, tower: Tower, output: Output | None) -> Tensor:
        """(B, T, L * H * (N - 1))."""
        return self.patches(tower, output).flatten(2)


def carried(tower: Tower, text: Tensor) -> Tensor:
    """The text carried back through the projection and the last norm's gain: (D, T) or (B, D, T)."""
    ending = end_of(tower)
    u: Tensor = ending.weight[:, None] * (ending.matrix @ text.mT)
    return u


def end_of(tower: Tower) -> LinearEnd:
    """The linear end of a tower that has one: others are not let in (`MethodSpec.families`)."""
    ending = tower.linear_end()
    assert ending is not None
    return ending


def decompose(backbone: Backbone, images: Tensor, text: Tensor) -> Decomposition:
    """Every term of the cosine of images (B, 3, S, S) with text rows (T, d) or (B, T, d).

    Maps of single layers and heads are `heads[..., 1:]`, on the patch grid.
    """
    with torch.inference_mode():
        tower, stream = read(backbone), TextSpan(text)
        output = watch(tower, images, [stream])
        assert output is not None
        return stream.decomposition(tower, output)


def _along(tokens: Tensor, u: Tensor) -> Tensor:
    """Tokens (B, D) along carried texts: (B, T)."""
    return tokens @ u if u.dim() == 2 else (tokens[:, None] @ u).squeeze(1)
