"""What a run found under one heatmap set, as plain values for the ledger and for people.

A tuned number never stands alone: the grid's best comes with its
cross-validated score, its interval, the plateau around it and what no
morphology at all would give.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypedDict

import numpy as np

from core.metrics import CONVENTION, Scores
from core.parameters import Value
from core.postprocess import THRESHOLDS, PostProcess
from core.sweep.statistics import (
    UNIT,
    CrossValidated,
    Paired,
    Table,
    best_of_replicates,
    cross_validated,
    interval,
    paired,
    plateau,
    standard_error,
)

REPLICATES = 500
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


class Summary(TypedDict):
    """Everything said about one heatmap set.

    interval: 95 %, bootstrap over images, the best cell selected anew in each
    replicate (replicate_configs: how many different configs won).
    cross_validated: each fold scored at its choice. plateau: cells within one
    standard error of the best, and the smallest kernels among them. oracles: per
    image, chosen by looking at the true mask: upper bounds, never results.
    """

    convention: str
    images: int
    cells: int
    labels: dict[str, int]
    best: CellEntry
    standard_error: float
    interval: tuple[float, float]
    replicates: int
    replicate_configs: int
    cross_validated: float | None
    folds: list[FoldEntry]
    plateau_cells: int
    plateau_configs: int
    plateau_smallest: CellEntry
    raw: RawEntry | None
    oracle_threshold: float | None
    oracle_cell: float | None


def summary_of(
    table: Table,
    means: Scores,
    configs: Sequence[PostProcess],
    labels: dict[str, int],
    seed: int,
    *,
    per_image: bool,
) -> Summary:
    """Summarize a table whose cells are configs x THRESHOLDS, config by config.

    means: (cells,) mean IoU. per_image: whether the table's units are images; oracles need that.
    """
    best = int(np.argmax(means))
    validated = cross_validated(table)
    replicate_means, chosen = best_of_replicates(table, REPLICATES, seed)
    error = standard_error(table, best)
    near = np.flatnonzero(plateau(means, error))
    smallest = min(near.tolist(), key=lambda cell: (_kernel_size(configs[cell // _T]), -means[cell], cell))
    return Summary(
        convention=CONVENTION,
        images=table.images,
        cells=len(means),
        labels=labels,
        best=_entry(configs, best, means[best]),
        standard_error=error,
        interval=interval(replicate_means),
        replicates=REPLICATES,
        replicate_configs=len(np.unique(chosen // _T)),
        cross_validated=validated.mean if validated else None,
        folds=_folds(validated, configs),
        plateau_cells=len(near),
        plateau_configs=len(np.unique(near // _T)),
        plateau_smallest=_entry(configs, smallest, means[smallest]),
        raw=_raw(table, means, configs, validated),
        oracle_threshold=_oracle_threshold(table, best // _T) if per_image else None,
        oracle_cell=float(table.totals.max(axis=1).mean() / UNIT) if per_image else None,
    )


def _raw(
    table: Table, means: Scores, configs: Sequence[PostProcess], validated: CrossValidated | None
) -> RawEntry | None:
    """No morphology against all configs, both tuned inside the folds; None when only one was tried."""
    cells = np.repeat([not config.steps() for config in configs], _T)
    if validated is None or cells.all() or not cells.any():
        return None
    place = int(np.flatnonzero(cells)[np.argmax(means[cells])])
    alone = cross_validated(table.only(cells))
    assert alone is not None  # the folds are those of `validated`
    return RawEntry(
        **_entry(configs, place, means[place]),
        cross_validated=alone.mean,
        gain=paired(validated.held_out, alone.held_out, table.sizes),
    )


def _folds(validated: CrossValidated | None, configs: Sequence[PostProcess]) -> list[FoldEntry]:
    if validated is None:
        return []
    entries = zip(validated.folds, validated.choices, validated.fold_means, strict=True)
    return [FoldEntry(fold=fold, **_entry(configs, cell, mean)) for fold, cell, mean in entries]


def _oracle_threshold(table: Table, config: int) -> float:
    """Mean over images of the best threshold's IoU, threshold chosen by looking at the true mask."""
    return float(table.totals[:, config * _T : (config + 1) * _T].max(axis=1).mean() / UNIT)


def _entry(configs: Sequence[PostProcess], cell: int, mean: float) -> CellEntry:
    config = configs[cell // _T].with_(threshold=THRESHOLDS[cell % _T])
    return CellEntry(config=config.to_dict(), mean_iou=float(mean))


def _kernel_size(config: PostProcess) -> int:
    return sum(side - 1 for _, side in config.steps())
