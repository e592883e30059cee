"""Sixel pictures: pixels painted over cells, which any text written there wipes again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import cv2

from cliploc.core.terminal.palette import held, quantize
from cliploc.core.terminal.sixel_writer import sixels
from cliploc.tui.graphics.fit import fit
from cliploc.tui.graphics.frame import Detail, Frame, Job
from cliploc.tui.graphics.halfcell import cells_from, grid_of

if TYPE_CHECKING:
    from cliploc.tui.graphics.frame import Pixels

# (colours, tolerance) from fine to coarse: the first that stays inside the budget is sent.
LEVELS = ((96, 8), (64, 10), (40, 12))
# Without streaks in smooth areas, half as large again: at once where the link is fast, that is, where so
# many bytes a pixel are comfortable while four pictures share it; elsewhere when nothing else is to be sent.
FINEST_LEVEL, FINEST_BYTES = (240, 2), 0.125
COARSE_LEVEL = (32, 12)
# A coarse picture has square pixels of the first of these sides that is comfortable for the link,
# at about so many bytes for each; they are quicker to encode and to send.
COARSE_SIDES, COARSE_BYTES = (2, 4), 0.5
BYTES_FOR_A_CELL = 150


def encode(rgb: Pixels, job: Job) -> Frame:
    """A picture as sixels of the box's exact pixels; its half-cells stand in where it is covered."""
    box = fit(rgb.shape[:2], job.size, job.terminal, spare_last_row=job.at_bottom)
    grid = grid_of(rgb, box, job.background, truecolor=job.terminal.truecolor, grey=job.grey)
    size = (box.columns * job.terminal.cell_width, box.rows * job.terminal.cell_height)
    detail = job.detail
    if job.coarse:
        small = _scaled(rgb, _coarse_size(size, job.budget))
        pixels = _sixels(small, size, COARSE_LEVEL)
    else:
        if FINEST_BYTES * size[0] * size[1] <= job.budget:
            detail = Detail.ALL
        levels = (FINEST_LEVEL, *LEVELS) if detail is Detail.ALL else LEVELS
        pixels = _within_budget(_scaled(rgb, size), levels, BYTES_FOR_A_CELL * box.columns * box.rows)
    cells = cells_from(grid)
    return Frame(
        "sixel", job.generation, job.size, detail, box, cells, job.background, "", pixels, job.at_bottom
    )


def _coarse_size(size: tuple[int, int], budget: int) -> tuple[int, int]:
    width, height = size
    for side in COARSE_SIDES:
        small = (max(1, width // side), max(1, height // side))
        if COARSE_BYTES * small[0] * small[1] <= budget:
            break
    return small


def _scaled(rgb: Pixels, size: tuple[int, int]) -> Pixels:
    method = cv2.INTER_AREA if size[0] < rgb.shape[1] else cv2.INTER_LINEAR
    scaled: Pixels = cv2.resize(rgb, size, interpolation=method)
    return scaled


def _within_budget(rgb: Pixels, levels: Sequence[tuple[int, int]], budget: int) -> str:
    """The finest level that stays inside the budget, or the coarsest."""
    found = ""
    for level in levels:
        found = _sixels(rgb, (rgb.shape[1], rgb.shape[0]), level)
        if len(found) <= budget:
            break
    return found


def _sixels(rgb: Pixels, size: tuple[int, int], level: tuple[int, int]) -> str:
    """Few colours, then the size on the screen with crisp pixels, then sixels."""
    colours, tolerance = level
    indices, palette = quantize(rgb, colours)
    indices = held(rgb, indices, palette, tolerance)
    if (rgb.shape[1], rgb.shape[0]) != size:
        indices = cv2.resize(indices, size, interpolation=cv2.INTER_NEAREST)
    return sixels(indices, palette)
