"""The scores of a dataset under one config, as plain numbers that travel between processes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from cliploc.core.postprocess import PostProcess
from cliploc.tui.curves import Curves
from cliploc.tui.state import Source


@dataclass(frozen=True)
class DatasetScores:
    """What is known of the samples that have a heatmap: means at all thresholds.

    config: the one scored. heatmaps: the set's name. images: how many
    samples are scored so far, in a random order, of `total` that have a heatmap. reach: half the width of the
    95 % interval of the mean IoU over all of these, None for too few. means: of each class, and of all
    samples by None. notes: what the scores stand on, in sentences.
    """

    source: Source
    config: PostProcess
    heatmaps: str
    images: int
    total: int
    reach: float | None
    means: Mapping[str | None, Curves]
    notes: tuple[str, ...] = ()

    @property
    def is_exact(self) -> bool:
        """Whether every sample that has a heatmap is scored."""
        return self.images == self.total

    def curves(self, label: str | None = None) -> Curves | None:
        """Mean scores over one class, or over all samples; None where nothing is scored."""
        return self.means.get(label)

    def by_class(self, score: str, index: int) -> dict[str, float]:
        """One score at one threshold index, averaged over each class."""
        return {label: mean.at(score, index) for label, mean in self.means.items() if label is not None}
