"""The curve of the four scores over the 100 thresholds, in braille dots."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from types import MappingProxyType

from rich.segment import Segment
from rich.style import Style
from textual.content import Content
from textual.markup import escape
from textual.reactive import reactive
from textual.strip import Strip

from cliploc.core.errors import clean
from cliploc.core.parameters import Value
from cliploc.core.postprocess import parameter_named
from cliploc.core.scores import POSTERS
from cliploc.tui.curves import COLOUR, SHORT, Curves, figure
from cliploc.tui.shown_scores import ShownScores
from cliploc.tui.textual_private import style_of
from cliploc.tui.widgets.by_line import Line, title
from cliploc.tui.widgets.sliding import Sliding

# Bits of a braille cell by dot row (0 at the top) and dot column.
DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
AXIS = 4


class Canvas:
    """Dots of several series in a grid of braille cells; in a shared cell the later series' colour wins."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self.bits = [[0] * width for _ in range(height)]
        self.colours = [[""] * width for _ in range(height)]

    def line(self, values: Sequence[float], colour: str) -> None:
        """Draw values in [0, 1] from edge to edge."""
        columns, rows = 2 * self.width, 4 * self.height
        before: int | None = None
        for x in range(columns):
            value = interpolated(values, x / max(columns - 1, 1))
            y = round((1 - min(max(value, 0.0), 1.0)) * (rows - 1))
            low, high = (y, y) if before is None else (min(y, before), max(y, before))
            for between in range(low if before is None or y <= before else low + 1, high + 1):
                self._dot(x, between, colour)
            before = y

    def _dot(self, x: int, y: int, colour: str) -> None:
        self.bits[y // 4][x // 2] |= DOTS[y % 4][x % 2]
        self.colours[y // 4][x // 2] = colour

    def row(self, y: int, cursor: int = -1) -> Content:
        """One line of text; `cursor` is the column that marks a threshold, if it is in the canvas."""
        return Content.assemble(*self.runs(y, cursor))

    def runs(self, y: int, cursor: int = -1) -> list[tuple[str, str]]:
        """The texts of one line, each of one style."""
        cells = [self._cell(x, y, x == cursor) for x in range(self.width)]
        runs = groupby(cells, key=itemgetter(1))
        return [("".join(text for text, _ in run), style) for style, run in runs]

    def _cell(self, x: int, y: int, marked: bool) -> tuple[str, str]:
        bits, colour = self.bits[y][x], self.colours[y][x]
        if bits:
            return chr(0x2800 + bits), f"{colour} on $panel" if marked else colour
        return ("│", "$dim") if marked else (" ", "")


def interpolated(values: Sequence[float], place: float) -> float:
    """The value at `place` in [0, 1] of evenly spaced values."""
    position = place * (len(values) - 1)
    index = min(int(position), len(values) - 2)
    part = position - index
    return values[index] * (1 - part) + values[index + 1] * part


class CurvePanel(Sliding):
    """Curves with the cursor on the present threshold, and a legend with the values there.

    The mouse moves the threshold.

    curves: what to draw. ghost: another IoU curve behind it (the baseline's). why: there is nothing to draw.
    """

    curves: reactive[Curves | None] = reactive(None)
    ghost: reactive[Curves | None] = reactive(None)
    why: reactive[str] = reactive("no scores yet")
    index: reactive[int] = reactive(50)

    _canvas: tuple[object, list[Strip]] = ((), [])
    # How text of a colour looks.
    _looks: Mapping[str, Style | None] = MappingProxyType({})
    # How the cursor looks in an empty cell, and what it lays under a full one.
    _cursor: tuple[Strip, Style] | None = None

    def show(self, scores: ShownScores) -> None:
        """Draw the curves of the present state's scope."""
        scope = scores.now.scope
        self.index, self.ghost = scores.now.config.threshold_index, scores.baseline_curves(scope)
        self.why = scores.no_truth or "no scores yet"
        self.curves = scores.curves(scope)
        whose = {"sample": "this sample", "class": f"class {escape(clean(scores.label))}"}
        old = " · …" if scope in scores.stale() and self.curves is not None else ""
        title(self, f"Scores by threshold · {whose.get(scope, 'all samples')}{old}")

    def lines(self) -> list[Line]:
        width, height = self.size.width - AXIS, self.size.height - 1
        if width < 10 or height < 1:
            return []
        if self.curves is None:
            return [*Content.styled(self.why, "$dim").wrap(self.size.width)]
        column = AXIS + round(self.index / 99 * (width - 1))
        return [*(self._marked(row, column) for row in self._rows(width, height)), self._legend()]

    def named_at(self, y: int) -> str:
        """Everywhere the threshold."""
        return "threshold"

    def is_bar(self, name: str, x: int) -> bool:
        """Whether a column is of the curves."""
        return self.curves is not None and AXIS <= x < self.size.width

    def value_at(self, name: str, x: int) -> Value | None:
        """The threshold of a column."""
        return parameter_named(name).at((x - AXIS) / max(self.size.width - AXIS - 1, 1))

    def notify_style_update(self) -> None:
        """Rows that were drawn have the old colours."""
        super().notify_style_update()
        self._canvas, self._cursor = ((), []), None
        self._looks = {}

    def _rows(self, width: int, height: int) -> list[Strip]:
        """The curves without the cursor, kept while it moves over them."""
        key = (self.curves, self.ghost, self.size)
        if self._canvas[0] != key:
            labels = {0: "1.0", height - 1: "0.0"} | ({height // 2: " .5"} if height >= 4 else {})
            canvas = self._drawn(width, height)
            self._canvas = (key, [self._row(labels.get(y, ""), canvas.runs(y)) for y in range(height)])
        return self._canvas[1]

    def _row(self, label: str, runs: Iterable[tuple[str, str]]) -> Strip:
        """A line of the curves. runs: its texts with their colours."""
        parts = [(label.rjust(AXIS - 1) + " ", "$dim"), *runs]
        strip = Strip([Segment(text, self._look(colour)) for text, colour in parts])
        return strip.adjust_cell_length(self.size.width, self._look(""))

    def _look(self, colour: str) -> Style | None:
        """How text of a colour looks here."""
        if colour not in self._looks:
            (first, *_) = self._strip(Content.styled("x", colour))
            self._looks = {**self._looks, colour: first.style}
        return self._looks[colour]

    def _drawn(self, width: int, height: int) -> Canvas:
        assert self.curves is not None  # asked only when there are some
        canvas = Canvas(width, height)
        if self.ghost is not None:
            canvas.line(self.ghost.values["mean_iou"], "$faint")
        for score in reversed(POSTERS):
            canvas.line(self.curves.values[score], COLOUR[score])
        return canvas

    def _marked(self, row: Strip, column: int) -> Strip:
        """A row with the cursor in a column: a bar, or a lit ground under what is drawn there."""
        before, cell, after = row.divide([column, column + 1, row.cell_length])
        if self._cursor is None:
            bar = self._strip(Content.styled("│", "$dim")).crop(0, 1)
            self._cursor = (bar, Style(bgcolor=style_of(self, "$panel").color))
        bar, ground = self._cursor
        if cell.text == " ":
            return Strip.join([before, bar, after])
        lit = [Segment(text, style + ground if style else ground) for text, style, _ in cell]
        return Strip.join([before, Strip(lit, 1), after])

    def _legend(self) -> Content:
        assert self.curves is not None  # render asks only when there are some
        gap = "   " if self.size.width >= 48 else " "
        parts = [(f"{SHORT[s]} {figure(self.curves.at(s, self.index))}{gap}", COLOUR[s]) for s in POSTERS]
        best = self.curves.best("mean_iou")
        if self.size.width >= 72:
            parts.append((f"best IoU {figure(self.curves.at('mean_iou', best))} at {best / 99:.2f}", "$dim"))
        return Content.assemble(*parts)
