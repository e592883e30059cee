"""The scores of a dataset under one config, as plain numbers that travel between processes."""

from __future__ import annotations

from array import array
from collections.abc import Mapping
from dataclasses import dataclass

from cliploc.core.postprocess import PostProcess
from cliploc.tui.browsing import Facts
from cliploc.tui.curves import Curves
from cliploc.tui.state import Source


@dataclass(frozen=True)
class DatasetScores:
    """What is known of the samples that have a heatmap: means at all thresholds, and columns at one.

    config: the one scored; the columns are at its threshold. heatmaps: the set's name. images: how many
    samples are scored so far, in a random order, of `total` that have a heatmap. reach: half the width of the
    95 % interval of the mean IoU over all of these, None for too few. means: of each class, and of all
    samples by None. The columns are as long as the dataset, NaN where a sample is not scored; iou:
    at the config's threshold; best, best_threshold: of the sample's IoU; area: the fraction of the image
    that the true mask covers. notes: what the scores stand on, in sentences.
    """

    source: Source
    config: PostProcess
    heatmaps: str
    images: int
    total: int
    reach: float | None
    means: Mapping[str | None, Curves]
    iou: array[float]
    best: array[float]
    best_threshold: array[float]
    area: array[float]
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

    @property
    def facts(self) -> Facts:
        """What sorting and facets need, at the config's threshold."""
        return Facts(self.iou, self.best, self.best_threshold, self.area)
