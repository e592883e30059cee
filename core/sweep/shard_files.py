"""What a run keeps on disk while it works: counts of every image, or only sums.

Counts of every image (`KeptCounts`) are one file per shard, acknowledged one by
one. When they would not fit, the sums are kept (`KeptSums`): one checkpoint
file now and then, and the shards in it are acknowledged together with it.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from cliploc.core.errors import StoreError
from cliploc.core.metrics import Integers, Scores, iou
from cliploc.core.sweep import arrays
from cliploc.core.sweep.inputs import Inputs
from cliploc.core.sweep.ledger import Ledger
from cliploc.core.sweep.plan import Plan, Shard
from cliploc.core.sweep.rows import Best
from cliploc.core.sweep.statistics import UNIT, IouTable
from cliploc.core.sweep.summary import Scored
from cliploc.core.sweep.sums import UNIT as EXACT
from cliploc.core.sweep.sums import Sums, in_units
from cliploc.core.sweep.totals import Totals
from cliploc.core.sweep.work import Result

CHECKPOINT_SECONDS = 30.0


class KeptCounts:
    """One file of counts per shard."""

    def __init__(self, ledger: Ledger, run: str, inputs: Inputs) -> None:
        self._ledger, self._run, self._inputs = ledger, run, inputs
        self._folder = ledger.folder(run) / "counts"
        self._known: dict[int, str] = {}

    def found(self, shards: Sequence[Shard]) -> dict[int, str]:
        """The shards whose files are really there and whole; leftovers of killed writers are removed."""
        known = self._ledger.shards(self._run)
        self._known = {
            place: checksum
            for place, checksum in known.items()
            if place < len(shards) and arrays.intact(self._path(place), checksum)
        }
        for leftover in self._folder.glob(".*"):
            leftover.unlink(missing_ok=True)
        return dict(self._known)

    def add_again(self, totals: Totals, shard: Shard) -> None:
        """Add a shard of an earlier driver to the totals."""
        counts = arrays.read_counts(self._path(shard.position), self._known[shard.position])
        totals.add(shard.group, Sums.of([counts[place] for place in range(len(shard.ids))]))

    def take(self, shard: Shard, result: Result, totals: Mapping[int, Totals], best: Best | None) -> str:
        """Write a shard, then acknowledge it. Returns its checksum."""
        assert result.counts is not None  # the plan asked for them
        checksum = arrays.write_counts(self._path(shard.position), result.counts)
        self._ledger.finish_shards(self._run, {shard.position: checksum}, best)
        self._known[shard.position] = checksum
        return checksum

    def save(self, totals: Mapping[int, Totals], best: Best | None) -> None:
        """Nothing is pending: shards are acknowledged as they come."""

    def table(self, shards: Sequence[Shard], totals: Totals) -> IouTable:
        """Every image's IoU, from the files."""
        return kept_table(self._ledger, self._run, shards)

    def _path(self, position: int) -> Path:
        return counts_file(self._ledger, self._run, position)


def counts_file(ledger: Ledger, run: str, position: int) -> Path:
    """Where the counts of a shard are."""
    return ledger.folder(run) / "counts" / f"{position:06d}.npz"


def kept_table(ledger: Ledger, run: str, shards: Sequence[Shard]) -> IouTable:
    """IoU of every image of some shards, in their order. StoreError when a file is gone or damaged."""
    checksums = ledger.shards(run)
    images, done = sum(len(shard.ids) for shard in shards), 0
    totals = np.empty((images, ledger.plan(run).grid.cells), np.uint16)
    for shard in shards:
        counts = arrays.read_counts(counts_file(ledger, run, shard.position), checksums[shard.position])
        rows = slice(done, done := done + len(shard.ids))
        totals[rows] = np.rint(iou(counts) * UNIT).reshape(len(shard.ids), -1)
    return IouTable(totals, np.ones(images, np.int64))


def units_of(plan: Plan, shards: Sequence[Shard]) -> list[str] | None:
    """The source of every image of some shards, in their order; None when only sums are kept."""
    return [plan.sources[id_] for shard in shards for id_ in shard.ids] if plan.keep else None


