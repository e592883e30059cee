"""Heatmap sets compared on the same images, each tuned inside the folds."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from core.errors import ParameterError
from core.metrics import Scores
from core.sweep.keeping import kept_table
from core.sweep.ledger import Ledger
from core.sweep.statistics import Paired, cross_validated, holm, paired


@dataclass(frozen=True)
class Contender:
    """One heatmap set of one run: cross-validated mean IoU of every image, by sample id."""

    name: str
    cross_validated: float
    held_out: dict[str, float]


@dataclass(frozen=True)
class Comparison:
    """Two contenders on the images they share. p_holm: corrected for the number of pairs compared."""

    first: str
    second: str
    result: Paired
    p_holm: float


def contenders(ledger: Ledger, run: str) -> list[Contender]:
    """Every finished heatmap set of a run. ParameterError when the run cannot be compared."""
    plan = ledger.plan(run)
    if not plan.keep:
        raise ParameterError(
            f"run {run} kept only sums; comparing needs every image: sweep with --keep counts"
        )
    finished = ledger.finished_sets(run)
    if not finished:
        raise ParameterError(f"run {run} has no finished heatmap set; `cliploc runs resume {run}` first")
    found = []
    for set_index in finished:
        shards = [shard for shard in plan.shards() if shard.set_index == set_index]
        validated = cross_validated(kept_table(ledger, run, shards))
        if validated is None:
            raise ParameterError(f"run {run} has too few images to cross-validate")
        ids = [id_ for shard in shards for id_ in shard.ids]
        name = f"{run}:{plan.sets[set_index]['name']}"
        found.append(
            Contender(name, validated.mean, dict(zip(ids, validated.held_out.tolist(), strict=True)))
        )
    return found


def compared(everyone: list[Contender]) -> list[Comparison]:
    """Every pair on its shared images. ParameterError when a pair shares none."""
    results = []
    for first, second in itertools.combinations(everyone, 2):
        ids = sorted(first.held_out.keys() & second.held_out.keys())
        if not ids:
            raise ParameterError(f"{first.name} and {second.name} have no image in common")
        result = paired(_values(first, ids), _values(second, ids), np.ones(len(ids), np.int64))
        results.append((first.name, second.name, result))
    corrected = holm([result["p"] for _, _, result in results])
    return [Comparison(*entry, p) for entry, p in zip(results, corrected, strict=True)]


def _values(contender: Contender, ids: list[str]) -> Scores:
    return np.array([contender.held_out[id_] for id_ in ids])
