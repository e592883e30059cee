"""Pictures as text: each cell is an upper half block, so two pixels, one above the other.

Only changed cells are worth sending. Textual resends a dirty line from the widget's
left edge with a reset after each cell, so the difference is written here instead, as
cursor movements and the fewest colour changes, and the strips carry what a repaint needs.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from rich.color import Color
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from tui.graphics.fit import Box, fit
from tui.graphics.frame import Frame, Job

if TYPE_CHECKING:
    from tui.graphics.frame import Cells

UPPER_HALF = "▀"
# On a slow link, cells whose channels are this near to what the screen shows may wait.
COARSE_TOLERANCE = 40
# Bytes that one changed cell costs: exact (two colours), and in a block (one for two cells).
CELL_BYTES, BLOCK_BYTES = 42, 12
# Steps of the 6 x 6 x 6 cube that terminals with 256 colours share.
CUBE = np.array([0, 95, 135, 175, 215, 255])
LUMA = np.array([0.299, 0.587, 0.114], np.float32)


def cells_of(
    rgb: NDArray[np.uint8],
    box: Box,
    background: tuple[int, int, int],
    *,
    truecolor: bool = True,
    grey: bool = False,
) -> Cells:
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
    packed: Cells = (wide[..., 0] << 16) | (wide[..., 1] << 8) | wide[..., 2]
    return packed


def _palette_indices(pixels: NDArray[np.uint8]) -> NDArray[np.int32]:
    """The nearest of the cube's 216 colours and the 24 greys, as the terminal numbers them."""
    wide = pixels.astype(np.int32)
    steps = np.abs(wide[..., None] - CUBE).argmin(axis=-1)
    cube_error = ((CUBE[steps] - wide) ** 2).sum(axis=-1)
    grey_step = np.clip((wide.mean(axis=-1) - 8 + 5) // 10, 0, 23).astype(np.int32)
    grey_error = (((8 + 10 * grey_step)[..., None] - wide) ** 2).sum(axis=-1)
    cube_index = 16 + 36 * steps[..., 0] + 6 * steps[..., 1] + steps[..., 2]
    indices: Cells = np.where(grey_error < cube_error, 232 + grey_step, cube_index).astype(np.int32)
    return indices


def difference(cells: Cells, before: Cells, origin: tuple[int, int], *, truecolor: bool = True) -> str:
    """The bytes that turn `before` into `cells` on a screen, cursor and colours as they were after.

    origin: (x, y) of the widget's first cell, from 0. Empty when nothing changed.
    """
    changed = (cells != before).any(axis=2)
    if not changed.any():
        return ""
    x, y = origin
    pieces = ["\x1b7"]
    foreground = background = -1
    for row in np.flatnonzero(changed.any(axis=1)).tolist():
        columns = np.flatnonzero(changed[row]).tolist()
        uppers, lowers = cells[row, columns, 0].tolist(), cells[row, columns, 1].tolist()
        pieces.append(f"\x1b[{y + row + 1};{x + columns[0] + 1}H")
        following = columns[0]
        for column, upper, lower in zip(columns, uppers, lowers, strict=True):
            if column > following:
                pieces.append(f"\x1b[{column - following}C")
            following = column + 1
            codes, text, foreground, background = _cell(upper, lower, foreground, background, truecolor)
            pieces.append(f"\x1b[{codes}m{text}" if codes else text)
    pieces.append("\x1b[0m\x1b8")
    return "".join(pieces)


def _cell(
    upper: int, lower: int, foreground: int, background: int, truecolor: bool
) -> tuple[str, str, int, int]:
    """The colour codes and the character for one cell, and the colours that are set after it."""
    if upper == lower:
        code = "" if lower == background else _code(lower, 48, truecolor)
        return code, " ", foreground, lower
    codes = [] if upper == foreground else [_code(upper, 38, truecolor)]
    if lower != background:
        codes.append(_code(lower, 48, truecolor))
    return ";".join(codes), UPPER_HALF, upper, lower


@lru_cache(maxsize=65536)
def _code(colour: int, ground: int, truecolor: bool) -> str:
    if truecolor:
        return f"{ground};2;{colour >> 16};{colour >> 8 & 255};{colour & 255}"
    return f"{ground};5;{colour}"


def lines_of(cells: Cells, *, truecolor: bool = True) -> list[Strip]:
    """Strips of all rows, as Textual repaints, cuts and tints them."""
    return [line_of(row, truecolor=truecolor) for row in cells]


def line_of(cells: NDArray[np.int32], *, truecolor: bool = True) -> Strip:
    """The strip of one row of half-cells, (columns, 2); equal neighbours share a segment."""
    edges = np.flatnonzero((cells[1:] != cells[:-1]).any(axis=1)) + 1
    starts = np.concatenate(([0], edges))
    widths = np.diff(np.concatenate((starts, [len(cells)]))).tolist()
    segments, ready = [], []
    foreground = background = -1
    for (upper, lower), width in zip(cells[starts].tolist(), widths, strict=True):
        codes, text, foreground, background = _cell(upper, lower, foreground, background, truecolor)
        segments.append(Segment(text * width, _style(upper, lower, truecolor)))
        ready.append(f"\x1b[{codes}m{text * width}" if codes else text * width)
    strip = Strip(segments, len(cells))
    # What Strip.render would make, with fewer bytes: it sets and resets colours for every segment.
    strip._render_cache = "".join(ready) + "\x1b[0m"
    return strip


@lru_cache(maxsize=65536)
def _style(upper: int, lower: int, truecolor: bool) -> Style:
    return Style.from_color(_colour(upper, truecolor), _colour(lower, truecolor))


@lru_cache(maxsize=65536)
def _colour(colour: int, truecolor: bool) -> Color:
    if truecolor:
        return Color.from_rgb(colour >> 16, colour >> 8 & 255, colour & 255)
    return Color.from_ansi(colour)


def encode(job: Job) -> Frame:
    """A picture as half-cells: strips for repaints, and the difference to what is on the screen."""
    box = fit(job.rgb.shape[:2], job.size, job.terminal)
    truecolor = job.terminal.truecolor
    cells = cells_of(job.rgb, box, job.background, truecolor=truecolor, grey=job.grey)
    before = job.before
    if before is None or before.cells.shape != cells.shape or job.origin is None:
        strips = lines_of(cells, truecolor=truecolor)
        return Frame("halfcell", job.generation, job.size, False, box, cells, strips, "", "")
    exact = cells
    changes = difference(cells, before.cells, job.origin, truecolor=truecolor)
    if job.coarse and truecolor and len(changes) > job.budget:
        cells = _worst_first(exact, before.cells, job.budget)
        changes = difference(cells, before.cells, job.origin, truecolor=truecolor)
    strips = list(before.strips)
    for row in np.flatnonzero((cells != before.cells).any(axis=(1, 2))).tolist():
        strips[row] = line_of(cells[row], truecolor=truecolor)
    coarse = cells is not exact
    return Frame("halfcell", job.generation, job.size, coarse, box, cells, strips, changes, "")


def _worst_first(exact: Cells, before: Cells, budget: int) -> Cells:
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


def _blocks(cells: Cells) -> Cells:
    """A quarter of the detail: two cells and their four halves share one colour."""
    blocks = cells.copy()
    blocks[:, 1::2] = blocks[:, 0 : blocks.shape[1] // 2 * 2 : 2]
    blocks[..., 1] = blocks[..., 0]
    return blocks


def _error(cells: Cells, others: Cells) -> NDArray[np.int32]:
    """How far each cell's worst channel is off, (rows, columns), 0 to 255."""
    shifts = np.array([16, 8, 0], np.int32)
    channels = np.abs((cells[..., None] >> shifts & 255) - (others[..., None] >> shifts & 255))
    worst: NDArray[np.int32] = channels.max(axis=(2, 3))
    return worst
