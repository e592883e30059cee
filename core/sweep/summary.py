"""What a run found under one heatmap set, as plain values for the ledger and for people.

A tuned number never stands alone: the grid's best comes with what it is worth on
other images, the plateau around it, what no morphology at all would give, and what
masks without any network score.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypedDict

import numpy as np

from cliploc.core.metrics import Integers, Scores
from cliploc.core.parameters import Value
from cliploc.core.postprocess import ORDERS, THRESHOLDS, PostProcess
from cliploc.core.scores import CONVENTION
from cliploc.core.sweep.choosing import (
    Paired,
    Selection,
    Trained,
    Worth,
    ahead,
    best_of,
    folds_of,
    halves_of,
    paired,
    trained,
    worth,
)
from cliploc.core.sweep.statistics import UNIT, IouTable, plateau, standard_error

_T = len(THRESHOLDS)


class CellEntry(TypedDict):
    """One cell by its settings, with its mean IoU."""

    config: dict[str, Value]
    mean_iou: float


class FoldEntry(CellEntry):
    """A fold's choice (best on the other folds) and what it scored on the fold itself."""

    fold: int


class RawEntry(CellEntry):
    """The best cell without morphology, and what morphology adds to it."""

    cross_validated: float
    gain: Paired


class OrderEntry(CellEntry):
    """The best cell of one order, and what choosing among its cells is worth more than among others.

    order: of the steps that really run: `dilate-erode` with an erosion of side 1 is `dilate`.
    lead: than among those of all other orders, chosen on one half of the sources and measured on the
    other; gain: than among those without any step, None for those.
    """

    order: str
    cross_validated: float
    lead: Paired
    gain: Paired | None


class BaselineEntry(TypedDict):
    """A mask that needs no network, tuned like a heatmap set where it has a threshold."""

    name: str
    mean_iou: float
    threshold: float | None
    cross_validated: float | None


class Summary(TypedDict):
    """Everything said about one heatmap set.

    sources: source images, over which folds and errors are taken. cross_validated:
    each fold scored at the cell that is best on the others, mean of repeats with new
    folds; interval: its 95 % interval, None for too few sources; unvalidated: why there
    are no folds. folds: those of the first repeat. plateau: cells within one
    standard error of the best, and the smallest kernels among them. everything,
    nothing: images of which the best cell predicts all pixels, or none; None where an
    earlier version did not count. oracles: per image, chosen by looking at the true mask:
    upper bounds, never results. orders: empty where only one was tried.
    """

    convention: str
    images: int
    sources: int
    cells: int
    labels: dict[str, int]
    best: CellEntry
    standard_error: float
    cross_validated: float | None
    interval: tuple[float, float] | None
    unvalidated: str
    folds: list[FoldEntry]
    plateau_cells: int
    plateau_configs: int
    plateau_smallest: CellEntry
    raw: RawEntry | None
    oracle_threshold: float | None
    oracle_cell: float | None
    everything: int | None
    nothing: int | None
    orders: list[OrderEntry]
    baselines: list[BaselineEntry]


@dataclass(frozen=True)
class Scored:
    """The scores of one heatmap set, as they are summarized. Cells are configs x THRESHOLDS.

    table: a row per image, or per group of images when images were not kept. units:
    for every image its source; None for groups. means: (cells,) mean IoU. everything,
    nothing: (cells,) images predicted whole, or not at all. labels: images by label.
    """

    table: IouTable
    units: Sequence[str] | None
    means: Scores
    everything: Integers
    nothing: Integers
    labels: dict[str, int]


