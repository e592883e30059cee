"""The work of one shard, in whatever process or machine it lands.

A task carries all it needs by value and a result carries all it found: workers
need neither the dataset's files nor the ledger, and may do a shard twice.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from cliploc.core.codes import Codes, Mask
from cliploc.core.datasets import Sample
from cliploc.core.metrics import Counts, stacked, truth_of
from cliploc.core.stretch import AnyHeatmap
from cliploc.core.sweep.accelerator import kernels_named
from cliploc.core.sweep.engine import Engine
from cliploc.core.sweep.grid import Grid
from cliploc.core.sweep.sums import Sums, smallest


@dataclass(frozen=True)
class Truth:
    """A true mask and its ignored pixels, a bit per pixel."""

    shape: tuple[int, int]
    mask: npt.NDArray[np.uint8]
    ignored: npt.NDArray[np.uint8] | None

    @classmethod
    def packed(cls, mask: Mask, ignored: Mask | None) -> Truth:
        """Pack (H, W) bool planes."""
        height, width = mask.shape
        return cls((height, width), np.packbits(mask), None if ignored is None else np.packbits(ignored))

    def plane(self) -> Codes:
        """The plane that counting wants, see `metrics.truth_of`."""
        return truth_of(
            self._unpacked(self.mask), self.ignored if self.ignored is None else self._unpacked(self.ignored)
        )

    def _unpacked(self, bits: npt.NDArray[np.uint8]) -> Mask:
        height, width = self.shape
        return np.unpackbits(bits, count=height * width).view(np.bool_).reshape(self.shape)


@dataclass(frozen=True)
class Outlines:
    """A true mask and its ignored pixels as their dataset tells them, drawn where they are needed."""

    mask: Callable[[], Mask]
    ignored: Callable[[], Mask | None]

    def plane(self) -> Codes:
        """The plane that counting wants, see `metrics.truth_of`."""
        return truth_of(self.mask(), self.ignored())


def told(sample: Sample) -> Truth | Outlines:
    """A sample's truth as it travels: what draws it where that needs no file, else its pixels."""
    if sample.carried is None:
        return Truth.packed(sample.true_mask(), sample.ignored())
    return Outlines(*sample.carried())


@dataclass(frozen=True)
class Task:
    """Some samples to score under every config of the grid."""

    grid: Grid
    engine: str
    keep: bool
    heatmaps: tuple[AnyHeatmap, ...]
    truths: tuple[Truth | Outlines, ...]


@dataclass(frozen=True)
class Result:
    """The sums of a shard, or the counts (n, C, T) where they are asked for, in the smallest types.

    Not both: the sums are five megabytes at 768 configs, and soon added up again.
    """

    sums: Sums | None
    counts: Counts | None
    seconds: float

    def summed(self) -> Sums:
        """The sums, whatever was sent."""
        if self.counts is None:
            assert self.sums is not None  # one of both is there
            return self.sums
        return Sums.of([self.counts[place] for place in range(len(self.counts.tp))])


def work(task: Task) -> Result:
    """Score one shard. Takes the CPU time of one core."""
    cv2.setNumThreads(1)  # parallel over shards; more threads would only fight
    started = time.process_time()
    engine = Engine(task.grid.configs, kernels_named(task.engine))
    found = (
        engine.counts(*each) for each in zip(task.heatmaps, (t.plane() for t in task.truths), strict=True)
    )
    if task.keep:
        kept = stacked(map(_small, found))
        return Result(None, kept, time.process_time() - started)
    sums = Sums.zero(len(task.grid.configs))
    for counts in found:
        sums.add(counts)
    return Result(sums.small(), None, time.process_time() - started)


def _small(counts: Counts) -> Counts:
    return Counts(smallest(counts.tp), smallest(counts.predicted), counts.area, counts.pixels)
