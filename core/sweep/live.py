"""Scores of a whole dataset while somebody turns the knobs.

Samples are counted in a random order, so that the first of them already say what the
mean will be (`cliploc.core.sweep.estimate`). The planes of codes that led to the last
configs are kept for as many samples as fit, so that one more kernel step costs one
small morphology and one histogram per image, and a threshold costs nothing: counts
hold all of them.
"""

from __future__ import annotations

import itertools
import os
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass

import numpy as np

from cliploc.core.codes import Codes, codes_of, map_of
from cliploc.core.datasets import Sample
from cliploc.core.metrics import Counts, Floats, counts_from, histogram_of
from cliploc.core.postprocess import THRESHOLDS, PostProcess
from cliploc.core.stretch import AnyHeatmap
from cliploc.core.sweep.engine import Kernels
from cliploc.core.sweep.estimate import Places, order_of
from cliploc.core.sweep.grid import Computation, Step, computation_of
from cliploc.core.sweep.truths import Truths

Planes = dict[int, Codes]
# Histograms (n, 256) of samples under a config, from a device that is faster: None instead of them where it
# could not, cancelled where it went; no future where there is none at the moment.
Elsewhere = Callable[[Sequence[str], PostProcess], "Future[Floats | None] | None"]
# Seconds of work between two looks whether somebody wants something else.
SLICE = 0.02
# Seconds of work here until others are asked, and that must be left for it.
ALONE, WORTH = 0.25, 0.2
# Seconds of their work that are asked for at once.
BLOCK = 0.1
# Seconds until they are waited for no more, where nothing else is left to do.
PATIENCE = 1.0
FIRST_BLOCK = 64  # samples, while it is not known how fast they are


