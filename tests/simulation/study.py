"""Many data sets of known truth: how often what is printed is right, now and in version 0.1.

`python -m tests.simulation.study` prints the tables of README.md.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from cliploc.core.sweep.choosing import Paired, Selection, ahead, chosen, folds_of, halves_of, paired, worth
from cliploc.core.sweep.doubts import LEAD_FROM
from cliploc.core.sweep.statistics import IouTable
from tests.simulation import before
from tests.simulation.population import GRID, Population, level, natural, scaled

SETS = 4000
SIZES = (32, 60, 120, 512)
SEEDS = (1, 2)
FIRST, SECOND = 5, 6  # methods; the weights in cliploc.core.sweep.choosing were found on 1 to 4
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Case:
    """Two ways of choosing cells in one population: (cells,) each. copies: samples of each source image.

    orders: whether they are orders of one heatmap set, whose cells may be one and the same mask.
    halved: whether one half of the images chooses and the other is measured on.
    """

    population: Population
    first: Mask
    second: Mask
    copies: int = 1
    orders: bool = False
    halved: bool = False


@dataclass(frozen=True)
class Line:
    """Shares of data sets. None where nothing is printed.

    gain: the interval holds what the choice made on this data set gains in truth;
    expected: it holds what choosing on so many images gains on average. raises, lowers:
    the difference is called one, at 5 %. worth: the interval of the cross-validated mean
    IoU holds the truth about the cell chosen.
    """

    gain: float | None
    expected: float | None
    raises: float | None
    lowers: float | None
    worth: float | None


def _gain(effect: float, copies: int = 1) -> Case:
    population = scaled(natural(FIRST), effect)
    return Case(population, np.ones_like(population.raw), population.raw, copies)


def _pair(effect: float) -> Case:
    first, second = level(scaled(natural(FIRST), effect), scaled(natural(SECOND), effect))
    values = np.hstack([first.values, second.values])
    is_first = np.arange(values.shape[1]) < first.values.shape[1]
    return Case(Population(values, np.tile(first.raw, 2)), is_first, ~is_first)


def _order(effect: float, rest: str = "all others") -> Case:
    """Dilation, then erosion against all other orders, or against none."""
    population = scaled(natural(FIRST), effect)
    closing = [config.dilate > 1 and config.erode > 1 for config in GRID.configs]
    cells = np.repeat(closing, population.values.shape[1] // len(closing))
    if rest == "none":
        return Case(population, cells, population.raw, orders=True)
    return Case(population, cells, ~cells, halved=True)


CASES: dict[str, Callable[[], Case]] = {
    "gain of morphology, none in truth": cache(lambda: _gain(0.0)),
    "gain, 0.15 of the natural": cache(lambda: _gain(0.15)),
    "gain, 0.3 of the natural": cache(lambda: _gain(0.3)),
    "gain, 0.6 of the natural": cache(lambda: _gain(0.6)),
    "gain, natural": cache(lambda: _gain(1.0)),
    "gain, three equal samples a source": cache(lambda: _gain(1.0, copies=3)),
    "two methods, equally good": cache(lambda: _pair(1.0)),
    "two methods, equally good, many equal cells": cache(lambda: _pair(0.0)),
    "an order against all others, all equally good": cache(lambda: _order(0.0)),
    "an order against all others, 0.2 of the natural": cache(lambda: _order(0.2)),
    "an order against all others, 0.3 of the natural": cache(lambda: _order(0.3)),
    "an order against all others, natural": cache(lambda: _order(1.0)),
    "gain of an order, none in truth": cache(lambda: _order(0.0, "none")),
    "gain of an order, 0.3 of the natural": cache(lambda: _order(0.3, "none")),
    "gain of an order, natural": cache(lambda: _order(1.0, "none")),
}


def sizes_of(name: str) -> tuple[int, ...]:
    """The sizes that a case is drawn with: also the least that halves take."""
    return (32, 60, 120, LEAD_FROM, 512) if "all others" in name else SIZES


def now(case: Case, images: int, seed: int, sets: int = SETS) -> Line:
    """What the present estimators print."""
    random, truth = np.random.default_rng([seed, images]), case.population.truth
    gains, worths = [], []
    for number in range(sets):
        table = _copied(case.population.drawn(random, images), case.copies)
        folds, sizes = folds_of(images, number), table.sizes
        first, second = chosen(table.only(case.first), folds), chosen(table.only(case.second), folds)
        value, named = worth(first, sizes), truth[case.first][first.best]
        if case.halved:
            found, gain = _on_halves(case, table, number)
        else:
            found = paired(first, second, sizes, _rival(case, table, first))
            gain = named - truth[case.second][second.best]
        gains.append((found["low"], found["high"], found["p"], gain))
        worths.append((value["low"], value["high"], 0.0, named))
    return _line(gains, worths)


def _on_halves(case: Case, table: IouTable, number: int) -> tuple[Paired, float]:
    """What is printed of halves, and what the choice made on the one half gains in truth."""
    halves, truth = halves_of(len(table.sizes), number), case.population.truth
    first, second = (chosen(table.only(cells), halves) for cells in (case.first, case.second))
    gain = truth[case.first][first.choices[0, 0]] - truth[case.second][second.choices[0, 0]]
    return ahead(first, second, table.sizes, halves), float(gain)


def earlier(case: Case, images: int, seed: int, sets: int = SETS) -> Line:
    """What version 0.1 printed."""
    random, truth = np.random.default_rng([seed, images]), case.population.truth
    gains, worths = [], []
    for number in range(sets):
        table = case.population.drawn(random, images)
        rows = IouTable(np.repeat(table.totals, case.copies, axis=0), np.ones(images * case.copies, np.int64))
        fold = np.repeat(folds_of(images, number)[0], case.copies)  # these samples it kept together
        ways = [rows.only(cells) for cells in (case.first, case.second)]
        ends, p = before.compared(*(before.held_out(way, fold) for way in ways), number)
        means = [table.totals[:, cells].sum(axis=0, dtype=np.int64) for cells in (case.first, case.second)]
        named, other = (
            float(truth[cells][mean.argmax()])
            for cells, mean in zip((case.first, case.second), means, strict=True)
        )
        gains.append((*ends, p, named - other))
        worths.append((*before.tuned_interval(ways[0], number), 0.0, named))
    return _line(gains, worths)


def _copied(table: IouTable, copies: int) -> IouTable:
    if copies == 1:
        return table
    names = [f"{unit:04d}" for unit in range(len(table.sizes)) for _ in range(copies)]
    return IouTable(np.repeat(table.totals, copies, axis=0), np.ones(len(names), np.int64)).by(names)


def _rival(case: Case, table: IouTable, first: Selection) -> npt.NDArray[np.int64] | None:
    """The best cell that only the first way has, for ways that share cells, or may as well."""
    if case.orders:
        return first.on_all
    if not (case.first & case.second).any():
        return None
    means = np.where(case.first & ~case.second, table.totals.sum(axis=0, dtype=np.int64), -1)
    return table.totals[:, int(means.argmax())].astype(np.int64)


def _line(gains: list[tuple[float | None, ...]], worths: list[tuple[float | None, ...]]) -> Line:
    found, values = np.array(gains, float), np.array(worths, float)  # None becomes NaN
    low, high, p, truth = found.T
    silent = bool(np.isnan(low).all())
    return Line(
        gain=None if silent else _share((low <= truth) & (truth <= high)),
        expected=None if silent else _share((low <= truth.mean()) & (truth.mean() <= high)),
        raises=None if silent else _share((p < 0.05) & (low > 0)),
        lowers=None if silent else _share((p < 0.05) & (high < 0)),
        worth=None
        if np.isnan(values[:, 0]).all()
        else _share((values[:, 0] <= values[:, 3]) & (values[:, 3] <= values[:, 1])),
    )


def _share(which: Mask) -> float:
    return float(which.mean())


def identical(images: int, shared: int, seed: int, sets: int = SETS) -> tuple[float, float]:
    """How often the very same heatmaps over `images` and over `shared` of them are called different.

    Now, where the images that both have are compared, and by version 0.1, where each was tuned on its own.
    """
    random, population = np.random.default_rng([seed, images, shared]), natural(FIRST)
    claims = np.zeros(2)
    for number in range(sets):
        table = population.drawn(random, images)
        part = IouTable(table.totals[:shared], table.sizes[:shared])
        way, other = (chosen(part, folds_of(shared, number)) for _ in range(2))
        claims[0] += (paired(way, other, part.sizes)["p"] or 1.0) < 0.05
        whole, few = (before.held_out(t, folds_of(len(t.sizes), number)[0]) for t in (table, part))
        claims[1] += before.compared(whole[:shared], few, number)[1] < 0.05
    now_share, earlier_share = claims / sets
    return float(now_share), float(earlier_share)


def main() -> None:
    """Print a Markdown table: now, or version 0.1."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--earlier", action="store_true", help="version 0.1's estimators")
    parser.add_argument("--only", default="", help="cases whose name has this in it")
    parser.add_argument("--sets", type=int, default=SETS)
    arguments = parser.parse_args()
    print("| case | images | seed | gain covered | expected gain covered | raises | lowers | worth covered |")
    print("|---|---:|---:|---:|---:|---:|---:|---:|")
    for name, make in CASES.items():
        if arguments.only not in name:
            continue
        for images in sizes_of(name):
            for seed in SEEDS:
                line = (earlier if arguments.earlier else now)(make(), images, seed, arguments.sets)
                shares = (line.gain, line.expected, line.raises, line.lowers, line.worth)
                texts = ["–" if share is None else f"{share:.3f}" for share in shares]
                print(f"| {name} | {images} | {seed} | {' | '.join(texts)} |", flush=True)
    print("\n| identical heatmaps over | seed | called different, now | version 0.1 |\n|---|---:|---:|---:|")
    for images, shared in ((120, 40), (120, 98), (512, 416)):
        for seed in SEEDS:
            now_share, earlier_share = identical(images, shared, seed, arguments.sets)
            print(f"| {images} and {shared} | {seed} | {now_share:.3f} | {earlier_share:.3f} |", flush=True)


if __name__ == "__main__":
    main()
