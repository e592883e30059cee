"""What stands for a picture as text: half-cells and their blank; made once each."""

from __future__ import annotations

from textual.color import Color
from textual.strip import Strip

from cliploc.core.terminal import Terminal
from cliploc.tui.graphics.cellrow import rows_of
from cliploc.tui.graphics.frame import Cells, cells_of

# About what a half-cell with two colours of its own takes.
CELL_BYTES = 36


class PictureTexts:
    """The last rows of each kind, with what they were made from: the same rows need not be sent again."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal
        self._blank: tuple[object, Cells | None] = (None, None)
        self._cell_rows: tuple[Cells | None, list[Strip]] = (None, [])

    def blank(self, size: tuple[int, int], background: Color) -> Cells | None:
        """Half-cells of the background alone, None where it is no colour that half-cells can have."""
        if not self._terminal.truecolor or background.ansi is not None:
            return None
        if self._blank[0] != (size, background):
            self._blank = ((size, background), cells_of(size, background.rgb))
        return self._blank[1]

    def drawn_over(self) -> None:
        """The screen shows something else now: rows made from now on are others, also of the same cells."""
        self._cell_rows = (None, [])

    def half_cells(self, cells: Cells) -> list[Strip]:
        """Half-cells as rows."""
        if self._cell_rows[0] is not cells:
            self._cell_rows = (cells, rows_of(cells, truecolor=self._terminal.truecolor))
        return self._cell_rows[1]
