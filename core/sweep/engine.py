"""Counts of one image under a whole grid of configs, each morphology step taken once.

Two facts make it fast. Codes serve all thresholds at once (`cliploc.core.codes`). And
odd square kernels compose, k1 then k2 being k1 + k2 - 1, at borders too; so an
ascending list of sides is walked by the small differences, and configs that
begin alike share their beginning. numpy and OpenCV are all it needs;
`cliploc.core.sweep.accelerator` is the optional faster way to the same bits.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cliploc.core.codes import APPLY, Codes, codes_of, kernel_of, map_of
from cliploc.core.metrics import Counts, Floats, counts_from, histogram_of
from cliploc.core.postprocess import PostProcess
from cliploc.core.stretch import AnyHeatmap
from cliploc.core.sweep.grid import Step, steps_of


@dataclass(frozen=True)
class Branch:
    """Configs that share their first steps. end: the config that ends here, by its place in the list."""

    end: int | None
    children: tuple[tuple[Step, Branch], ...]

    @property
    def depth(self) -> int:
        """The longest chain of steps below."""
        return max((1 + branch.depth for _, branch in self.children), default=0)


def branch_of(configs: Iterable[tuple[int, tuple[Step, ...]]]) -> Branch:
    """The tree of (place, steps) pairs; equal steps must not occur twice."""
    end: int | None = None
    below: dict[Step, list[tuple[int, tuple[Step, ...]]]] = {}
    for place, steps in configs:
        if not steps:
            end = place
        else:
            below.setdefault(steps[0], []).append((place, steps[1:]))
    order = sorted(below, key=lambda step: (step.kernel, step.name, step.side))
    return Branch(end, tuple((step, branch_of(below[step])) for step in order))


class Kernels:
    """The three inner operations on (H, W) uint8 planes, by OpenCV. Buffers are given, never allocated."""

    def __init__(self) -> None:
        self._elements: dict[tuple[str, int], Codes] = {}

    def morph(self, plane: Codes, step: Step, side: int, out: Codes) -> None:
        """Write the dilation or erosion of `plane` by a kernel of this side into `out`."""
        kernel = self._elements.get((step.kernel, side))
        if kernel is None:
            kernel = self._elements[step.kernel, side] = kernel_of(step.kernel, side)
        APPLY[step.name](plane, kernel, dst=out)

    def histogram(self, codes: Codes, truth: Codes, joined: Codes) -> Floats:
        """(256,) pixels by code | truth."""
        return histogram_of(codes, truth, joined)


class Engine:
    """Counts images under a fixed list of configs; keeps its buffers from image to image.

    configs: no two may be the same computation (`cliploc.core.sweep.grid` sees to that).
    Not for several threads at once: one engine each.
    """

    def __init__(self, configs: Sequence[PostProcess], kernels: Kernels | None = None) -> None:
        self._size = len(configs)
        self._kernels = kernels or Kernels()
        by_map: dict[PostProcess, list[tuple[int, tuple[Step, ...]]]] = defaultdict(list)
        for place, config in enumerate(configs):
            by_map[config.on_map].append((place, steps_of(config)))
        self._trees = {on_map: branch_of(ways) for on_map, ways in by_map.items()}
        self._depth = max((tree.depth for tree in self._trees.values()), default=0)
        self._buffers: list[Codes] = []

    def counts(self, heatmap: AnyHeatmap, truth: Codes) -> Counts:
        """Counts of one image: (C, T), in the order of the configs.

        heatmap: (h, w) float32 in [0, 1]. truth: (H, W) uint8 from `metrics.truth_of`.
        """
        if not self._buffers or self._buffers[0].shape != truth.shape:
            self._buffers = [np.empty(truth.shape, np.uint8) for _ in range(1 + 2 * self._depth)]
        histograms = np.empty((self._size, 256), np.float64)
        for on_map, tree in self._trees.items():
            codes = codes_of(map_of(heatmap, truth.shape, on_map))
            self._walk(codes, tree, truth, 0, histograms)
        return counts_from(histograms)

    def _walk(
        self, codes: Codes, branch: Branch, truth: Codes, depth: int, out: npt.NDArray[np.float64]
    ) -> None:
        joined, pair = self._buffers[0], self._buffers[1 + 2 * depth : 3 + 2 * depth]
        if branch.end is not None:
            out[branch.end] = self._kernels.histogram(codes, truth, joined)
        before: Step | None = None
        for step, child in branch.children:
            side = step.remaining(before)
            source = codes if side is None else pair[0]
            self._kernels.morph(source, step, side or step.side, pair[1])
            pair.reverse()
            before = step
            self._walk(pair[0], child, truth, depth + 1, out)
