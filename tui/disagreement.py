"""How much the stored heatmap sets of a dataset disagree about each sample."""

from __future__ import annotations

from array import array
from dataclasses import dataclass

from cliploc.core.postprocess import THRESHOLDS, PostProcess


@dataclass(frozen=True)
class Disagreement:
    """Standard deviation (population) of each sample's IoU over heatmap sets, under one config.

    spread: all thresholds of the first of `ids`, then of the next; those are the samples
    that two or more of the `sets` have. The config's threshold does not matter.
    """

    config: PostProcess
    sets: tuple[str, ...]
    ids: tuple[str, ...]
    spread: array[float]

    def at(self, index: int) -> dict[str, float]:
        """By sample, at one threshold index."""
        return dict(zip(self.ids, self.spread[index :: len(THRESHOLDS)], strict=True))
