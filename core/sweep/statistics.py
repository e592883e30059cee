"""Tables of IoU, and how sure a mean over them is: standard error, interval, plateau, several comparisons.

An `IouTable` holds IoU totals per unit (a source image, or a group of
them when a run is too large to keep every image) and cell. Totals are exact
integers in units of 1/65535, so a result does not depend on the order or the
number of threads in which it was summed.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypedDict

import numpy as np
import numpy.typing as npt

from cliploc.core.metrics import Integers, Scores
from cliploc.core.sweep.doubts import WORTH_FROM
from cliploc.core.sweep.student import confidence

UNIT = (1 << 16) - 1  # an image's IoU fits two bytes

Totals = npt.NDArray[np.unsignedinteger]
Cells = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class IouTable:
    """IoU totals: (units, cells) in 1/65535. sizes: (units,) images."""

    totals: Totals
    sizes: Integers

    @property
    def images(self) -> int:
        """How many images there are in all."""
        return int(self.sizes.sum())

    def only(self, cells: Cells) -> IouTable:
        """The table of some cells."""
        return IouTable(self.totals[:, cells], self.sizes)

    def by(self, names: Sequence[str]) -> IouTable:
        """The units of one name as one unit, in the order of the names. names: (units,)."""
        order, places = np.unique(np.asarray(names), return_inverse=True)
        sizes = np.bincount(places, weights=self.sizes, minlength=len(order)).astype(np.int64)
        if len(order) == len(names):
            return IouTable(self.totals[np.argsort(places)], sizes)
        together = np.argsort(places, kind="stable")
        starts = np.searchsorted(places[together], np.arange(len(order)))
        return IouTable(np.add.reduceat(self.totals[together], starts, axis=0, dtype=np.uint32), sizes)


def variance_of_mean(totals: Scores | Integers, sizes: Integers) -> Scores:
    """The variance of the mean over images, from the spread over units: (rows, units) totals -> (rows,)."""
    images, units = sizes.sum(), len(sizes)
    values = totals / UNIT
    residuals = values - sizes * (values.sum(axis=1, keepdims=True) / images)
    variance: Scores = (residuals**2).sum(axis=1) * units / max(units - 1, 1) / images**2
    return variance


def standard_error(table: IouTable, cell: int) -> float:
    """Standard error of one cell's mean IoU, from the spread over units."""
    return float(np.sqrt(variance_of_mean(table.totals[None, :, cell].astype(np.float64), table.sizes)[0]))


def plateau(means: Scores, error: float) -> Cells:
    """The cells that are within one standard error of the best, (cells,) bool."""
    near: Cells = means >= means.max() - error
    return near


def holm(ps: Sequence[float | None]) -> list[float | None]:
    """Holm's correction of p values for having made several comparisons, in their order.

    None is a comparison without p: it stays None and counts for nothing.
    """
    known = sorted((p, place) for place, p in enumerate(ps) if p is not None)
    steps = [min(1.0, (len(known) - rank) * p) for rank, (p, _) in enumerate(known)]
    corrected: list[float | None] = [None] * len(ps)
    for (_, place), value in zip(known, itertools.accumulate(steps, max), strict=True):
        corrected[place] = value
    return corrected


class Average(TypedDict):
    """A mean over images. low, high: its 95 % interval, p: two-sided, of a mean of 0.

    All three are None below WORTH_FROM source images.
    """

    mean: float
    low: float | None
    high: float | None
    p: float | None
    images: int
    sources: int


def average(values: Integers | Scores, names: Sequence[str]) -> Average:
    """Average (n,) values over images. names: the source of each."""
    _, places = np.unique(np.asarray(names), return_inverse=True)
    totals, sizes = np.bincount(places, weights=values), np.bincount(places)
    mean, units = float(np.mean(values)), len(sizes)
    found = Average(mean=mean, low=None, high=None, p=None, images=len(values), sources=units)
    if units >= WORTH_FROM:
        error = math.sqrt(float(variance_of_mean(totals[None, :] * UNIT, sizes)[0]))
        found["low"], found["high"], found["p"] = confidence(mean, error, units - 1)
    return found
