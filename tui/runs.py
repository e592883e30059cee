"""Sweeps as the screen knows them: what to show of a run, and what a grid costs."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cliploc.core.postprocess import THRESHOLDS, PostProcess

if TYPE_CHECKING:
    from cliploc.core.sweep.grid import Grid
    from cliploc.core.sweep.rows import Cell, RunRow


@dataclass(frozen=True)
class HeatTable:
    """The best score over thresholds for every dilation x erosion, of one interpolation, order and kernel.

    values: (dilate, erode) -> score; absent where the grid has no such config.
    """

    interpolation: str
    order: str
    kernel: str
    dilates: tuple[int, ...]
    erodes: tuple[int, ...]
    values: Mapping[tuple[int, int], float]


@dataclass(frozen=True)
class RunView:
    """What a run's page shows. summary: see cliploc.core.sweep.summary; None while the run is not done."""

    row: RunRow
    score: str
    cells: tuple[Cell, ...]
    table: HeatTable | None
    summary: Mapping[str, Any] | None


@dataclass(frozen=True)
class Leader:
    """The best cell of a heatmap set, or what a mask without any network scores: then config is None.

    images: how many it is the mean of. doubts: what speaks against it, see cliploc.core.sweep.doubts.
    """

    name: str
    mean_iou: float
    images: int
    config: PostProcess | None
    doubts: tuple[str, ...] = ()


def leaders_of(runs: Iterable[RunRow], found: Mapping[str, Sequence[Leader]]) -> tuple[Leader, ...]:
    """The best of every heatmap set, and what needs no network, best first.

    runs: all over the same true masks. found: by run, what is known of its finished sets.
    """
    best: dict[str, Leader] = {}
    for run in runs:
        so_far = run.best
        told = list(found.get(run.id, ()))
        if so_far is not None and so_far.heatmaps not in {leader.name for leader in told}:
            told.append(Leader(so_far.heatmaps, so_far.mean_iou, so_far.images, so_far.config))
        for leader in told:
            known = best.get(leader.name)
            # Without a network more images are better; they are of no run.
            if known is None or _rank(leader) > _rank(known):
                best[leader.name] = leader
    return tuple(sorted(best.values(), key=lambda leader: -leader.mean_iou))


def _rank(leader: Leader) -> tuple[float, float]:
    return (0 if leader.config else leader.images, leader.mean_iou)


def rate_of(runs: Iterable[RunRow]) -> float | None:
    """Configs x images per second of the largest grid that was searched: small ones mostly start and end."""
    largest = max((run for run in runs if run.rate), key=lambda run: run.configs, default=None)
    return None if largest is None or largest.rate is None else largest.rate * largest.configs


def cost_of(grid: Grid, images: int, rate: float | None) -> str:
    """What a grid costs, in a sentence. rate: configs x images per second of an earlier run."""
    text = f"{len(grid.configs):,} configs × {len(THRESHOLDS)} thresholds × {images:,} images"
    if grid.merged:
        text += f" ({grid.merged:,} combinations are the same as others)"
    if rate:
        text += f"; about {duration(len(grid.configs) * images / rate)} at an earlier run's rate"
    return text


def starting_text(starting: Sequence[float]) -> str:
    """What is said of sweeps that are being started since these epoch seconds."""
    count = "a sweep" if len(starting) == 1 else f"{len(starting)} sweeps"
    return f"starting {count} … {duration(time.time() - min(starting))}"


def duration(seconds: float | None) -> str:
    """Seconds as people read them: `0:14`, `2:05:00`, or a dash."""
    if seconds is None:
        return "–"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
