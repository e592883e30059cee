"""What runs found, read from the ledger: everything the report says about heatmap sets."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from cliploc.core.datasets import Dataset
from cliploc.core.errors import ParameterError, clean
from cliploc.core.heatmaps.identity import IMPORTED, Identity
from cliploc.core.methods import METHODS
from cliploc.core.postprocess import THRESHOLDS, PostProcess
from cliploc.core.report import quoted
from cliploc.core.sweep.baselines import baseline_table, baselines_of
from cliploc.core.sweep.compare import Comparison, SetComparison, against_baselines, compared, scored_sets
from cliploc.core.sweep.grid import Grid, computation_of
from cliploc.core.sweep.ledger import Ledger
from cliploc.core.sweep.plan import Plan
from cliploc.core.sweep.rows import RunRow
from cliploc.core.sweep.shard_files import kept_by_label, recounted
from cliploc.core.sweep.statistics import holm
from cliploc.core.sweep.summary import BaselineEntry, summary_of

Curves = Mapping[str, Sequence[float]]


@dataclass(frozen=True)
class TunedConfig:
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
    """One heatmap set of one run. summary: see `cliploc.core.sweep.summary`.

    raw: the best cell without morphology. poster_kernels: the best cell with both
    kernels in the poster's range. labels: mean IoU by label at the best cell.
    """

    run: str
    key: str
    name: str
    identity: Identity | None
    summary: Mapping[str, Any]
    best: TunedConfig
    raw: TunedConfig | None
    poster_kernels: TunedConfig | None
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
    def label(self) -> str:
        """The method with its prompt."""
        return ", ".join(filter(None, (self.title, self.template)))

    @property
    def compared_as(self) -> str:
        """Its name in a `SetComparison`."""
        return f"{self.run}:{self.name}"

    @property
    def template(self) -> str:
        """The prompt template; empty when it is not known."""
        return self.identity.template if self.identity else ""

    @property
    def notes(self) -> tuple[str, ...]:
        """What its scores stand on, in sentences."""
        return tuple(self.summary.get("ground", {}).get("notes", ()))

    def order(self, name: str) -> Mapping[str, Any] | None:
        """What an order of dilation and erosion found (an `OrderEntry` of `cliploc.core.sweep`), if tried."""
        return next((one for one in self.summary["orders"] if one["order"] == name), None)

    @property
    def validated(self) -> float:
        """What sets are ranked by: cross-validated mean IoU, or the tuned one when there are no folds."""
        return float(self.summary["cross_validated"] or self.best.mean_iou)


@dataclass(frozen=True)
class Findings:
    """All runs of a report: they scored the same dataset, and everything is over the images that all have.

    comparison: the sets against each other; None where they cannot be compared, and
    without_pairs says why. against: the sets against masks that need no network; empty
    without the dataset. gains: Holm's p of what morphology adds, by
    set. own: the summaries of sets that have more images, over all of their own.
    """

    runs: tuple[RunRow, ...]
    plans: tuple[Plan, ...]
    machines: tuple[Mapping[str, str], ...]
    sets: tuple[SetFindings, ...]
    comparison: SetComparison | None
    without_pairs: str
    against: tuple[Comparison, ...]
    gains: tuple[float | None, ...]
    own: tuple[tuple[SetFindings, Mapping[str, Any]], ...]
    ids: tuple[str, ...]

    @property
    def is_posters(self) -> bool:
        """Whether this is CocoGlide as the poster used it, so that its figures may stand beside."""
        pictures = {found.identity.pictures for found in self.sets if found.identity}
        return self.plans[0].truth == quoted.TRUTH and pictures == {quoted.PICTURES}

    @property
    def leaders(self) -> tuple[SetFindings, ...]:
        """The best set of each method, best method first."""
        best: dict[str, SetFindings] = {}
        for found in sorted(self.sets, key=lambda found: -found.validated):
            best.setdefault(found.method, found)
        return tuple(best.values())

    def gain_of(self, found: SetFindings) -> float | None:
        """Holm's p of what morphology adds to a set."""
        places = {(one.run, one.key): place for place, one in enumerate(self.sets)}
        return self.gains[places[found.run, found.key]]


