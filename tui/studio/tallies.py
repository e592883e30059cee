"""Counts of heatmap sets under configs, kept, so that a heatmap that has just arrived costs one image."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from cliploc.core.datasets import Dataset
from cliploc.core.heatmaps.store import HeatmapSet
from cliploc.core.metrics import Counts, Integers
from cliploc.core.postprocess import PostProcess
from cliploc.core.sweep.grid import Computation, computation_of
from cliploc.core.sweep.live import LiveScores
from cliploc.core.sweep.truths import Truths

# As many as one comparison has rows; one of 512 images takes less than a megabyte.
TALLIES_KEPT = 24


@dataclass(frozen=True)
class Tally:
    """Counts (n, T) of the samples `ids` of one set under one config."""

    ids: tuple[str, ...]
    counts: Counts

    def with_(self, other: Tally) -> Tally:
        """Both together."""
        parts = zip(_parts(self.counts), _parts(other.counts), strict=True)
        return Tally(self.ids + other.ids, Counts(*(np.concatenate(pair) for pair in parts)))


class Tallies:
    """Those of one dataset that were asked for last. Call from one thread."""

    def __init__(self, dataset: Dataset, truths: Truths) -> None:
        self._dataset = dataset
        self._truths = truths
        # How often true masks became others.
        self._drawn = 0
        self._kept: OrderedDict[tuple[str, Computation, int], Tally] = OrderedDict()

    def of(self, found: HeatmapSet, config: PostProcess, cancelled: Callable[[], bool]) -> Tally | None:
        """The counts of all heatmaps of a set; when cancelled, of those that are known, None for none."""
        key = (found.key, computation_of(config), self._drawn)
        tally = self._grown(self._kept.pop(key, None), found, config, cancelled)
        if tally is not None:
            self._kept[key] = tally
            while len(self._kept) > TALLIES_KEPT:
                self._kept.popitem(last=False)
        return tally

    def forget(self) -> None:
        """True masks are others now; what is being counted meanwhile is of the old ones."""
        self._drawn += 1

    def _grown(
        self, known: Tally | None, found: HeatmapSet, config: PostProcess, cancelled: Callable[[], bool]
    ) -> Tally | None:
        more = set(found.ids()) - set(known.ids) if known else set()
        if more and config.stretch == "none":
            known = None  # the set's range is another one now, for those that were counted, too
        if known is None:
            heatmaps = found.read_all()
        else:
            heatmaps = {id_: map_ for id_ in more if (map_ := found.read(id_)) is not None}
        # No planes are kept: each heatmap is scored once.
        live = LiveScores(heatmaps, self._dataset.scorable, truths=self._truths, cache_bytes=0)
        counts = live.counts(config, cancelled) if live.ids else None
        live.close()
        if counts is None:
            return known
        new = Tally(live.ids, counts)
        return new if known is None else known.with_(new)


def _parts(counts: Counts) -> tuple[Integers, ...]:
    return (counts.tp, counts.predicted, counts.area, counts.pixels)
