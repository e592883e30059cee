"""Heatmap sets of other machines taken into the store: what several computed becomes one set."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from cliploc.core.errors import DatasetError, StoreError, clean
from cliploc.core.heatmaps.manifest import MANIFEST, identities
from cliploc.core.heatmaps.store import HeatmapSet, HeatmapStore


@dataclass(frozen=True)
class Merged:
    """What came of one set: `new` samples that were not there, `other` that were there with other values."""

    heatmap_set: HeatmapSet
    new: int
    other: int


def merge(store: HeatmapStore, folder: Path) -> list[Merged]:
    """Take in every set under a folder: a store, a set of one, or what CLIPLOC_HOME named elsewhere.

    Batches keep their files and bytes; what is here already stays. A set whose dataset is at hand, and
    that is whole now, becomes one file, the one that a single machine would have written.
    StoreError where there is no set, or a file of one is damaged.
    """
    found = list(_sets(folder))
    if not found:
        raise StoreError(
            f"no heatmap set in {clean(folder)}; expected a store (the folder `heatmaps` in cliploc's cache) "
            "or the folder of a set"
        )
    return [_taken(store.open(theirs.identity), theirs) for theirs in found]


def _sets(folder: Path) -> Iterator[HeatmapSet]:
    if (folder / MANIFEST).exists():  # a set's own folder
        yield from (each for each in HeatmapStore(folder.parent).sets() if each.key == folder.name)
        return
    for root in (folder, folder / "heatmaps", folder / "cache" / "heatmaps"):
        yield from map(HeatmapStore(root).open, identities(root))


def _taken(ours: HeatmapSet, theirs: HeatmapSet) -> Merged:
    before = ours.values()
    new, other = set[str](), set[str]()
    for batch in theirs.batches():
        new |= batch.keys() - before.keys()
        known = batch.keys() & before.keys()
        differing = {id_ for id_ in known if (batch[id_] != before[id_]).any()}
        other |= differing
        if not differing and not batch.keys() <= before.keys():
            ours.write(batch)
        elif lacking := {id_: batch[id_] for id_ in batch if id_ not in before}:
            ours.write(lacking)
    with suppress(DatasetError, StoreError):  # its dataset is elsewhere: parts are read as well
        ours.consolidate([sample.id for sample in ours.dataset().samples])
    for place in theirs.places:
        ours.remember_place(place)
    return Merged(ours, len(new), len(other))
