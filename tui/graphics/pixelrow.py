"""A row of cells that pixels lie on: text that knows not to wipe them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from rich.console import Console
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip


class PixelRow(Strip):
    """Blanks where a picture's pixels are.

    When the terminal holds the pixels, the row is written as a cursor movement, so that a
    repaint of what lies around leaves them. Otherwise it is written as blanks, which wipe
    whatever was there, and `wiped` is called so that the pixels are drawn after.
    """

    __slots__ = ("_held", "_style", "_wiped")

    def __init__(self, width: int, style: Style, held: bool, wiped: Callable[[], None]) -> None:
        super().__init__([Segment(" " * width, style)] if width else [], width)
        self._style = style
        self._held = held
        self._wiped = wiped

    def render(self, console: Console) -> str:
        """The bytes of the row; called only for what is really written."""
        if self._held:
            return f"\x1b[{self.cell_length}C" if self.cell_length else ""
        self._wiped()
        return super().render(console)

    def crop(self, start: int, end: int | None = None) -> Strip:
        """A part of the row."""
        last = self.cell_length if end is None else min(end, self.cell_length)
        return self._part(max(0, last - max(0, start)))

    def divide(self, cuts: Iterable[int]) -> Sequence[Strip]:
        """The row in pieces that end at the cuts."""
        ends = [cut for cut in cuts if cut <= self.cell_length]
        return [self._part(end - start) for start, end in zip([0, *ends], ends, strict=False)]

    def _part(self, width: int) -> PixelRow:
        return PixelRow(width, self._style, self._held, self._wiped)
