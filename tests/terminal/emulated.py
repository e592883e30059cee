"""What a terminal emulator shows, as pixels."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyte


def pixels_on(
    screen: pyte.Screen, rows: range | None = None, columns: range | None = None
) -> npt.NDArray[np.uint8]:
    """The (2 rows, columns, 3) pixels that half-cells make there, on the whole screen by default."""
    rows, columns = rows or range(screen.lines), columns or range(screen.columns)
    pixels = np.zeros((2 * len(rows), len(columns), 3), np.uint8)
    for y, row in enumerate(rows):
        for x, column in enumerate(columns):
            cell = screen.buffer[row][column]
            assert cell.data in "▀ "
            lower = _rgb_of(cell.bg)
            pixels[2 * y + 1, x] = lower
            pixels[2 * y, x] = _rgb_of(cell.fg) if cell.data == "▀" else lower
    return pixels


def _rgb_of(colour: str) -> tuple[int, ...]:
    return tuple(bytes.fromhex(colour)) if colour != "default" else (0, 0, 0)
