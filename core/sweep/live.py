"""Scores of a whole dataset while somebody turns the knobs.

The planes of codes that led to the last configs are kept, so that one more
kernel step costs one small morphology and one histogram per image, and a
threshold costs nothing: counts hold all of them.
"""

from __future__ import annotations

import itertools
import os
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import numpy as np

from cliploc.core.codes import Codes, codes_of, map_of
from cliploc.core.datasets import Sample
from cliploc.core.metrics import Counts, Floats, counts_from, histogram_of, truth_of
from cliploc.core.postprocess import PostProcess
from cliploc.core.stretch import AnyHeatmap
from cliploc.core.sweep.engine import Kernels
from cliploc.core.sweep.grid import Computation, Step, computation_of

Planes = list[Codes]
T = TypeVar("T")


class _Cancelled(Exception):  # noqa: N818 - it is not an error, and nobody outside meets it
    pass


class LiveScores:
    """Counts of every sample that has a heatmap, under one config at a time.

    heatmaps: id -> (h, w) float32 in [0, 1]; samples without one are left out,
    `ids` says which are in. cache_bytes: the memory for kept planes; a dataset
    whose planes do not fit is computed from its heatmaps each time.
    Call from one thread; the work runs in `threads` threads without the GIL.
    """

    def __init__(
        self,
        heatmaps: Mapping[str, AnyHeatmap],
        samples: Sequence[Sample],
        *,
        threads: int | None = None,
        cache_bytes: int = 1 << 29,
    ) -> None:
        self._samples = [sample for sample in samples if sample.id in heatmaps]
        self._heatmaps = [heatmaps[sample.id] for sample in self._samples]
        self.ids = tuple(sample.id for sample in self._samples)
        self._threads = threads or min(os.cpu_count() or 1, 8)
        self._pool = ThreadPoolExecutor(self._threads, "live-scores")
        self._cache_bytes = cache_bytes
        self._kernels = Kernels()
        self._truths: Planes = []
        self._fits = True
        self._planes: OrderedDict[Computation, Planes] = OrderedDict()
        self._counts: OrderedDict[Computation, Counts] = OrderedDict()

    def counts(self, config: PostProcess, cancelled: Callable[[], bool] = lambda: False) -> Counts | None:
        """Counts (n, T) of all samples under `config`, in the order of `ids`; None when cancelled.

        `cancelled` is asked before every image. DatasetError when a true mask cannot be read.
        """
        key = computation_of(config)
        known = self._counts.get(key)
        if known is not None:
            self._counts.move_to_end(key)
            return known
        try:
            counts = counts_from(self._histograms(key, cancelled))
        except _Cancelled:
            return None
        self._counts[key] = counts
        if len(self._counts) > _KEPT_COUNTS:
            self._counts.popitem(last=False)
        return counts

    def passes(self, config: PostProcess) -> int:
        """How often `counts` would go through all samples now; 0 for what is known."""
        key = computation_of(config)
        if key in self._counts or not self._samples:
            return 0
        self._see_whether_fits()
        return (not self._truths) + self._passes_to(key) + 1 if self._fits else 1

    def renew(self, heatmaps: Mapping[str, AnyHeatmap]) -> None:
        """Other heatmaps of the same samples: what was read of their true masks stays."""
        self._heatmaps = [heatmaps[sample.id] for sample in self._samples]
        self._planes.clear()
        self._counts.clear()

    def close(self) -> None:
        """Stop the threads and drop the planes."""
        self._pool.shutdown(wait=True, cancel_futures=True)
        self._planes.clear()

    def _histograms(self, key: Computation, cancelled: Callable[[], bool]) -> Floats:
        if not self._samples:
            return np.zeros((0, 256), np.float32)
        self._load_truths(cancelled)
        if not self._fits:
            return np.array(self._each(lambda i: self._from_heatmap(i, key), cancelled))
        planes = self._planes_of(key, cancelled)
        return np.array(self._each(lambda i: histogram_of(planes[i], self._truths[i]), cancelled))

    def _load_truths(self, cancelled: Callable[[], bool]) -> None:
        self._see_whether_fits()
        if self._fits and not self._truths:
            self._truths = self._each(self._truth, cancelled)

    def _see_whether_fits(self) -> None:
        if self._fits and not self._truths:
            expected = self._truth(0).size * len(self._samples)
            self._fits = expected * _PLANES_AT_ONCE <= self._cache_bytes

    def _truth(self, index: int) -> Codes:
        sample = self._samples[index]
        return truth_of(sample.true_mask(), sample.ignored())

    def _codes(self, index: int, on_map: PostProcess, shape: tuple[int, int]) -> Codes:
        return codes_of(map_of(self._heatmaps[index], shape, on_map))

    def _from_heatmap(self, index: int, key: Computation) -> Floats:
        truth = self._truth(index)
        codes = self._codes(index, key.on_map, truth.shape)
        for step in key.steps:
            codes = self._morphed(codes, step, step.side)
        return histogram_of(codes, truth)

    def _morphed(self, codes: Codes, step: Step, side: int) -> Codes:
        out = np.empty_like(codes)
        self._kernels.morph(codes, step, side, out)
        return out

    def _planes_of(self, key: Computation, cancelled: Callable[[], bool]) -> Planes:
        """The planes after these steps: kept ones, or grown from the nearest kept ones."""
        if key in self._planes:
            self._planes.move_to_end(key)
            return self._planes[key]
        if not key.steps:
            planes = self._each(lambda i: self._codes(i, key.on_map, self._truths[i].shape), cancelled)
        else:
            step = key.steps[-1]
            source, side = self._nearest(key)
            base = self._planes_of(source, cancelled)
            planes = self._each(lambda i: self._morphed(base[i], step, side), cancelled)
        self._keep(key, planes)
        return planes

    def _passes_to(self, key: Computation) -> int:
        """How often all samples are gone through until their planes after these steps are there."""
        if key in self._planes:
            return 0
        return 1 + (self._passes_to(self._nearest(key)[0]) if key.steps else 0)

    def _nearest(self, key: Computation) -> tuple[Computation, int]:
        """The planes to start the last step from, and the side that is left to go."""
        *first, step = key.steps
        best = (Computation(key.on_map, tuple(first)), step.side)
        for other in self._planes:
            if other.on_map != key.on_map or other.steps[:-1] != tuple(first) or not other.steps:
                continue
            side = step.remaining(other.steps[-1])
            if side is not None and side < best[1]:
                best = (other, side)
        return best

    def _keep(self, key: Computation, planes: Planes) -> None:
        self._planes[key] = planes
        size = sum(plane.nbytes for plane in planes)
        while len(self._planes) > 1 and size * (len(self._planes) + 1) > self._cache_bytes:
            self._planes.popitem(last=False)

    def _each(self, work: Callable[[int], T], cancelled: Callable[[], bool]) -> list[T]:
        """work(i) for every sample, in slices over the threads."""

        def run(indices: range) -> list[T]:
            results = []
            for index in indices:
                if cancelled():
                    raise _Cancelled
                results.append(work(index))
            return results

        bounds = np.linspace(0, len(self._samples), self._threads + 1).astype(int)
        slices = [range(first, last) for first, last in itertools.pairwise(bounds)]
        return [result for part in self._pool.map(run, slices) for result in part]


_KEPT_COUNTS = 64
_PLANES_AT_ONCE = 5  # true masks, codes, and the results of two steps, with one to spare