@dataclass(frozen=True)
class _Scored:
    """What is read of one heatmap set: (C, T) mean IoU, and a config's curves by its place."""

    summary: Mapping[str, Any]
    mean_iou: npt.NDArray[np.float64]
    curves: Callable[[int], Curves]
    labels: Callable[[int], Mapping[str, Sequence[float]]]


def finished_runs(ledger: Ledger, runs: Sequence[str]) -> tuple[tuple[RunRow, ...], tuple[Plan, ...]]:
    """Runs and their plans. ParameterError when one is unfinished or scored another dataset."""
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
            raise ParameterError(f"{_other_truth(rows[0], row)}; one report speaks of one dataset")
    return rows, plans


def _other_truth(first: RunRow, other: RunRow) -> str:
    """What is not the same in what two runs scored."""
    if first.scored != other.scored:
        return f"run {other.id} scored {clean(other.scored)}, run {first.id} {clean(first.scored)}"
    return f"runs {first.id} and {other.id} scored {clean(first.scored)}, whose masks were changed in between"


def gathered(ledger: Ledger, runs: Sequence[str], dataset: Dataset | None = None) -> Findings:
    """Read finished runs, over the images that all of them have. ParameterError when that cannot be.

    dataset: what was scored, if it is here; without it, labels and baselines of images
    that only some runs have stay unknown.
    """
    rows, plans = finished_runs(ledger, runs)
    ids = _common([[id_ for group in plan.groups for id_ in group] for plan in plans], rows)
    sets, own = [], []
    for row, plan in zip(rows, plans, strict=True):
        whole = plan.images == len(ids)
        if not whole and not plan.keep:
            raise ParameterError(
                f"run {row.id} kept only sums, and has other images than the others; report it alone, "
                "or sweep again with --keep counts"
            )
        for index in ledger.finished_sets(row.id):
            stored = ledger.summary(row.id, index) or {"sources": 0}
            if whole and (stored["sources"] or not plan.keep):
                scored = _as_stored(ledger, row, index)
            else:  # fewer images, or a summary of an earlier version
                scored = _again(ledger, row, plan, index, ids, dataset)
            sets.append(_set_findings(row, plan, index, scored))
            if not whole:
                own.append((sets[-1], stored))
    comparison, reason = _comparison(ledger, rows, ids)
    against: tuple[Comparison, ...] = ()
    if comparison and dataset:
        table = baseline_table([dataset.by_id(id_) for id_ in ids])
        against = against_baselines(comparison, table.by([plans[0].sources[id_] for id_ in ids]))
    gains = tuple(holm([(found.summary["raw"] or {"gain": {"p": None}})["gain"]["p"] for found in sets]))
    machines = tuple(ledger.machine(row.id) for row in rows)
    return Findings(
        rows, plans, machines, tuple(sets), comparison, reason, against, gains, tuple(own), tuple(ids)
    )


def _common(ids: Sequence[Sequence[str]], rows: Sequence[RunRow]) -> list[str]:
    shared = set(ids[0]).intersection(*ids[1:])
    if not shared:
        raise ParameterError(
            f"no image is in all of the runs {', '.join(row.id for row in rows)}; report them apart"
        )
    return [id_ for id_ in ids[0] if id_ in shared]


def _comparison(
    ledger: Ledger, rows: Sequence[RunRow], ids: Sequence[str]
) -> tuple[SetComparison | None, str]:
    try:
        everyone = [one for row in rows for one in scored_sets(ledger, row.id)]
        return compared(ledger, [replace(one, ids=frozenset(ids)) for one in everyone]), ""
    except ParameterError as error:
        return None, str(error)


