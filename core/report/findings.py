"""What runs found, read from the ledger: everything the report says about heatmap sets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from core.errors import ParameterError, clean
from core.heatmaps.identity import IMPORTED, Identity
from core.methods import METHODS
from core.postprocess import THRESHOLDS, PostProcess
from core.report import quoted
from core.sweep.compare import Comparison, compared, contenders
from core.sweep.grid import Grid, steps_of
from core.sweep.ledger import Ledger, RunRow
from core.sweep.plan import Plan

Curves = Mapping[str, Sequence[float]]


@dataclass(frozen=True)
class Best:
    """A best cell: its config with its threshold, its mean IoU, every score of the config by threshold."""

    config: PostProcess
    mean_iou: float
    curves: Curves


@dataclass(frozen=True)
class Surface:
    """Mean IoU at the best threshold over kernels: (erosions, dilations), NaN where nothing was tried."""

    interpolation: str
    order: str
    dilates: tuple[int, ...]
    erodes: tuple[int, ...]
    mean_iou: npt.NDArray[np.float64]


@dataclass(frozen=True)
class SetFindings:
    """One heatmap set of one run. summary: see `core.sweep.summary`.

    raw: the best cell without morphology. poster_kernels: the best cell with both
    kernels in the poster's range. labels: mean IoU by label at the best cell.
    """

    run: str
    key: str
    name: str
    identity: Identity | None
    summary: Mapping[str, Any]
    best: Best
    raw: Best | None
    poster_kernels: Best | None
    surface: Surface | None
    labels: Mapping[str, float]

    @property
    def method(self) -> str:
        """The method's name in the registry; the set's own name when it was made elsewhere."""
        return self.identity.method if self.identity and self.identity.method != IMPORTED else self.name

    @property
    def title(self) -> str:
        """The method as people write it."""
        return METHODS[self.method].title if self.method in METHODS else clean(self.name)

    @property
    def template(self) -> str:
        """The prompt template; empty when it is not known."""
        return self.identity.template if self.identity else ""

    @property
    def notes(self) -> tuple[str, ...]:
        """What its scores stand on, in sentences."""
        return tuple(self.summary.get("ground", {}).get("notes", ()))

    @property
    def validated(self) -> float:
        """What sets are ranked by: cross-validated mean IoU, or the tuned one when there are no folds."""
        return float(self.summary["cross_validated"] or self.best.mean_iou)


@dataclass(frozen=True)
class Findings:
    """All runs of a report: they scored the same dataset. without_pairs: why nothing is compared."""

    runs: tuple[RunRow, ...]
    plans: tuple[Plan, ...]
    machines: tuple[Mapping[str, str], ...]
    sets: tuple[SetFindings, ...]
    pairs: tuple[Comparison, ...]
    without_pairs: str

    @property
    def leaders(self) -> tuple[SetFindings, ...]:
        """The best set of each method, best method first."""
        best: dict[str, SetFindings] = {}
        for found in sorted(self.sets, key=lambda found: -found.validated):
            best.setdefault(found.method, found)
        return tuple(best.values())


def gathered(ledger: Ledger, runs: Sequence[str]) -> Findings:
    """Read finished runs. ParameterError when one is unfinished or scored another dataset."""
    rows = tuple(ledger.find(text) for text in dict.fromkeys(runs))
    plans = tuple(ledger.plan(row.id) for row in rows)
    for row, plan in zip(rows, plans, strict=True):
        if row.state != "done":
            raise ParameterError(f"run {row.id} is {row.state}; `cliploc runs resume {row.id}` finishes it")
        if plan.reading != plans[0].reading:
            raise ParameterError(
                f"run {row.id} read true masks by another rule than run {rows[0].id}: "
                "release 0.1.0 made one of them; run that one again"
            )
        if plan.truth != plans[0].truth:
            raise ParameterError(
                f"run {row.id} scored {clean(plan.dataset_name)}, run {rows[0].id} "
                f"{clean(plans[0].dataset_name)}; one report speaks of one dataset"
            )
    sets = tuple(
        _set_findings(ledger, row, plan, index)
        for row, plan in zip(rows, plans, strict=True)
        for index in ledger.finished_sets(row.id)
    )
    pairs, reason = _pairs(ledger, rows)
    return Findings(rows, plans, tuple(ledger.machine(row.id) for row in rows), sets, pairs, reason)


def _pairs(ledger: Ledger, rows: Sequence[RunRow]) -> tuple[tuple[Comparison, ...], str]:
    try:
        everyone = [one for row in rows for one in contenders(ledger, row.id)]
        return tuple(compared(everyone)), "" if len(everyone) > 1 else "there is only one heatmap set"
    except ParameterError as error:
        return (), str(error)


def _set_findings(ledger: Ledger, row: RunRow, plan: Plan, index: int) -> SetFindings:
    summary = ledger.summary(row.id, index)
    assert summary is not None  # the set is finished
    name = plan.sets[index]
    scores = np.array(ledger.scores(row.id, index, "mean_iou"))
    configs = plan.grid.configs

    def best_of(chosen: npt.NDArray[np.bool_]) -> Best | None:
        if not chosen.any():
            return None
        place, threshold = divmod(int(np.where(chosen[:, None], scores, -1).argmax()), len(THRESHOLDS))
        curves = ledger.config_scores(row.id, index, place)
        config = configs[place].with_(threshold=THRESHOLDS[threshold])
        return Best(
            config, float(scores[place, threshold]), {n: v for n, v in curves.items() if n != "folds"}
        )

    best = best_of(np.ones(len(configs), bool))
    assert best is not None  # a grid is never empty
    place = configs.index(best.config.with_(threshold=configs[0].threshold))
    labels = ledger.label_scores(row.id, index, place)
    return SetFindings(
        run=row.id,
        key=name["key"],
        name=name["name"],
        identity=Identity.from_dict(name["identity"]) if "identity" in name else None,
        summary=summary,
        best=best,
        raw=best_of(np.array([not config.steps() for config in configs])),
        poster_kernels=best_of(np.array([_has_poster_kernels(config) for config in configs])),
        surface=_surface(plan.grid, scores, best.config),
        labels={label: values[best.config.threshold_index] for label, values in labels.items()},
    )


def _has_poster_kernels(config: PostProcess) -> bool:
    low, high = quoted.KERNELS
    return config.order == "dilate-erode" and low <= config.dilate <= high and low <= config.erode <= high


def _surface(grid: Grid, scores: npt.NDArray[np.float64], best: PostProcess) -> Surface | None:
    """Over both kernels, at the best cell's interpolation, order and kernel shape; None for a short axis."""
    if min(len(grid.dilates), len(grid.erodes)) < 2 or len(best.order.split("-")) < 2:
        return None
    places = {(config.interpolation, steps_of(config)): place for place, config in enumerate(grid.configs)}
    values = np.full((len(grid.erodes), len(grid.dilates)), np.nan)
    for row, erode in enumerate(grid.erodes):
        for column, dilate in enumerate(grid.dilates):
            config = best.with_(dilate=dilate, erode=erode)
            place = places.get((config.interpolation, steps_of(config)))
            if place is not None:
                values[row, column] = scores[place].max()
    return Surface(best.interpolation, best.order, grid.dilates, grid.erodes, values)
