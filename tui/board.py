"""The scores of a whole dataset under one config, held as arrays and handed out as plain numbers."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from core.metrics import SCORES, Counts
from core.postprocess import THRESHOLDS, PostProcess
from tui.browsing import Facts
from tui.curves import Curves
from tui.state import Source

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Board:
    """Every score of every sample that has a heatmap, at all thresholds.

    scores: name -> (n, T), rows in the order of `ids`. area: (n,) the fraction of
    the image that the true mask covers. config: the one scored; its threshold does not matter.
    """

    source: Source
    config: PostProcess
    ids: tuple[str, ...]
    labels: tuple[str, ...]
    scores: dict[str, Array]
    area: Array

    def curves(self, label: str | None = None) -> Curves | None:
        """Mean scores over one class, or over all samples; None where nothing is scored."""
        if label not in self._means:
            self._means[label] = self._mean(label)
        return self._means[label]

    def of_sample(self, id_: str) -> Curves | None:
        """The scores of one sample; None where it has no heatmap."""
        row = self._row.get(id_)
        if row is None:
            return None
        return Curves(1, {name: tuple(values[row].tolist()) for name, values in self.scores.items()})

    def by_sample(self, score: str, index: int) -> dict[str, float]:
        """One score at one threshold index, by sample id."""
        return dict(zip(self.ids, self.scores[score][:, index].tolist(), strict=True))

    def by_class(self, score: str, index: int) -> dict[str, float]:
        """One score at one threshold index, averaged over each class."""
        values = self.scores[score][:, index]
        return {label: float(values[rows].mean()) for label, rows in self._members.items()}

    def facts(self, index: int) -> Facts:
        """What sorting and facets need, at one threshold index."""
        return Facts(self.by_sample("mean_iou", index), *self._fixed)

    def _mean(self, label: str | None) -> Curves | None:
        rows = slice(None) if label is None else self._members.get(label, [])
        chosen = {name: values[rows] for name, values in self.scores.items()}
        images = len(chosen["mean_iou"])
        if not images:
            return None
        return Curves(images, {name: tuple(values.mean(axis=0).tolist()) for name, values in chosen.items()})

    @cached_property
    def _means(self) -> dict[str | None, Curves | None]:
        """Means that were asked for: a held key asks for the same ones again and again."""
        return {}

    @cached_property
    def _row(self) -> dict[str, int]:
        return {id_: row for row, id_ in enumerate(self.ids)}

    @cached_property
    def _members(self) -> dict[str, list[int]]:
        found: dict[str, list[int]] = {}
        for row, label in enumerate(self.labels):
            found.setdefault(label, []).append(row)
        return found

    @cached_property
    def _fixed(self) -> tuple[dict[str, float], dict[str, float], dict[str, float]]:
        """Best IoU, its threshold, and mask area by sample; the same at every threshold."""
        iou = self.scores["mean_iou"]
        thresholds = np.asarray(THRESHOLDS)[iou.argmax(axis=1)] if len(iou) else np.zeros(0)
        best = iou.max(axis=1) if len(iou) else np.zeros(0)
        one, two, three = (
            dict(zip(self.ids, column.tolist(), strict=True)) for column in (best, thresholds, self.area)
        )
        return one, two, three


def board_of(
    source: Source, config: PostProcess, ids: tuple[str, ...], labels: tuple[str, ...], counts: Counts
) -> Board:
    """Score counts (n, T) of the samples `ids`."""
    scores = {name: np.atleast_2d(of(counts)) for name, of in SCORES.items()}
    area = (counts.area / np.maximum(counts.pixels, 1)).reshape(-1)
    board = Board(source, config, ids, labels, scores, area)
    # Prepared here, on a lane, and not when the event loop asks.
    board.curves()
    board.facts(0)
    return board


def curves_of(counts: Counts) -> Curves:
    """The scores of one sample, from its counts (T,)."""
    return Curves(1, {name: tuple(of(counts).tolist()) for name, of in SCORES.items()})
