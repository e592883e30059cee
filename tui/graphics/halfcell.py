"""Half-cell pictures: their colours, and the bytes of what changed.

Only changed cells are worth sending. Textual resends a dirty line from the widget's
left edge with a reset after each cell, so the difference is written here instead, as
cursor movements and the fewest colour changes.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cliploc.tui.graphics.celltext import NO_COLOUR, cell
from cliploc.tui.graphics.fit import Box, fit
from cliploc.tui.graphics.frame import Cells, Detail, Frame, Job, Rectangle

if TYPE_CHECKING:
    from cliploc.tui.graphics.frame import Pixels

Grid = NDArray[np.int32]
"""Half-cells as an array: (rows, columns, 2), the upper and the lower colour."""

# How far a channel may be off on a slow link, of 255, from fine to coarse. The first cannot be
# seen and is left so; the others are steps on the way to it.
TOLERANCES = (3, 6, 10, 16, 24, 40)
# Characters that the difference costs, about: a cell, a colour, colours at all, and a move of the cursor.
CELL_SIZE, COLOUR_SIZE, CODES_SIZE, MOVE_SIZE = 1, 16, 3, 4
# Further from any channel than a tolerance.
FAR = -1000
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
    detail, changes = Detail.ALL, ""
    if job.before is not None and job.origin is not None:
        before = grid_from(job.before)
        if before.shape == grid.shape:
            before = _unless_covered(before, grid, job.covered)
            changes = difference(grid, before, job.origin, truecolor=truecolor)
            if truecolor and len(changes) > job.budget:
                tolerance, grid = _within(grid, before, job.budget)
                detail = Detail.COARSE if tolerance > TOLERANCES[0] else Detail.ALL
                changes = difference(grid, before, job.origin, truecolor=truecolor)
    cells = cells_from(grid)
    return Frame("halfcell", job.generation, job.size, detail, box, cells, job.background, changes, "")


def cells_from(grid: Grid) -> Cells:
    """An array of half-cells as plain values."""
    values = array("i", np.ascontiguousarray(grid, np.int32).tobytes())
    return Cells(grid.shape[1], grid.shape[0], values)


def grid_from(cells: Cells) -> Grid:
    """The inverse of `cells_from`."""
    return np.frombuffer(cells.values, np.int32).reshape(cells.rows, cells.columns, 2)


def _unless_covered(before: Grid, grid: Grid, covered: Iterable[Rectangle]) -> Grid:
    """What the screen shows, as if what cannot be seen of it were as it should be."""
    seen = before.copy()
    for x, y, width, height in covered:
        seen[y : y + height, x : x + width] = grid[y : y + height, x : x + width]
    return seen


def _within(exact: Grid, before: Grid, limit: int) -> tuple[int, Grid]:
    """The finest tolerance at which the step from `before` costs no more than `limit`, and its cells.

    If there is none, the coarsest that changes anything, so that steps in a row arrive.
    """
    grids, sizes = _nearby(exact, before)
    found = 0
    for number, (grid, size) in enumerate(zip(grids, sizes, strict=True)):
        if number > 0 and (grid == before).all():
            break
        found = number
        if size <= limit:
            break
    return TOLERANCES[found], grids[found]


def _nearby(exact: Grid, before: Grid) -> tuple[NDArray[np.int32], list[int]]:
    """Cells that are cheap to send, off by no more than each tolerance.

    A cell stays as it was, or takes up the colours of the last one sent in its row, where
    that is near enough: most bytes of a photograph are colours that hardly differ from
    the cell to the left. Returns (tolerances, rows, columns, 2) and about what each costs.
    """
    tolerance = np.array(TOLERANCES, np.int16)[:, None, None]
    wanted = _channels(exact)
    off = np.abs(wanted - _channels(before)).max(axis=(2, 3))
    goes = off > tolerance
    cells = np.where(goes[..., None], exact, before)
    set_codes = np.full((len(TOLERANCES), len(exact), 2), NO_COLOUR, np.int32)
    set_channels = np.full((*set_codes.shape, 3), FAR, np.int16)
    sizes = np.zeros(len(TOLERANCES), np.int64)
    for column in range(exact.shape[1]):
        going = goes[:, :, column, None]
        misses = np.abs(wanted[:, column] - set_channels).max(axis=3) > tolerance
        changes = going & misses
        set_codes = np.where(changes, exact[:, column], set_codes)
        set_channels = np.where(changes[..., None], wanted[:, column], set_channels)
        cells[:, :, column] = np.where(going, set_codes, cells[:, :, column])
        sizes += COLOUR_SIZE * changes.sum(axis=(1, 2)) + CODES_SIZE * changes.any(axis=2).sum(axis=1)
    sizes += CELL_SIZE * goes.sum(axis=(1, 2))
    sizes += MOVE_SIZE * (goes & ~np.roll(goes, 1, axis=2)).sum(axis=(1, 2))
    return cells, sizes.tolist()


def _channels(cells: Grid) -> NDArray[np.int16]:
    """(rows, columns, 2, 3): red, green and blue of each half-cell."""
    shifts = np.array([16, 8, 0], np.int32)
    return (cells[..., None] >> shifts & 255).astype(np.int16)
