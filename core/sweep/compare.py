"""Heatmap sets compared on the images they share, each tuned inside the same folds."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from cliploc.core.errors import ParameterError, clean
from cliploc.core.metrics import Integers
from cliploc.core.sweep.baselines import parted
from cliploc.core.sweep.choosing import Paired, Selection, Worth, best_of, chosen, folds_of, paired, worth
from cliploc.core.sweep.ledger import Ledger
from cliploc.core.sweep.shard_files import kept_table
from cliploc.core.sweep.statistics import IouTable, holm

SEED = 0  # of the folds; sets of several runs need the same

Ids = frozenset[str]


@dataclass(frozen=True)
class ScoredSet:
    """One heatmap set of one run. ids: its samples; sources: their source images by id."""

    name: str
    run: str
    set_index: int
    ids: Ids
    sources: Mapping[str, str]


@dataclass(frozen=True)
class Comparison:
    """Two heatmap sets on the images they share. p_holm: corrected for the number of pairs compared."""

    first: str
    second: str
    result: Paired
    p_holm: float | None


@dataclass(frozen=True)
class SetComparison:
    """Heatmap sets against each other.

    standings: what each is worth, over the images that all have, or over its own where
    no image is common to all; images: how many those are. best: what choosing the
    set, too, inside the folds is worth; None without common images. ways, sizes:
    how each chooses on the common images, by source; empty without any.
    """

    standings: dict[str, Worth]
    images: dict[str, int]
    best: Worth | None
    pairs: tuple[Comparison, ...]
    ways: Mapping[str, Selection]
    sizes: Integers

    def lead(self, some: Sequence[str], others: Sequence[str]) -> Paired:
        """What choosing among some sets is worth more than among others, on the common images."""
        folds = folds_of(len(self.sizes), SEED)
        first, second = (best_of([self.ways[name] for name in names], folds) for names in (some, others))
        return paired(first, second, self.sizes)

    def plain(self, baselines: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """As plain values. baselines: of `baselines_of`."""
        return {
            "cross_validated": {name: standing["mean"] for name, standing in self.standings.items()},
            "images": self.images,
            "baselines": list(baselines),
            "pairs": [
                {"first": c.first, "second": c.second, **c.result, "p_holm": c.p_holm} for c in self.pairs
            ],
        }


def scored_sets(ledger: Ledger, run: str) -> list[ScoredSet]:
    """Every finished heatmap set of a run. ParameterError when the run cannot be compared."""
    plan = ledger.plan(run)
    if not plan.keep:
        raise ParameterError(
            f"run {run} kept only sums; comparing needs every image: sweep with --keep counts"
        )
    finished = ledger.finished_sets(run)
    if not finished:
        raise ParameterError(f"run {run} has no finished heatmap set; `cliploc runs resume {run}` first")
    ids = frozenset(id_ for group in plan.groups for id_ in group)
    return [
        ScoredSet(f"{run}:{plan.sets[index]['name']}", run, index, ids, plan.sources) for index in finished
    ]


def rivals(ledger: Ledger, runs: Sequence[str]) -> list[ScoredSet]:
    """The heatmap sets of all these runs. ParameterError when they are fewer than two."""
    everyone = [one for run in runs for one in scored_sets(ledger, run)]
    if len(everyone) < 2:
        raise ParameterError("one heatmap set has nothing to be compared with; give a second run")
    return everyone


def _check_truths(ledger: Ledger, everyone: list[ScoredSet]) -> None:
    """ParameterError where two runs scored other true masks, or read them otherwise."""
    plans = {one.run: ledger.plan(one.run) for one in everyone}
    (first, plan), *others = plans.items()
    for run, other in others:
        if (other.truth, other.reading) != (plan.truth, plan.reading):
            raise ParameterError(
                f"run {run} scored {clean(other.dataset)}, run {first} {clean(plan.dataset)}: the true "
                "masks, or how they were read, are not the same, so the scores cannot be compared"
            )


def compared(ledger: Ledger, everyone: list[ScoredSet]) -> SetComparison:
    """Every set, and every pair on its shared images. ParameterError when a pair shares none."""
    _check_truths(ledger, everyone)
    everywhere = frozenset.intersection(*(one.ids for one in everyone))
    own = [everywhere or one.ids for one in everyone]
    pairs = list(itertools.combinations(range(len(everyone)), 2))
    shared = {pair: everyone[pair[0]].ids & everyone[pair[1]].ids for pair in pairs}
    for (first, second), ids in shared.items():
        if not ids:
            raise ParameterError(
                f"{everyone[first].name} and {everyone[second].name} have no image in common"
            )
    # One source for every sample, whichever run names it: the first set's where they differ.
    sources = {id_: source for one in reversed(everyone) for id_, source in one.sources.items()}
    ways: dict[tuple[int, Ids], tuple[Selection, Integers]] = {}
    for index, one in enumerate(everyone):
        needed = {own[index], *(ids for pair, ids in shared.items() if index in pair)}
        ways |= {(index, ids): way for ids, way in _ways(ledger, one, needed, sources).items()}
    results = [
        paired(ways[first, ids][0], ways[second, ids][0], ways[first, ids][1])
        for (first, second), ids in shared.items()
    ]
    mine = [ways[index, ids] for index, ids in enumerate(own)]
    names = [one.name for one in everyone]
    return SetComparison(
        standings={name: worth(way, sizes) for name, (way, sizes) in zip(names, mine, strict=True)},
        images={name: int(sizes.sum()) for name, (_, sizes) in zip(names, mine, strict=True)},
        best=worth(best_of([way for way, _ in mine], folds_of(len(mine[0][1]), SEED)), mine[0][1])
        if everywhere
        else None,
        pairs=tuple(
            Comparison(names[first], names[second], result, p)
            for (first, second), result, p in zip(
                pairs, results, holm([r["p"] for r in results]), strict=True
            )
        ),
        ways=dict(zip(names, [way for way, _ in mine], strict=True)) if everywhere else {},
        sizes=mine[0][1] if everywhere else np.zeros(0, np.int64),
    )


def baselines_of(ledger: Ledger, everyone: Sequence[ScoredSet]) -> list[dict[str, Any]]:
    """What needs no network, where a run has scored it over just the images that all have."""
    everywhere = frozenset.intersection(*(one.ids for one in everyone))
    one = next((one for one in everyone if one.ids == everywhere), None)
    found = None if one is None else ledger.summary(one.run, one.set_index)
    return [
        {"heatmaps": each["name"], "images": len(everywhere), "cross_validated": each["cross_validated"]}
        for each in (found or {}).get("baselines", ())
    ]


def against_baselines(comparison: SetComparison, table: IouTable) -> tuple[Comparison, ...]:
    """Every set against every mask that needs no network, each tuned inside the same folds.

    table: of `baselines.baseline_table`, by source, over the common images.
    """
    folds = folds_of(len(comparison.sizes), SEED)
    pairs = [
        (name, baseline, paired(way, chosen(only, folds), comparison.sizes))
        for baseline, only in parted(table).items()
        for name, way in comparison.ways.items()
    ]
    corrected = holm([result["p"] for _, _, result in pairs])
    return tuple(Comparison(*pair, p) for pair, p in zip(pairs, corrected, strict=True))


def _ways(
    ledger: Ledger, one: ScoredSet, needed: set[Ids], sources: Mapping[str, str]
) -> dict[Ids, tuple[Selection, Integers]]:
    """How a set chooses on each of some selections of its images."""
    shards = [shard for shard in ledger.plan(one.run).shards() if shard.set_index == one.set_index]
    table = kept_table(ledger, one.run, shards)
    ids = [id_ for shard in shards for id_ in shard.ids]
    found = {}
    for wanted in needed:
        places = np.array([place for place, id_ in enumerate(ids) if id_ in wanted])
        some = IouTable(table.totals[places], table.sizes[places]).by([sources[ids[p]] for p in places])
        if len(some.sizes) < 2:
            raise ParameterError(
                f"{one.name} cannot be compared on {len(places)} samples of one source image; "
                "cross-validation needs at least two"
            )
        found[wanted] = (chosen(some, folds_of(len(some.sizes), SEED)), some.sizes)
    return found
