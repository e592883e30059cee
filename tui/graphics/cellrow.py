"""A row of half-cells as text that Textual cuts, tints and covers like any other."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from functools import lru_cache

from rich.color import Color
from rich.console import Console
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from cliploc.tui.graphics.celltext import UPPER_HALF, row_text, runs
from cliploc.tui.graphics.frame import Cells
from cliploc.tui.textual_private import MadeLater


class CellRow(MadeLater):
    """Writes its own bytes; segments are made only when somebody wants to change them.

    A whole screen of pictures has thousands of cells, and a segment with its style costs
    several times what its bytes do.
    """

    __slots__ = ("_truecolor", "_values")

    def __init__(self, values: array[int], truecolor: bool) -> None:
        self._values = values
        self._truecolor = truecolor
        super().__init__(len(values) // 2)

    def made(self) -> list[Segment]:
        """One for each run of equal cells."""
        return [
            Segment((" " if upper == lower else UPPER_HALF) * width, _style(upper, lower, self._truecolor))
            for upper, lower, width in runs(self._values)
        ]

    def render(self, console: Console) -> str:
        """The bytes of the row, fewer than Textual would send, which colours every segment anew."""
        return row_text(self._values, self._truecolor) if self._values else ""

    def crop(self, start: int, end: int | None = None) -> Strip:
        """A part of the row."""
        last = self.cell_length if end is None else min(end, self.cell_length)
        return self if (start, last) == (0, self.cell_length) else self._part(max(0, start), last)

    def divide(self, cuts: Iterable[int]) -> Sequence[Strip]:
        """The row in pieces that end at the cuts."""
        ends = [cut for cut in cuts if cut <= self.cell_length]
        if ends == [self.cell_length]:
            return [self]
        return [self._part(start, end) for start, end in zip([0, *ends], ends, strict=False)]

    def _part(self, start: int, end: int) -> CellRow:
        return CellRow(self._values[2 * start : 2 * max(start, end)], self._truecolor)


def rows_of(cells: Cells, *, truecolor: bool) -> list[Strip]:
    """A strip for every row."""
    return [CellRow(cells.row(y), truecolor) for y in range(cells.rows)]


@lru_cache(maxsize=4096)
def _style(upper: int, lower: int, truecolor: bool) -> Style:
    return Style.from_color(_colour(upper, truecolor), _colour(lower, truecolor))


@lru_cache(maxsize=4096)
def _colour(colour: int, truecolor: bool) -> Color:
    if truecolor:
        return Color.from_rgb(colour >> 16, colour >> 8 & 255, colour & 255)
    return Color.from_ansi(colour)