def summary_of(
    scored: Scored, configs: Sequence[PostProcess], seed: int, baselines: Sequence[BaselineEntry] = ()
) -> Summary:
    """Summarize what was scored under the configs. seed: of the folds."""
    means, images = scored.means, scored.table
    table = images if scored.units is None else images.by(scored.units)
    best = int(np.argmax(means))
    folds = folds_of(len(table.sizes), seed) if len(table.sizes) > 1 else None
    halves = halves_of(len(table.sizes), seed)
    both = trained(table, folds, halves) if folds is not None else None
    choices, on_halves = both if both else (None, None)
    way = choices.chosen() if choices else None
    value = worth(way, table.sizes) if way else None
    error = standard_error(table, best)
    at_best = images.totals[:, best // _T * _T : (best // _T + 1) * _T]
    near = np.flatnonzero(plateau(means, error))
    smallest = min(near.tolist(), key=lambda cell: (_kernel_size(configs[cell // _T]), -means[cell], cell))
    return Summary(
        convention=CONVENTION,
        images=table.images,
        sources=len(table.sizes),
        cells=len(means),
        labels=scored.labels,
        best=_entry(configs, best, means[best]),
        standard_error=error,
        cross_validated=value["mean"] if value else None,
        interval=_interval(value),
        unvalidated="" if way else f"all {table.images:,} samples come from one source image",
        folds=_folds(table, folds[0], way, configs) if way and folds is not None else [],
        plateau_cells=len(near),
        plateau_configs=len(np.unique(near // _T)),
        plateau_smallest=_entry(configs, smallest, means[smallest]),
        raw=_raw(choices, means, configs, way) if way and choices else None,
        oracle_threshold=float(at_best.max(axis=1).mean() / UNIT) if scored.units is not None else None,
        oracle_cell=float(images.totals.max(axis=1).mean() / UNIT) if scored.units is not None else None,
        everything=int(scored.everything[best]),
        nothing=int(scored.nothing[best]),
        orders=_orders(choices, on_halves, means, configs) if choices and on_halves else [],
        baselines=list(baselines),
    )


def _interval(value: Worth | None) -> tuple[float, float] | None:
    if value is None or value["low"] is None or value["high"] is None:
        return None
    return value["low"], value["high"]


def _raw(choices: Trained, means: Scores, configs: Sequence[PostProcess], way: Selection) -> RawEntry | None:
    """No morphology against all configs, both tuned inside the folds; None when only one was tried."""
    table = choices.table
    cells = np.repeat([not config.steps() for config in configs], _T)
    if cells.all() or not cells.any():
        return None
    place = int(np.flatnonzero(cells)[np.argmax(means[cells])])
    rival = int(np.flatnonzero(~cells)[np.argmax(means[~cells])])
    alone = choices.chosen(cells)
    return RawEntry(
        **_entry(configs, place, means[place]),
        cross_validated=worth(alone, table.sizes)["mean"],
        gain=paired(way, alone, table.sizes, table.totals[:, rival].astype(np.int64)),
    )


def _orders(
    choices: Trained, on_halves: Trained, means: Scores, configs: Sequence[PostProcess]
) -> list[OrderEntry]:
    """Every order of steps: tuned inside the folds, and against the choice among all others on halves."""
    table = choices.table
    names = np.repeat(["-".join(name for name, _ in config.steps()) or "none" for config in configs], _T)
    present = [order for order in ORDERS if (names == order).any()]
    if len(present) < 2:
        return []
    ways = {order: choices.chosen(names == order) for order in present}
    halves = on_halves.folds
    halved = {order: on_halves.chosen(names == order) for order in present}

    def lead(order: str) -> Paired:
        others = best_of([way for name, way in halved.items() if name != order], halves)
        return ahead(halved[order], others, table.sizes, halves)

    def gain(way: Selection, none: Selection) -> Paired:
        # Cells of two orders may be one and the same mask: as sure as ways that share cells, not more.
        return paired(way, none, table.sizes, way.on_all)

    found = []
    for order, way in ways.items():
        place = way.best
        found.append(
            OrderEntry(
                **_entry(configs, place, means[place]),
                order=order,
                cross_validated=worth(way, table.sizes)["mean"],
                lead=lead(order),
                gain=gain(way, ways["none"]) if order != "none" and "none" in ways else None,
            )
        )
    return found


def _folds(
    table: IouTable, fold: Integers, way: Selection, configs: Sequence[PostProcess]
) -> list[FoldEntry]:
    found = []
    for number, cell in enumerate(way.choices[0].tolist()):
        inside = fold == number
        mean = table.totals[inside, cell].sum(dtype=np.int64) / UNIT / table.sizes[inside].sum()
        found.append(FoldEntry(fold=number, **_entry(configs, cell, mean)))
    return found


def _entry(configs: Sequence[PostProcess], cell: int, mean: float) -> CellEntry:
    config = configs[cell // _T].with_(threshold=THRESHOLDS[cell % _T])
    return CellEntry(config=config.to_dict(), mean_iou=float(mean))


def _kernel_size(config: PostProcess) -> int:
    return sum(side - 1 for _, side in config.steps())
