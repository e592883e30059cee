"""What goes into an encoder and what comes out. Plain values: they travel between processes.

Standard library only: the screen's process knows pictures by these alone.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, NewType

from cliploc.core.terminal import Protocol, Terminal
from cliploc.tui.graphics.fit import Box

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Pixels = NDArray[np.uint8]
    """(H, W, 3) RGB."""

Rectangle = tuple[int, int, int, int]
"""(x, y, width, height) in cells."""

PictureId = NewType("PictureId", str)
"""A picture that the studio holds, named by its content: the same pixels have the same name."""


class Detail(IntEnum):
    """How much of a picture is sent: little time and few bytes before fidelity, what is comfortable for
    the link, or all that there is.
    """

    COARSE = 0
    COMFORTABLE = 1
    ALL = 2


@dataclass(frozen=True)
class Cells:
    """A picture in half-cells. values: int32, row by row, of each cell the upper and the lower colour,
    0xRRGGBB or one of the 256.
    """

    columns: int
    rows: int
    values: array[int]

    def row(self, y: int) -> array[int]:
        """One row's colours, upper and lower by turns."""
        width = 2 * self.columns
        return self.values[y * width : (y + 1) * width]


def cells_of(size: tuple[int, int], colour: tuple[int, int, int]) -> Cells:
    """Half-cells of one colour, RGB; size: (columns, rows)."""
    red, green, blue = colour
    columns, rows = size
    return Cells(columns, rows, array("i", [red << 16 | green << 8 | blue]) * (2 * columns * rows))


@dataclass(frozen=True)
class Job:
    """How one picture is to be encoded: where it goes and on what terminal.

    size: the widget's (columns, rows). background: RGB around the picture. grey: the user
    asked for no colour. detail: kitty and sixel only. budget: the bytes that are comfortable for the
    link; half-cells keep to it at the cost of fidelity, and so do kitty's finest pictures and sixels
    that are not to have all detail.
    identity: the kitty picture id. needs_whole: pixels are for a widget of which everything can be seen,
    so that another one's are half-cells. origin: (x, y) of the widget on the screen, None when another
    screen lies over it. covered: the widget's parts that cannot be seen.
    at_bottom: the widget's last row is the screen's. before: the half-cells that its rows show,
    None when they show something else.
    """

    generation: int
    size: tuple[int, int]
    terminal: Terminal
    background: tuple[int, int, int]
    grey: bool
    detail: Detail
    budget: int
    identity: int
    needs_whole: bool
    origin: tuple[int, int] | None
    covered: tuple[Rectangle, ...]
    at_bottom: bool
    before: Cells | None

    def is_done_by(self, other: Job) -> bool:
        """Whether the same picture, encoded for the other job, would do for this one too."""
        return self._settings() == other._settings() and self.detail <= other.detail

    @property
    def coarse(self) -> bool:
        """Whether time and bytes go before fidelity."""
        return self.detail is Detail.COARSE

    @property
    def is_covered(self) -> bool:
        """Whether a part of the widget cannot be seen."""
        return self.origin is None or bool(self.covered)

    def _settings(self) -> tuple[object, ...]:
        whole = self.needs_whole and not self.is_covered
        return (self.size, self.at_bottom, self.background, self.grey, whole)


@dataclass(frozen=True, eq=False)
class Frame:
    """One encoded picture; equal only to itself.

    protocol: how it was encoded. detail: what it lacks is sent later. cells: its
    half-cells, shown wherever pixels cannot be (under a dialog). background: RGB around it.
    difference: half-cells only, the bytes that bring the screen from the job's `before` to
    this. pixels: the bytes of the picture itself, wherever the cursor is; empty for
    half-cells. at_bottom: made for a widget that ends in the screen's last row.
    """

    protocol: Protocol
    generation: int
    size: tuple[int, int]
    detail: Detail
    box: Box
    cells: Cells
    background: tuple[int, int, int]
    difference: str
    pixels: str
    at_bottom: bool = False

    @property
    def coarse(self) -> bool:
        """Whether the next frame of the same picture is to be a better one."""
        return self.detail is Detail.COARSE
