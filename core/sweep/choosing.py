"""What a choice is worth on images that it was not made on.

A way of choosing takes the cell with the best mean IoU on some images. Its worth
is the expected score of that cell on new images. Two ways (all cells against
those without morphology, one heatmap set against another) are compared by
cross-validation, repeated with new folds, always over the same folds.

The units are source images: samples of one image never lie on both sides.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TypedDict

import numpy as np
import numpy.typing as npt

from cliploc.core.metrics import Integers, Scores
from cliploc.core.sweep.doubts import COMPARED_FROM, GAIN_FROM, LEAD_FROM, WORTH_FROM
from cliploc.core.sweep.plan import FOLDS
from cliploc.core.sweep.statistics import UNIT, Cells, IouTable, variance_of_mean
from cliploc.core.sweep.student import confidence

REPEATS = 10
CHUNK = 8 << 20  # totals that are taken together as floats
# By simulation (tests/simulation): the weights of a rival's variance and of the repeats' in the squared
# error.
RIVAL = 1.15
CHOICE = 0.2

Folds = npt.NDArray[np.int64]


def folds_of(units: int, seed: int) -> Folds:
    """The fold of each unit in each repeat: (REPEATS, units), folds of nearly equal size."""
    random = np.random.default_rng(seed)
    even = np.arange(units) % min(FOLDS, units)
    return np.stack([random.permutation(even) for _ in range(REPEATS)])


def halves_of(units: int, seed: int) -> Folds:
    """The half of each unit, drawn once: (1, units), 0 or 1."""
    random = np.random.default_rng([seed, 2])
    return random.permutation(np.arange(units) % 2)[None]


@dataclass(frozen=True)
class Selection:
    """A way of choosing, under some folds. Totals are those of a `IouTable`.

    choices: (repeats, folds) the best cell on all but the fold; training: its total
    there. held_out: (repeats, units) each unit at its fold's choice. best: the best
    cell on all units; on_all: (units,) each unit there.
    """

    choices: Integers
    training: Integers
    held_out: Integers
    best: int
    on_all: Integers

    def means(self, sizes: Integers) -> Scores:
        """Cross-validated mean IoU of each repeat, (repeats,)."""
        means: Scores = self.held_out.sum(axis=1) / UNIT / sizes.sum()
        return means


@dataclass(frozen=True)
class Trained:
    """What every choice under some folds is made by: sums over the units that are not in a fold.

    sums: (repeats x folds + 1, cells) of totals, exact; the last row is over all units.
    """

    table: IouTable
    folds: Folds
    sums: Scores

    def chosen(self, cells: Cells | None = None) -> Selection:
        """Choose among some cells (a mask), or all; places are those of the table."""
        among = np.arange(self.sums.shape[1]) if cells is None else np.flatnonzero(cells)
        rows = self.sums if cells is None else self.sums[:, among]
        places = among[rows.argmax(axis=1)]
        best = self.sums[np.arange(len(places)), places]
        choices = places[:-1].reshape(len(self.folds), -1)
        at = np.take_along_axis(choices, self.folds, axis=1)
        units = np.arange(self.folds.shape[1])
        return Selection(
            choices=choices,
            training=np.rint(best[:-1]).astype(np.int64).reshape(choices.shape),
            held_out=self.table.totals[units[None, :], at].astype(np.int64),
            best=int(places[-1]),
            on_all=self.table.totals[:, places[-1]].astype(np.int64),
        )


def trained(table: IouTable, *those: Folds) -> tuple[Trained, ...]:
    """Sum a table up, once, for all choices under each of these folds, of at least two numbers in a row."""
    units, cells = table.totals.shape
    weights = [np.vstack([_outside(folds), np.ones((1, units))]) for folds in those]
    together = np.concatenate(weights)
    sums = np.empty((len(together), cells))
    step = max(1, CHUNK // units)
    for first in range(0, cells, step):
        some = slice(first, first + step)
        sums[:, some] = together @ table.totals[:, some].astype(np.float64)
    parts = np.split(sums, np.cumsum([len(each) for each in weights])[:-1])
    return tuple(Trained(table, folds, part) for folds, part in zip(those, parts, strict=True))


def _outside(folds: Folds) -> Scores:
    """1 for the units that are not in a fold: (repeats x folds, units)."""
    numbers = np.arange(folds.max() + 1)
    others = folds[:, None, :] != numbers[None, :, None]
    weights: Scores = others.reshape(-1, folds.shape[1]).astype(np.float64)
    return weights


def chosen(table: IouTable, folds: Folds) -> Selection:
    """Choose among all cells of a table. folds: of at least two numbers in each row."""
    return trained(table, folds)[0].chosen()


def best_of(ways: list[Selection], folds: Folds) -> Selection:
    """The choice among ways, made inside the folds as well: on each, the way that is best on the others.

    Cells are those of the way that won.
    """
    winner = np.argmax([way.training for way in ways], axis=0)
    at = np.take_along_axis(winner, folds, axis=1)
    whole = ways[int(np.argmax([way.on_all.sum() for way in ways]))]
    return Selection(
        choices=_picked([way.choices for way in ways], winner),
        training=_picked([way.training for way in ways], winner),
        held_out=_picked([way.held_out for way in ways], at),
        best=whole.best,
        on_all=whole.on_all,
    )


def _picked(values: list[Integers], which: Integers) -> Integers:
    picked: Integers = np.take_along_axis(np.stack(values), which[None], axis=0)[0]
    return picked


class Worth(TypedDict):
    """What a way of choosing is worth on new images: mean IoU, and its 95 % interval.

    low, high: None below WORTH_FROM sources, where they would not cover as they say.
    """

    mean: float
    low: float | None
    high: float | None


class Paired(TypedDict):
    """Two ways of choosing on the same images: what the first is worth more, on new images.

    low, high: 95 % interval, p: two-sided; None below COMPARED_FROM sources (GAIN_FROM with a rival).
    images, sources: those that it was measured on.
    """

    difference: float
    low: float | None
    high: float | None
    p: float | None
    images: int
    sources: int


def worth(way: Selection, sizes: Integers) -> Worth:
    """The cross-validated mean IoU of a way of choosing, (units,) sizes."""
    mean = float(way.means(sizes).mean())
    if len(sizes) < WORTH_FROM:
        return Worth(mean=mean, low=None, high=None)
    error = _error(way.held_out, _spread(way.on_all, sizes), sizes)
    low, high, _ = confidence(mean, error, len(sizes) - 1)
    return Worth(mean=mean, low=low, high=high)


def paired(first: Selection, second: Selection, sizes: Integers, rival: Integers | None = None) -> Paired:
    """Compare two ways under the same folds.

    rival: (units,) the best cell of the first way that the second does not have, for
    ways that share cells: where both choose the same, nothing differs, and the held-out
    values alone would look certain.
    """
    if rival is None:
        fixed = _spread(first.on_all - second.on_all, sizes)
    else:
        fixed = RIVAL * _spread(rival - second.on_all, sizes)
    held_out = first.held_out - second.held_out
    difference = float((first.means(sizes) - second.means(sizes)).mean())
    units = len(sizes)
    found = Paired(difference=difference, low=None, high=None, p=None, images=int(sizes.sum()), sources=units)
    if units < (COMPARED_FROM if rival is None else GAIN_FROM):
        return found
    return _with_interval(found, _error(held_out, fixed, sizes))


def ahead(first: Selection, second: Selection, sizes: Integers, halves: Folds) -> Paired:
    """What the first way's choice on one half is worth more than the second's, on the other half.

    halves: both ways' folds, of `halves_of`. A plain paired comparison on units that no choice has seen:
    as sure as it says whether the ways differ or not, at the price of half the units.
    None instead of an interval below LEAD_FROM sources in both halves together.
    """
    there = halves[0] == 0
    held_out, measured = (first.held_out - second.held_out)[:, there], sizes[there]
    difference = float(held_out.sum() / UNIT / measured.sum())
    units, images = len(measured), int(measured.sum())
    found = Paired(difference=difference, low=None, high=None, p=None, images=images, sources=units)
    if len(sizes) < LEAD_FROM:
        return found
    return _with_interval(found, math.sqrt(float(variance_of_mean(held_out, measured)[0])))


def _with_interval(found: Paired, error: float) -> Paired:
    """The interval and p of a difference, from its standard error; t of a unit less than it has."""
    low, high, p = confidence(found["difference"], error, found["sources"] - 1)
    return Paired({**found, "low": low, "high": high, "p": p})


def _error(held_out: Integers, fixed: float, sizes: Integers) -> float:
    """The standard error of a cross-validated mean: (repeats, units) held-out totals.

    Its square is the larger of the held-out values' variance and `fixed`, that of the
    best cells', plus a share of what other folds change, which tells how much the
    choice itself varies.
    """
    spread = float(variance_of_mean(held_out, sizes).mean())
    repeats = held_out.sum(axis=1) / UNIT / sizes.sum()
    return math.sqrt(max(spread, fixed) + CHOICE * float(repeats.var(ddof=1)))


def _spread(totals: Integers, sizes: Integers) -> float:
    return float(variance_of_mean(totals[None, :], sizes)[0])