class LiveScores:
    """Counts of every sample that has a heatmap, under one config at a time.

    heatmaps: id -> (h, w) float32 in [0, 1]; samples without one are left out,
    `ids` says which are in. sources: of each sample's id, the image that it was made from; each its own
    where that is not given. truths: where true masks are kept. cache_bytes: the memory for kept planes;
    samples whose planes do not fit are computed from their heatmaps each time. counts_bytes: the
    memory for counts of configs before. elsewhere: who counts some of what takes long.
    Call from one thread; the work runs in `threads` threads without the GIL.
    """

    def __init__(
        self,
        heatmaps: Mapping[str, AnyHeatmap],
        samples: Sequence[Sample],
        *,
        sources: Mapping[str, str] | None = None,
        truths: Truths | None = None,
        threads: int | None = None,
        cache_bytes: int = 1 << 29,
        counts_bytes: int = 1 << 28,
        elsewhere: Elsewhere | None = None,
    ) -> None:
        self._samples = [sample for sample in samples if sample.id in heatmaps]
        self._heatmaps = [heatmaps[sample.id] for sample in self._samples]
        self.ids = tuple(sample.id for sample in self._samples)
        self.order = order_of([(sources or {}).get(id_, id_) for id_ in self.ids])
        self._truths = truths or Truths()
        self._threads = threads or min(os.cpu_count() or 1, 8)
        self._pool = ThreadPoolExecutor(self._threads, "live-scores")
        self._cache_bytes, self._counts_bytes = cache_bytes, counts_bytes
        self._kernels = Kernels()
        self._planes: OrderedDict[Computation, Planes] = OrderedDict()
        # The samples whose planes are kept, and the size of one plane of all of these.
        self._roomy: dict[int, bool] = {}
        self._size = 0
        self._lock = threading.Lock()
        self._elsewhere = elsewhere
        # For whom others were asked last, one thing at a time, and when they answered.
        self._asker: _Growing | None = None
        self._asked: Future[Floats | None] | None = None
        self._answered = 0.0
        # How many samples others are asked for at once.
        self._block = FIRST_BLOCK
        self._counts: OrderedDict[Computation, _Growing] = OrderedDict()

    def counts(self, config: PostProcess, cancelled: Callable[[], bool] = lambda: False) -> Counts | None:
        """Counts (n, T) of all samples under `config`, in the order of `ids`; None when cancelled.

        `cancelled` is asked between slices of the work. DatasetError when a true mask cannot be read.
        """
        growing = self.growing(config)
        while not cancelled():
            found = next(growing, None)
            if found is None:
                return self._counts[computation_of(config)].counts
        return None

    def growing(self, config: PostProcess) -> Iterator[tuple[Places, Counts]]:
        """The samples that are counted so far and their counts, again and again until it is all of them.

        Yields places in `ids` (m,), the first of `order`, ending with a whole source, and counts
        (n, T) whose other rows mean nothing yet. Whoever stops asking finds what was done when asking again.
        """
        key = computation_of(config)
        growing = self._counted(key)
        yield self.order.places[: growing.done], growing.counts
        number, begun, here = self._threads, time.monotonic(), 0
        while growing.done < len(self.ids):
            started = time.monotonic()
            if started - begun > ALONE:
                self._ask(config, growing, here / (started - begun))
            here += self._grow(key, growing, number)
            self._hear(growing)
            yield self.order.places[: growing.done], growing.counts
            number = max(number // 2, 1) if time.monotonic() - started > SLICE else 2 * number

    def renew(self, heatmaps: Mapping[str, AnyHeatmap]) -> None:
        """Other heatmaps of the same samples: what was read of their true masks stays."""
        self._heatmaps = [heatmaps[sample.id] for sample in self._samples]
        self._planes.clear()
        self._counts.clear()

    def close(self) -> None:
        """Stop the threads and drop the planes."""
        self._pool.shutdown(wait=True, cancel_futures=True)
        self._planes.clear()

    def _counted(self, key: Computation) -> _Growing:
        """What is counted of a config; the oldest of others gives way."""
        found = self._counts.pop(key, None) or _Growing(len(self.ids))
        self._counts[key] = found
        room = max(self._counts_bytes // max(found.bytes, 1), 1)
        while len(self._counts) > room:
            self._counts.popitem(last=False)
        self._make_room(key)
        return found

    def _grow(self, key: Computation, growing: _Growing, number: int) -> int:
        """Count some more samples, to the end of a source; how many. Where none is left, wait for others."""
        places = self._next(growing, number)
        if len(places):
            growing.take(places, self._histograms(places, key))
            growing.front += len(places)
        elif growing.block is not None:
            came, _ = wait([growing.block.histograms], SLICE)
            if not came and time.monotonic() - growing.block.asked > PATIENCE:
                growing.block = None
        return len(places)

    def _next(self, growing: _Growing, number: int) -> Places:
        """The places of some samples that nobody counts yet, to the end of a source."""
        source = self.order.until(growing.front + number)
        end = int(self.order.ends[min(source, len(self.order.ends) - 1)])
        return self.order.places[growing.front : min(end, growing.limit)]

    def _ask(self, config: PostProcess, growing: _Growing, pace: float) -> None:
        """Ask others for a block, where what is left is long enough. pace: samples a second here.

        Theirs are the last of the order, those of the config before again: they keep their planes as well.
        """
        if self._asker is not None:
            self._hear(self._asker)  # of the config before: its answer must not lie about
        left = growing.limit - growing.front
        busy = self._asked is not None and not self._asked.done()
        if self._elsewhere is None or busy or growing.block is not None or left < WORTH * pace:
            return
        whole = self.order.until(growing.limit - min(self._block, left // 2))
        first = int(self.order.ends[whole - 1]) if whole else 0
        if first <= growing.front or first == growing.limit:
            return  # something is always left for here
        places = self.order.places[first : growing.limit]
        self._asked = self._elsewhere([self.ids[place] for place in places], config)
        if self._asked is not None:
            growing.block = _Block(first, places, self._asked, time.monotonic())
            self._asker = growing
            self._asked.add_done_callback(self._stamp)

    def _hear(self, growing: _Growing) -> None:
        """Take over a block that has come; who could not count it is asked for no more."""
        block = growing.block
        if block is None or not block.histograms.done():
            return
        growing.block = None
        if block.histograms.cancelled():
            return
        found = block.histograms.result()
        if found is None:
            self._elsewhere = None
            return
        growing.take(block.places, found)
        growing.back = block.first
        seconds = max(self._answered - block.asked, 1e-3)
        self._block = max(int(len(block.places) * min(BLOCK / seconds, 2)), FIRST_BLOCK)

    def _stamp(self, _: object) -> None:
        self._answered = time.monotonic()

    def _histograms(self, places: Places, key: Computation) -> Floats:
        def run(part: Sequence[int]) -> list[Floats]:
            return [self._histogram(place, key) for place in part]

        bounds = np.linspace(0, len(places), self._threads + 1).astype(int)
        parts = [places[first:last].tolist() for first, last in itertools.pairwise(bounds)]
        return np.array([each for part in self._pool.map(run, parts) for each in part])

    def _histogram(self, place: int, key: Computation) -> Floats:
        truth = self._truths.of(self._samples[place])
        return histogram_of(self._plane(place, key, truth.shape), truth)

    def _plane(self, place: int, key: Computation, shape: tuple[int, int]) -> Codes:
        """A sample's plane after these steps: the kept one, or grown from the nearest kept one."""
        kept = self._planes.get(key, {})
        if (found := kept.get(place)) is not None:
            return found
        if key.steps:
            step = key.steps[-1]
            before, side = self._nearest(place, key)
            plane = self._morphed(self._plane(place, before, shape), step, side)
        else:
            plane = codes_of(map_of(self._heatmaps[place], shape, key.on_map))
        if key in self._planes and self._has_room(place, plane.nbytes):
            kept[place] = plane
        return plane

    def _morphed(self, codes: Codes, step: Step, side: int) -> Codes:
        out = np.empty_like(codes)
        self._kernels.morph(codes, step, side, out)
        return out

    def _nearest(self, place: int, key: Computation) -> tuple[Computation, int]:
        """The planes to start the last step from, and the side that is left to go."""
        step = key.steps[-1]
        best = (_before(key), step.side)
        for other, planes in self._planes.items():
            if other.on_map != key.on_map or other.steps[:-1] != key.steps[:-1] or not other.steps:
                continue
            side = step.remaining(other.steps[-1])
            if side is not None and side < best[1] and place in planes:
                best = (other, side)
        return best

    def _has_room(self, place: int, size: int) -> bool:
        """Whether a sample's planes are kept; decided once, when its first one is there."""
        with self._lock:
            if place not in self._roomy:
                self._roomy[place] = (self._size + size) * _PLANES_AT_ONCE <= self._cache_bytes
                self._size += size * self._roomy[place]
            return self._roomy[place]

    def _make_room(self, key: Computation) -> None:
        """Keep planes of these steps and of those before them; the oldest of others give way."""
        way = [key]
        while way[-1].steps:
            way.append(_before(way[-1]))
        for each in reversed(way):
            self._planes[each] = self._planes.pop(each, {})
        while len(self._planes) > max(self._cache_bytes // max(self._size, 1), len(way)):
            self._planes.popitem(last=False)


@dataclass(frozen=True)
class _Block:
    """What others were asked for: the samples at these places, the first of them at `first` of the order."""

    first: int
    places: Places
    histograms: Future[Floats | None]
    asked: float


class _Growing:
    """The counts of n samples under one config, as far as they are known.

    front: so many, the first of the order, are counted here. back: those from there on are counted as well,
    by others, who count the block before it now.

    An image has fewer than 2^30 pixels (OpenCV decodes no larger one), so that half the memory will do.
    """

    def __init__(self, samples: int) -> None:
        tp, predicted = np.zeros((2, samples, len(THRESHOLDS)), np.int32)
        area, pixels = np.zeros((2, samples, 1), np.int32)
        self.counts = Counts(tp, predicted, area, pixels)
        self.bytes = 2 * (tp.nbytes + area.nbytes)
        self.front, self.back = 0, samples
        self.block: _Block | None = None

    @property
    def done(self) -> int:
        """So many, the first of the order, are counted."""
        return self.front if self.front < self.back else len(self.counts.pixels)

    @property
    def limit(self) -> int:
        """Where that begins in the order which others have counted, or count now."""
        return self.back if self.block is None else self.block.first

    def take(self, places: Places, histograms: Floats) -> None:
        """The histograms of the samples at these places."""
        found = counts_from(histograms)
        for name in Counts.__dataclass_fields__:
            getattr(self.counts, name)[places] = getattr(found, name)


def _before(key: Computation) -> Computation:
    """The same without its last step."""
    return Computation(key.on_map, key.steps[:-1])


_PLANES_AT_ONCE = 4  # codes, and the results of two steps, with one to spare
