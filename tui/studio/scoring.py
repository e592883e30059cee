"""From exact counts to the scores that the screen shows."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from cliploc.core.metrics import SCORES, Counts, Scores
from cliploc.core.postprocess import THRESHOLDS
from cliploc.core.sweep.estimate import Places
from cliploc.core.sweep.sums import UNIT
from cliploc.tui.curves import Curves

BLOCK = 2048  # samples whose scores at all thresholds are in memory at a time


class Classes(NamedTuple):
    """The classes of samples. names: sorted; of_sample: (n,) which of them each sample is of."""

    names: Sequence[str]
    of_sample: Places

    @classmethod
    def of(cls, labels: Sequence[str]) -> Classes:
        """From the label of each sample."""
        names, of_sample = np.unique(np.asarray(labels, str), return_inverse=True)
        return cls(names.tolist(), of_sample)


class Means:
    """Mean scores over the samples that come in, by class, and what of each sample no threshold changes.

    classes: of all samples that may come. Scores are summed as integers, in units of 2^-40, so that
    the means have the same bits in whatever order and portions they came.
    best, best_threshold, area: (n,) of each sample, NaN until it comes: its highest IoU, where that is,
    and the fraction of the image that its true mask covers.
    """

    def __init__(self, classes: Classes) -> None:
        self._names, self._class = classes
        self._sums = np.zeros((len(SCORES), len(self._names), len(THRESHOLDS)), np.int64)
        self._sizes = np.zeros(len(self._names), np.int64)
        self.best, self.best_threshold, self.area = np.full((3, len(self._class)), np.nan)
        self.done = 0

    def take(self, places: Places, counts: Counts) -> None:
        """Samples come in. places: (m,) which ones; counts: (m, T), theirs."""
        for first in range(0, len(places), BLOCK):
            part = slice(first, first + BLOCK)
            self._take(places[part], counts[part])

    def _take(self, places: Places, counts: Counts) -> None:
        of_class = self._class[places]
        by_class = np.argsort(of_class, kind="stable")
        present, starts = np.unique(of_class[by_class], return_index=True)
        for row, (name, of) in enumerate(SCORES.items()):
            values = of(counts)
            units = np.rint(values[by_class] * UNIT).astype(np.int64)
            self._sums[row, present] += np.add.reduceat(units, starts, axis=0)
            if name == "mean_iou":
                self.best[places] = values.max(axis=1)
                self.best_threshold[places] = np.asarray(THRESHOLDS)[values.argmax(axis=1)]
        self._sizes += np.bincount(of_class, minlength=len(self._sizes))
        self.area[places] = (counts.area / np.maximum(counts.pixels, 1))[:, 0]
        self.done += len(places)

    def curves(self) -> dict[str | None, Curves]:
        """By class that has a sample, and of all samples by None; {} before the first one."""
        found: dict[str | None, Curves] = {
            name: _curves(self._sums[:, row], int(self._sizes[row]))
            for row, name in enumerate(self._names)
            if self._sizes[row]
        }
        return found | ({None: _curves(self._sums.sum(axis=1), self.done)} if self.done else {})


def _curves(sums: npt.NDArray[np.int64], images: int) -> Curves:
    return Curves(
        images, {name: plain(each / (UNIT * images)) for name, each in zip(SCORES, sums, strict=True)}
    )


def mean_of(counts: Counts) -> Curves | None:
    """The mean scores over all samples of counts (n, T); None of nothing."""
    places = np.arange(len(counts.tp))
    means = Means(Classes([""], np.zeros_like(places)))
    means.take(places, counts)
    return means.curves().get(None)


def column(counts: Counts, score: str, index: int) -> Scores:
    """One score of every sample (n,) at one threshold index, from counts (n, T)."""
    one = slice(index, index + 1)
    at = Counts(counts.tp[:, one], counts.predicted[:, one], counts.area, counts.pixels)
    return SCORES[score](at)[:, 0]


def curves_of(counts: Counts) -> Curves:
    """The scores of one sample, from its counts (T,)."""
    return Curves(1, {name: plain(of(counts)) for name, of in SCORES.items()})


def plain(values: Scores) -> array[float]:
    """Numbers, flat, without numpy."""
    return array("d", np.ascontiguousarray(values, np.float64).tobytes())
