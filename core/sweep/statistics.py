"""Numbers that a reviewer would trust: cross-validation, bootstrap, plateau, paired tests.

All of them work on a `Table`: IoU totals per unit (an image, or a group of
images when a run is too large to keep every image) and cell. Totals are exact
integers in units of 1/65535, so a result does not depend on the order or the
number of threads in which it was summed.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TypedDict

import numpy as np
import numpy.typing as npt

from core.metrics import Integers, Scores

UNIT = (1 << 16) - 1  # an image's IoU fits two bytes
CHUNK = 8192  # cells at a time

Totals = npt.NDArray[np.unsignedinteger]
Cells = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Table:
    """IoU totals: (units, cells) in 1/65535. sizes: (units,) images. folds: (units,) fold numbers."""

    totals: Totals
    sizes: Integers
    folds: Integers

    @property
    def images(self) -> int:
        """How many images there are in all."""
        return int(self.sizes.sum())

    def only(self, cells: Cells) -> Table:
        """The table of some cells."""
        return Table(self.totals[:, cells], self.sizes, self.folds)


@dataclass(frozen=True)
class CrossValidated:
    """Each fold scored at the cell that is best on the other folds.

    mean: over all images. choices: the cell chosen for each fold. held_out:
    (units,) mean IoU of each unit at its fold's choice.
    """

    mean: float
    folds: tuple[int, ...]
    choices: tuple[int, ...]
    fold_means: tuple[float, ...]
    held_out: Scores


def cross_validated(table: Table) -> CrossValidated | None:
    """Exact k-fold cross-validation over all cells; None when there is only one fold."""
    folds = np.unique(table.folds)
    if len(folds) < 2:
        return None
    sums = np.stack([table.totals[table.folds == fold].sum(axis=0, dtype=np.int64) for fold in folds])
    everything = sums.sum(axis=0)
    held_out = np.zeros(len(table.sizes))
    choices, means = [], []
    for fold, fold_sum in zip(folds, sums, strict=True):
        choice = int(np.argmax(everything - fold_sum))
        inside = table.folds == fold
        held_out[inside] = table.totals[inside, choice] / UNIT / table.sizes[inside]
        choices.append(choice)
        means.append(float(fold_sum[choice] / UNIT / table.sizes[inside].sum()))
    mean = float((held_out * table.sizes).sum() / table.images)
    return CrossValidated(mean, tuple(int(f) for f in folds), tuple(choices), tuple(means), held_out)


def best_of_replicates(table: Table, replicates: int, seed: int) -> tuple[Scores, Integers]:
    """The best cell's mean in bootstrap replicates over units, selected anew in each.

    Returns (replicates,) mean IoU and (replicates,) chosen cells.
    """
    weights = resampled(len(table.sizes), replicates, seed)
    images = weights @ table.sizes.astype(np.float64)
    best = np.full(replicates, -1.0)
    chosen = np.zeros(replicates, np.int64)
    for first in range(0, table.totals.shape[1], CHUNK):
        sums = weights @ table.totals[:, first : first + CHUNK].astype(np.float64)
        place = sums.argmax(axis=1)
        value = sums[np.arange(replicates), place]
        better = value > best
        best[better], chosen[better] = value[better], place[better] + first
    return best / UNIT / images, chosen


def resampled(units: int, replicates: int, seed: int) -> Scores:
    """How often each unit is drawn in each replicate: (replicates, units), whole numbers."""
    random = np.random.default_rng(seed)
    return random.multinomial(units, np.full(units, 1 / units), size=replicates).astype(np.float64)


def interval(values: Scores, level: float = 0.95) -> tuple[float, float]:
    """The percentile interval of replicates."""
    tail = (1 - level) / 2
    low, high = np.quantile(values, [tail, 1 - tail])
    return float(low), float(high)


class Paired(TypedDict):
    """Two ways compared on the same images: mean difference, its 95 % interval, two-sided p.

    p comes from random sign flips and cannot fall below 1 / (flips + 1).
    """

    difference: float
    low: float
    high: float
    p: float
    images: int


def paired(
    first: Scores, second: Scores, sizes: Integers, *, replicates: int = 10_000, seed: int = 0
) -> Paired:
    """Compare per-unit means (units,) of two ways, `first` minus `second`, weighted by unit size.

    Interval: bootstrap over units. p: sign-flip test of no difference.
    """
    gains = (first - second) * sizes
    total = float(gains.sum())
    images = int(sizes.sum())
    random = np.random.default_rng(seed)
    means, extreme = [], 0
    for start in range(0, replicates, 500):
        count = min(500, replicates - start)
        weights = random.multinomial(len(gains), np.full(len(gains), 1 / len(gains)), size=count)
        means.append((weights @ gains) / (weights @ sizes))
        signs = random.choice((-1.0, 1.0), size=(count, len(gains)))
        extreme += int((np.abs(signs @ gains) >= abs(total) - 1e-12).sum())
    low, high = interval(np.concatenate(means))
    p = (extreme + 1) / (replicates + 1)
    return Paired(difference=total / images, low=low, high=high, p=p, images=images)


def standard_error(table: Table, cell: int) -> float:
    """Standard error of one cell's mean IoU, from the spread over units."""
    units = len(table.sizes)
    values = table.totals[:, cell] / UNIT
    residuals = values - table.sizes * (values.sum() / table.images)
    return float(np.sqrt((residuals**2).sum() * units / max(units - 1, 1)) / table.images)


def plateau(means: Scores, error: float) -> Cells:
    """The cells that are within one standard error of the best, (cells,) bool."""
    near: Cells = means >= means.max() - error
    return near


def holm(ps: list[float]) -> list[float]:
    """Holm's correction of p values for having made several comparisons, in their order."""
    order = np.argsort(ps)
    steps = [min(1.0, (len(ps) - rank) * ps[place]) for rank, place in enumerate(order)]
    corrected = [0.0] * len(ps)
    for place, value in zip(order, itertools.accumulate(steps, max), strict=True):
        corrected[place] = value
    return corrected
