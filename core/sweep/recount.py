"""One heatmap set of a run, scored again on some of its images, from the counts that were kept."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import numpy as np

from cliploc.core.metrics import iou
from cliploc.core.sweep import arrays
from cliploc.core.sweep.keeping import counts_file, units_of
from cliploc.core.sweep.ledger import Ledger
from cliploc.core.sweep.plan import Plan, Shard
from cliploc.core.sweep.statistics import UNIT, IouTable
from cliploc.core.sweep.summary import Scored
from cliploc.core.sweep.totals import Totals
from cliploc.core.sweep.work import Result, summed


def recounted(ledger: Ledger, run: str, set_index: int, labels: Mapping[str, str]) -> tuple[Totals, Scored]:
    """What the run would have found on some images alone. labels: of those images, by id.

    StoreError when a file of counts is gone or damaged.
    """
    plan, checksums = ledger.plan(run), ledger.shards(run)
    sizes = dict(sorted(Counter(labels.values()).items()))
    totals = Totals.zero(len(plan.grid.configs), sizes, (len(labels),))
    rows, kept = [], []
    for shard in _shards(plan, set_index, labels):
        counts = arrays.read_counts(counts_file(ledger, run, shard.position), checksums[shard.position])
        places = [place for place, id_ in enumerate(shard.ids) if id_ in labels]
        ids = tuple(shard.ids[place] for place in places)
        images = [counts[place] for place in places]
        sums, by_label = summed(images, tuple(labels[id_] for id_ in ids), len(plan.grid.configs))
        totals.add(0, Result(sums, by_label, None, 0.0))
        rows.append(np.rint(iou(counts[np.array(places)]) * UNIT).astype(np.uint16).reshape(len(ids), -1))
        kept.append(Shard(shard.position, set_index, shard.group, ids))
    table = IouTable(np.concatenate(rows), np.ones(len(labels), np.int64))
    return totals, totals.scored(table, units_of(plan, kept))


def _shards(plan: Plan, set_index: int, wanted: Mapping[str, str]) -> list[Shard]:
    return [
        shard
        for shard in plan.shards()
        if shard.set_index == set_index and any(id_ in wanted for id_ in shard.ids)
    ]
