"""The scores of a whole dataset under one config, as plain numbers that travel between processes."""

from __future__ import annotations

from array import array
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from cliploc.core.postprocess import THRESHOLDS, PostProcess
from cliploc.tui.browsing import Facts
from cliploc.tui.curves import Curves
from cliploc.tui.state import Source


@dataclass(frozen=True)
class DatasetScores:
    """Every score of every sample that has a heatmap, at all thresholds.

    config: the one scored; its threshold does not matter. heatmaps: the set's name. scores:
    by name, all thresholds of the first of `ids`, then of the next. means: of each class,
    and of all samples by None. best, best_threshold: of each sample's IoU. area: the
    fraction of the image that the true mask covers. notes: what the scores stand on, in sentences.
    """

    source: Source
    config: PostProcess
    heatmaps: str
    ids: tuple[str, ...]
    labels: tuple[str, ...]
    scores: Mapping[str, array[float]]
    means: Mapping[str | None, Curves]
    best: array[float]
    best_threshold: array[float]
    area: array[float]
    notes: tuple[str, ...] = ()

    def curves(self, label: str | None = None) -> Curves | None:
        """Mean scores over one class, or over all samples; None where nothing is scored."""
        return self.means.get(label)

    def of_sample(self, id_: str) -> Curves | None:
        """The scores of one sample; None where it has no heatmap."""
        row = self._row.get(id_)
        if row is None:
            return None
        part = slice(row * len(THRESHOLDS), (row + 1) * len(THRESHOLDS))
        return Curves(1, {name: values[part] for name, values in self.scores.items()})

    def by_sample(self, score: str, index: int) -> dict[str, float]:
        """One score at one threshold index, by sample id."""
        return dict(zip(self.ids, self.scores[score][index :: len(THRESHOLDS)], strict=True))

    def by_class(self, score: str, index: int) -> dict[str, float]:
        """One score at one threshold index, averaged over each class."""
        return {label: mean.at(score, index) for label, mean in self.means.items() if label is not None}

    def facts(self, index: int) -> Facts:
        """What sorting and facets need, at one threshold index."""
        return Facts(self.by_sample("mean_iou", index), *self._fixed)

    @cached_property
    def _row(self) -> dict[str, int]:
        return {id_: row for row, id_ in enumerate(self.ids)}

    @cached_property
    def _fixed(self) -> tuple[dict[str, float], dict[str, float], dict[str, float]]:
        """Best IoU, its threshold, and mask area by sample; the same at every threshold."""
        columns = (self.best, self.best_threshold, self.area)
        one, two, three = (dict(zip(self.ids, column, strict=True)) for column in columns)
        return one, two, three