class KeptSums:
    """One checkpoint of all sums, replaced now and then; named after how many shards it holds.

    So what is left of a run is the same however often it was stopped.
    """

    def __init__(self, ledger: Ledger, run: str, inputs: Inputs) -> None:
        self._ledger, self._run = ledger, run
        self._folder = ledger.folder(run)
        self._pending: dict[int, str] = {}
        self._restored: dict[str, np.ndarray] = {}
        self._name, self._held = "", 0
        self._saved_at = time.monotonic()

    def found(self, shards: Sequence[Shard]) -> dict[int, str]:
        """The shards that the checkpoint (or a finished heatmap set) holds; none without an intact one."""
        known = self._ledger.shards(self._run)
        finished = set(self._ledger.finished_sets(self._run))
        name, _, checksum = self._ledger.checkpoint(self._run).partition(" ")
        for leftover in (*self._folder.glob(".sums-*"), *self._folder.glob("sums-*")):
            if leftover.name != name:
                leftover.unlink(missing_ok=True)
        try:
            self._restored = dict(arrays.read_arrays(self._folder / name, checksum)) if name else {}
            if name and not any(array.endswith(":everything") for array in self._restored):
                raise StoreError(f"{name} is of an earlier version, which counted less")
        except StoreError:
            self._restored = {}
            known = {p: c for p, c in known.items() if shards[p].set_index in finished}
        self._name, self._held = name, len(known)
        return known

    def add_again(self, totals: Totals, shard: Shard) -> None:
        """Restore the totals of the shard's heatmap set; the checkpoint holds all its shards at once."""
        prefix = f"{shard.set_index}:"
        if f"{prefix}groups" in self._restored:
            totals.restore(self._restored, prefix)
            self._restored = {n: a for n, a in self._restored.items() if not n.startswith(prefix)}

    def take(self, shard: Shard, result: Result, totals: Mapping[int, Totals], best: Best | None) -> str:
        """Remember that the sums hold the shard; acknowledged with the next checkpoint."""
        self._pending[shard.position] = "in sums"
        if time.monotonic() - self._saved_at > CHECKPOINT_SECONDS:
            self.save(totals, best)
        return "in sums"

    def save(self, totals: Mapping[int, Totals], best: Best | None) -> None:
        """Write the checkpoint, then acknowledge its shards, then remove the one before."""
        if not self._pending:
            return
        self._held += len(self._pending)
        before, name = self._name, f"sums-{self._held}.npz"
        named = {n: a for i, t in totals.items() for n, a in t.arrays(f"{i}:").items()}
        checksum = arrays.write_arrays(self._folder / name, named)
        self._ledger.finish_shards(self._run, self._pending, best, f"{name} {checksum}")
        if before not in ("", name):
            (self._folder / before).unlink(missing_ok=True)
        self._name = name
        self._pending.clear()
        self._saved_at = time.monotonic()

    def table(self, shards: Sequence[Shard], totals: Totals) -> IouTable:
        """Groups of images are the units of statistics."""
        return totals.table()


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
        totals.add(0, Sums.of([counts[place] for place in places]))
        rows.append(np.rint(iou(counts[np.array(places)]) * UNIT).astype(np.uint16).reshape(len(ids), -1))
        kept.append(Shard(shard.position, set_index, shard.group, ids))
    table = IouTable(np.concatenate(rows), np.ones(len(labels), np.int64))
    return totals, totals.scored(table, units_of(plan, kept))


def kept_by_label(
    ledger: Ledger, run: str, set_index: int, labels: Mapping[str, str], config: int
) -> dict[str, Scores]:
    """Mean IoU at each threshold (T,) under one config, by label. labels: of those images, by id.

    StoreError when a file of counts is gone or damaged.
    """
    plan, checksums = ledger.plan(run), ledger.shards(run)
    by_label: dict[str, list[Integers]] = {}
    for shard in _shards(plan, set_index, labels):
        counts = arrays.read_counts(counts_file(ledger, run, shard.position), checksums[shard.position])
        for place, id_ in enumerate(shard.ids):
            if id_ in labels:
                by_label.setdefault(labels[id_], []).append(in_units(iou(counts[place])[config]))
    return {label: np.sum(each, axis=0) / EXACT / len(each) for label, each in sorted(by_label.items())}


def _shards(plan: Plan, set_index: int, wanted: Mapping[str, str]) -> list[Shard]:
    return [
        shard
        for shard in plan.shards()
        if shard.set_index == set_index and any(id_ in wanted for id_ in shard.ids)
    ]
