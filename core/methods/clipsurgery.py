"""CLIP Surgery (Li et al., 2023): value-value attention in a second stream without MLPs.

Its other half, the removal of features that are redundant between texts, is the
`redundant` contrast that every method can use (`cliploc.core.methods.text`).
"""

from __future__ import annotations

from torch import Tensor

from cliploc.core.backbones.towers.tower import attend
from cliploc.core.methods.gem import SecondStream


def clipsurgery(text: Tensor, *, depth: int) -> SecondStream:
    """y = Proj(softmax(s v v^T) v). depth: blocks from the end, 0 for the usual ones."""
    return SecondStream(text, depth, lambda layer: attend(layer.v, layer.v, layer.v))
