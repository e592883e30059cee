"""Half-cell pictures: their colours, and the bytes of what changed.

Only changed cells are worth sending. Textual resends a dirty line from the widget's
left edge with a reset after each cell, so the difference is written here instead, as
cursor movements and the fewest colour changes.
"""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tui.graphics.celltext import NO_COLOUR, cell
from tui.graphics.fit import Box, fit
from tui.graphics.frame import Cells, Frame, Job

if TYPE_CHECKING:
    from tui.graphics.frame import Pixels

Grid = NDArray[np.int32]
"""Half-cells as an array: (rows, columns, 2), the upper and the lower colour."""

# On a slow link, cells whose channels are this near to what the screen shows may wait.
COARSE_TOLERANCE = 40
# Bytes that one changed cell costs: exact (two colours), and in a block (one for two cells).
CELL_BYTES, BLOCK_BYTES = 42, 12
# Steps of the 6 x 6 x 6 cube that terminals with 256 colours share.
CUBE = np.array([0, 95, 135, 175, 215, 255])
LUMA = np.array([0.299, 0.587, 0.114], np.float32)


def grid_of(
    rgb: Pixels,
    box: Box,
    background: tuple[int, int, int],
    *,
    truecolor: bool = True,
    grey: bool = False,
) -> Grid:
    """The half-cells of a picture inside its widget; outside the box, the background.

    rgb: (H, W, 3). grey: luminance only (NO_COLOR).
    """
    import cv2

    size = (box.columns, 2 * box.rows)
    shrinks = rgb.shape[0] > size[1] or rgb.shape[1] > size[0]
    small = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_NEAREST)
    pixels = np.empty((2 * box.widget_rows, box.widget_columns, 3), np.uint8)
    pixels[:] = background
    pixels[2 * box.y : 2 * (box.y + box.rows), box.x : box.x + box.columns] = small
    if grey:
        pixels = np.repeat((pixels @ LUMA)[..., None], 3, axis=2).astype(np.uint8)
    codes = _packed(pixels) if truecolor else _palette_indices(pixels)
    return np.stack([codes[0::2], codes[1::2]], axis=2)


def _packed(pixels: NDArray[np.uint8]) -> NDArray[np.int32]:
    wide = pixels.astype(np.int32)
    packed: Grid = (wide[..., 0] << 16) | (wide[..., 1] << 8) | wide[..., 2]
    return packed


def _palette_indices(pixels: NDArray[np.uint8]) -> NDArray[np.int32]:
    """The nearest of the cube's 216 colours and the 24 greys, as the terminal numbers them."""
    wide = pixels.astype(np.int32)
    steps = np.abs(wide[..., None] - CUBE).argmin(axis=-1)
    cube_error = ((CUBE[steps] - wide) ** 2).sum(axis=-1)
    grey_step = np.clip((wide.mean(axis=-1) - 8 + 5) // 10, 0, 23).astype(np.int32)
    grey_error = (((8 + 10 * grey_step)[..., None] - wide) ** 2).sum(axis=-1)
    cube_index = 16 + 36 * steps[..., 0] + 6 * steps[..., 1] + steps[..., 2]
    indices: Grid = np.where(grey_error < cube_error, 232 + grey_step, cube_index).astype(np.int32)
    return indices


def difference(cells: Grid, before: Grid, origin: tuple[int, int], *, truecolor: bool = True) -> str:
    """The bytes that turn `before` into `cells` on a screen, cursor and colours as they were after.

    origin: (x, y) of the widget's first cell, from 0. Empty when nothing changed.
    """
    changed = (cells != before).any(axis=2)
    if not changed.any():
        return ""
    x, y = origin
    pieces = ["\x1b7"]
    foreground = background = NO_COLOUR
    for row in np.flatnonzero(changed.any(axis=1)).tolist():
        columns = np.flatnonzero(changed[row]).tolist()
        uppers, lowers = cells[row, columns, 0].tolist(), cells[row, columns, 1].tolist()
        pieces.append(f"\x1b[{y + row + 1};{x + columns[0] + 1}H")
        following = columns[0]
        for column, upper, lower in zip(columns, uppers, lowers, strict=True):
            if column > following:
                pieces.append(f"\x1b[{column - following}C")
            following = column + 1
            codes, text, foreground, background = cell(upper, lower, foreground, background, truecolor)
            pieces.append(f"\x1b[{codes}m{text}" if codes else text)
    pieces.append("\x1b[0m\x1b8")
    return "".join(pieces)


def encode(rgb: Pixels, job: Job) -> Frame:
    """A picture as half-cells, and the difference to what is on the screen."""
    box = fit(rgb.shape[:2], job.size, job.terminal)
    truecolor = job.terminal.truecolor
    grid = grid_of(rgb, box, job.background, truecolor=truecolor, grey=job.grey)
    coarse, changes = False, ""
    if job.before is not None and job.origin is not None:
        before = grid_from(job.before)
        if before.shape == grid.shape:
            changes = difference(grid, before, job.origin, truecolor=truecolor)
            if job.coarse and truecolor and len(changes) > job.budget:
                coarse, grid = True, _worst_first(grid, before, job.budget)
                changes = difference(grid, before, job.origin, truecolor=truecolor)
    cells = cells_from(grid)
    return Frame("halfcell", job.generation, job.size, coarse, box, cells, job.background, changes, "")


def cells_from(grid: Grid) -> Cells:
    """An array of half-cells as plain values."""
    values = array("i", np.ascontiguousarray(grid, np.int32).tobytes())
    return Cells(grid.shape[1], grid.shape[0], values)


def grid_from(cells: Cells) -> Grid:
    """The inverse of `cells_from`."""
    return np.frombuffer(cells.values, np.int32).reshape(cells.rows, cells.columns, 2)


def _worst_first(exact: Grid, before: Grid, budget: int) -> Grid:
    """A step from `before` towards `exact` that costs about `budget` bytes.

    What is far off is at least shown in blocks of two cells; what the budget leaves goes
    to the cells that are then still most wrong. The next step goes on from there.
    """
    cells = np.where((_error(exact, before) > COARSE_TOLERANCE)[..., None], _blocks(exact), before)
    spare = budget - BLOCK_BYTES * int((cells != before).any(axis=2).sum())
    error = _error(exact, cells).ravel()
    count = min(spare // CELL_BYTES, error.size)
    if count > 0:
        worst = np.argpartition(error, error.size - count)[error.size - count :]
        cells.reshape(-1, 2)[worst] = exact.reshape(-1, 2)[worst]
    return cells


def _blocks(cells: Grid) -> Grid:
    """A quarter of the detail: two cells and their four halves share one colour."""
    blocks = cells.copy()
    blocks[:, 1::2] = blocks[:, 0 : blocks.shape[1] // 2 * 2 : 2]
    blocks[..., 1] = blocks[..., 0]
    return blocks


def _error(cells: Grid, others: Grid) -> NDArray[np.int32]:
    """How far each cell's worst channel is off, (rows, columns), 0 to 255."""
    shifts = np.array([16, 8, 0], np.int32)
    channels = np.abs((cells[..., None] >> shifts & 255) - (others[..., None] >> shifts & 255))
    worst: NDArray[np.int32] = channels.max(axis=(2, 3))
    return worst