def _as_stored(ledger: Ledger, row: RunRow, index: int) -> _Scored:
    """From the ledger: all images of the run."""
    summary = ledger.summary(row.id, index)
    assert summary is not None  # the set is finished

    def curves(place: int) -> Curves:
        return {n: v.tolist() for n, v in ledger.config_scores(row.id, index, place).items() if n != "folds"}

    return _Scored(
        summary,
        ledger.scores(row.id, index, "mean_iou"),
        curves,
        lambda place: {n: v.tolist() for n, v in ledger.label_scores(row.id, index, place).items()},
    )


def _again(
    ledger: Ledger, row: RunRow, plan: Plan, index: int, ids: Sequence[str], dataset: Dataset | None
) -> _Scored:
    """From the counts of every image: some images of the run."""
    labels = {id_: dataset.by_id(id_).label if dataset else "" for id_ in ids}
    totals, scored = recounted(ledger, row.id, index, labels)
    baselines: list[BaselineEntry] = []
    if dataset is not None:
        table = baseline_table([dataset.by_id(id_) for id_ in ids])
        baselines = baselines_of(table.by([plan.sources[id_] for id_ in ids]), plan.seed)
    columns = totals.sums.columns()

    def by_label(place: int) -> Curves:
        found = kept_by_label(ledger, row.id, index, labels, place)
        return {label: values.tolist() for label, values in found.items() if label}

    return _Scored(
        {
            **summary_of(scored, plan.grid.configs, plan.seed, baselines),
            "ground": (ledger.summary(row.id, index) or {}).get("ground", {}),  # of the whole run,
        },
        columns["mean_iou"],
        lambda place: {name: values[place].tolist() for name, values in columns.items()},
        by_label,
    )


def _set_findings(row: RunRow, plan: Plan, index: int, scored: _Scored) -> SetFindings:
    name, configs, scores = plan.sets[index], plan.grid.configs, scored.mean_iou

    def best_of(chosen: npt.NDArray[np.bool_]) -> TunedConfig | None:
        if not chosen.any():
            return None
        place, threshold = divmod(int(np.where(chosen[:, None], scores, -1).argmax()), len(THRESHOLDS))
        config = configs[place].with_(threshold=THRESHOLDS[threshold])
        return TunedConfig(config, float(scores[place, threshold]), scored.curves(place))

    best = best_of(np.ones(len(configs), bool))
    assert best is not None  # a grid is never empty
    place = configs.index(best.config.with_(threshold=configs[0].threshold))
    labels = scored.labels(place)
    return SetFindings(
        run=row.id,
        key=name["key"],
        name=name["name"],
        identity=Identity.from_dict(name["identity"]) if "identity" in name else None,
        summary=scored.summary,
        best=best,
        raw=best_of(np.array([not config.steps() for config in configs])),
        poster_kernels=best_of(np.array([_has_poster_kernels(config) for config in configs])),
        surface=_surface(plan.grid, scores, best_of(np.array(["-" in config.order for config in configs]))),
        labels={label: values[best.config.threshold_index] for label, values in labels.items()},
    )


def _has_poster_kernels(config: PostProcess) -> bool:
    low, high = quoted.KERNELS
    return config.order == "dilate-erode" and low <= config.dilate <= high and low <= config.erode <= high


def _surface(grid: Grid, scores: npt.NDArray[np.float64], paired: TunedConfig | None) -> Surface | None:
    """Over both kernels, at the interpolation, order and kernel shape of the best cell of an order with both.

    None without such an order, or where an axis is short.
    """
    if min(len(grid.dilates), len(grid.erodes)) < 2 or paired is None:
        return None
    best = paired.config
    places = {computation_of(config): place for place, config in enumerate(grid.configs)}
    values = np.full((len(grid.erodes), len(grid.dilates)), np.nan)
    for row, erode in enumerate(grid.erodes):
        for column, dilate in enumerate(grid.dilates):
            place = places.get(computation_of(best.with_(dilate=dilate, erode=erode)))
            if place is not None:
                values[row, column] = scores[place].max()
    return Surface(best.interpolation, best.order, grid.dilates, grid.erodes, values)
