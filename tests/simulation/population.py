"""A large population of synthetic images whose every score is known, to draw data sets from.

Ellipses on 64 x 64 pixels with 8 x 8 heatmaps that have holes, noise and a stray
blob, scored by the sweep's own engine. A data set is drawn with replacement, so the
truth about a cell is its mean over the population.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from cliploc.core.metrics import iou, truth_of
from cliploc.core.sweep.engine import Engine
from cliploc.core.sweep.grid import Grid
from cliploc.core.sweep.statistics import UNIT, IouTable

SIDE, CELLS, IMAGES = 64, 8, 6000
EVERY = 4  # of the 100 thresholds
GRID = Grid(("bilinear", "bicubic"), dilates=(1, 5, 9, 13), erodes=(1, 5, 9))
_T = 100 // EVERY

Values = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Population:
    """values: (images, cells) IoU. raw: (cells,) whether a cell has no morphology."""

    values: Values
    raw: npt.NDArray[np.bool_]

    @property
    def truth(self) -> npt.NDArray[np.float64]:
        """The mean IoU of every cell, (cells,)."""
        return self.values.mean(axis=0, dtype=np.float64)

    def drawn(self, random: np.random.Generator, images: int) -> IouTable:
        """A data set of some images."""
        rows = self.values[random.integers(0, len(self.values), images)]
        return IouTable(np.rint(rows * UNIT).astype(np.uint16), np.ones(images, np.int64))


@cache
def natural(seed: int, grid: Grid = GRID, images: int = IMAGES, every: int = EVERY) -> Population:
    """The population as it comes: closing adds about 0.04. Two seeds are two methods on the same images."""
    scenes, random = np.random.default_rng(1234), np.random.default_rng(seed)
    engine = Engine(grid.configs)
    values = np.empty((images, len(grid.configs) * len(range(0, 100, every))), np.float32)
    for row in values:
        mask = _ellipse(scenes)
        row[:] = iou(engine.counts(_heatmap(mask, random), truth_of(mask)))[:, ::every].ravel()
    raw = np.repeat([not config.steps() for config in grid.configs], len(range(0, 100, every)))
    return Population(values, raw)


def scaled(population: Population, effect: float, thresholds: int = _T) -> Population:
    """The same, with what morphology adds to each cell on average times `effect`; images differ as before.

    At 0 no config is better or worse than none, in truth, and every data set finds some that are.
    """
    values = population.values.reshape(len(population.values), -1, thresholds).astype(np.float64)
    raw = population.raw.reshape(-1, thresholds)[:, 0]
    each = len(raw) // int(raw.sum())  # configs of an interpolation, the raw one first
    for config in np.flatnonzero(~raw):
        base = values[:, config // each * each]
        added = (values[:, config] - base).mean(axis=0)
        values[:, config] -= (1 - effect) * added
    return Population(_within(values.reshape(len(values), -1)), population.raw)


def level(first: Population, second: Population) -> tuple[Population, Population]:
    """Two scaled populations, moved until their best cells are equally good in truth."""
    apart = first.truth.max() - second.truth.max()
    return first, Population((second.values + apart).astype(np.float32), second.raw)


def _within(values: npt.NDArray[np.floating]) -> Values:
    """Into a range that tables can hold, without touching a difference."""
    return (0.25 + 0.6 * values).astype(np.float32)


def _ellipse(random: np.random.Generator) -> npt.NDArray[np.bool_]:
    y, x = np.mgrid[0:SIDE, 0:SIDE] / SIDE
    (cx, cy), turn = random.uniform(0.25, 0.75, 2), random.uniform(0, np.pi)
    a, b = np.exp(random.uniform(np.log(0.08), np.log(0.45), 2))
    u = (x - cx) * np.cos(turn) + (y - cy) * np.sin(turn)
    v = (y - cy) * np.cos(turn) - (x - cx) * np.sin(turn)
    inside: npt.NDArray[np.bool_] = (u / a) ** 2 + (v / b) ** 2 < 1
    return inside


def _heatmap(mask: npt.NDArray[np.bool_], random: np.random.Generator) -> Values:
    block = SIDE // CELLS
    pooled = mask.reshape(CELLS, block, CELLS, block).mean(axis=(1, 3))
    hardness = random.beta(2, 2)
    kept = random.random(pooled.shape) < 1 - 0.4 * hardness
    heatmap = pooled * kept + 1.2 * hardness * random.random(pooled.shape) ** 2
    (y, x), (by, bx) = np.mgrid[0:CELLS, 0:CELLS] / (CELLS - 1), random.random(2)
    heatmap += 0.5 * random.random() * np.exp(-((y - by) ** 2 + (x - bx) ** 2) / 0.05)
    heatmap -= heatmap.min()
    return (heatmap / heatmap.max()).astype(np.float32)
