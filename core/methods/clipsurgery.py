"""CLIP Surgery (Li et al., 2023): value-value attention in a second stream without MLPs.

Its other half, the removal of features that are redundant between texts, is the
`redundant` contrast that every method can use (`cliploc.core.methods.text`).
"""

from __future__ import annotations

from torch import Tensor

from cliploc.core.methods.gem import usual_depth
from cliploc.core.methods.trunk import Layer, Output, Vit, attend


class ClipSurgery:
    """The surgery stream. text: (T, d) or (B, T, d) rows.

    depth: blocks from the end, 0 for the usual ones.
    """

    needs_output = False

    def __init__(self, text: Tensor, *, depth: int) -> None:
        self._text = text
        self._depth = depth
        self._tokens: Tensor | None = None

    def see(self, layer: Layer) -> None:
        """Add softmax(s v v^T) v of one of the last blocks; the network's own stream feeds it."""
        if layer.index < layer.count - (self._depth or usual_depth(layer.count)):
            return
        start = layer.x if self._tokens is None else self._tokens
        self._tokens = start + layer.block.out(attend(layer.v, layer.v, layer.v))

    def scores(self, vit: Vit, output: Output | None) -> Tensor:
        """Cosine of the stream's patch tokens with the text, (B, T, N - 1)."""
        assert self._tokens is not None
        return vit.similarity(self._tokens, self._text)
