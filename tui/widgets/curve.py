"""The curve of the four scores over the 100 thresholds, in braille dots."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import groupby

from textual.content import Content
from textual.markup import escape

from cliploc.core.errors import clean
from cliploc.core.parameters import Value
from cliploc.core.postprocess import parameter_named
from cliploc.core.scores import POSTERS
from cliploc.tui.curves import COLOUR, SHORT, Curves, figure
from cliploc.tui.shown_scores import ShownScores
from cliploc.tui.widgets.by_line import Line, Runs, title
from cliploc.tui.widgets.sliding import Sliding

# Bits of a braille cell by dot column and dot row (0 at the top).
DOTS = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))
BRAILLE = {bits: chr(0x2800 + bits) if bits else " " for bits in range(256)}
AXIS = 4


class Canvas:
    """Dots of several series in a grid of braille cells; in a shared cell the later series' colour wins."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self._bits = [bytearray(width) for _ in range(height)]
        # Of each cell the number of its colour.
        self._numbers = [bytearray(width) for _ in range(height)]
        self._colours = [""]

    def line(self, values: Sequence[float], colour: str) -> None:
        """Draw values in [0, 1] from edge to edge."""
        columns, lowest = 2 * self.width, 4 * self.height - 1
        self._colours.append(colour)
        number = len(self._colours) - 1
        dots = [
            round((1 - (value if 0.0 <= value <= 1.0 else float(value > 0))) * lowest)
            for value in interpolated(values, columns)
        ]
        rows, numbers, before = self._bits, self._numbers, dots[0]
        for x, y in enumerate(dots):
            cell, bits = x >> 1, DOTS[x & 1]
            # Joined to the dot before: on the way up with it, on the way down without.
            for dot in range(y, before + 1) if y <= before else range(before + 1, y + 1):
                rows[dot >> 2][cell] |= bits[dot & 3]
                numbers[dot >> 2][cell] = number
            before = y

    def runs(self, y: int, cursor: int) -> list[tuple[str, str]]:
        """One line, in texts of one style each; `cursor` is the column that marks a threshold."""
        ((text, colour),) = self._runs(y, cursor, cursor + 1)
        marked = ("│", "$dim") if text == " " else (text, f"{colour} on $panel")
        return [*self._runs(y, 0, cursor), marked, *self._runs(y, cursor + 1, self.width)]

    def _runs(self, y: int, start: int, stop: int) -> list[tuple[str, str]]:
        text = self._bits[y][start:stop].decode("latin-1").translate(BRAILLE)
        found, at = [], 0
        for number, run in groupby(self._numbers[y][start:stop]):
            end = at + len(list(run))
            found.append((text[at:end], self._colours[number]))
            at = end
        return found


def interpolated(values: Sequence[float], count: int) -> list[float]:
    """So many values, evenly spaced from the first to the last of `values`, two or more."""
    places = _between(len(values), count)
    return [values[i] + part * (values[i + 1] - values[i]) for i, part in places]


@lru_cache(maxsize=8)
def _between(values: int, count: int) -> list[tuple[int, float]]:
    """Of each place the value before it, and what part of the way to the next one it is."""
    step, last = (values - 1) / max(count - 1, 1), values - 2
    before = [min(int(x * step), last) for x in range(count)]
    return [(i, x * step - i) for x, i in enumerate(before)]


class CurvePanel(Sliding):
    """Curves with the cursor on the present threshold, and a legend with the values there.

    The mouse moves the threshold.

    curves: what to draw. ghost: another IoU curve behind it (the baseline's). why: there is nothing to draw.
    """

    curves: Curves | None = None
    ghost: Curves | None = None
    why = "no scores yet"
    index = 50

    _canvas: tuple[object, Canvas] = ((), Canvas(0, 0))

    def show(self, scores: ShownScores) -> None:
        """Draw the curves of the present state's scope."""
        scope = scores.now.scope
        self.index, self.ghost = scores.now.config.threshold_index, scores.baseline_curves(scope)
        self.why = scores.no_truth or "no scores yet"
        self.curves = scores.curves(scope)
        whose = {"sample": "this sample", "class": f"class {escape(clean(scores.label))}"}
        old = " · …" if scope in scores.stale() and self.curves is not None else ""
        title(self, f"Scores by threshold · {whose.get(scope, 'all samples')}{old}")
        self.redraw()

    def lines(self) -> list[Line]:
        width, height = self.size.width - AXIS, self.size.height - 1
        if width < 10 or height < 1:
            return []
        if self.curves is None:
            return [*Content.styled(self.why, "$dim").wrap(self.size.width)]
        canvas, cursor = self._plotted(width, height), round(self.index / 99 * (width - 1))
        labels = {0: "1.0", height - 1: "0.0"} | ({height // 2: " .5"} if height >= 4 else {})
        heads = [(labels.get(y, "").rjust(AXIS - 1) + " ", "$dim") for y in range(height)]
        return [*((head, *canvas.runs(y, cursor)) for y, head in enumerate(heads)), self._legend()]

    def named_at(self, y: int) -> str:
        """Everywhere the threshold."""
        return "threshold"

    def is_bar(self, name: str, x: int) -> bool:
        """Whether a column is of the curves."""
        return self.curves is not None and AXIS <= x < self.size.width

    def value_at(self, name: str, x: int) -> Value | None:
        """The threshold of a column."""
        return parameter_named(name).at((x - AXIS) / max(self.size.width - AXIS - 1, 1))

    def _plotted(self, width: int, height: int) -> Canvas:
        """The curves, kept while the cursor moves over them."""
        assert self.curves is not None  # asked only when there are some
        key = (self.curves, self.ghost, width, height)
        if self._canvas[0] == key:
            return self._canvas[1]
        canvas = Canvas(width, height)
        if self.ghost is not None:
            canvas.line(self.ghost.values["mean_iou"], "$faint")
        for score in reversed(POSTERS):
            canvas.line(self.curves.values[score], COLOUR[score])
        self._canvas = (key, canvas)
        return canvas

    def _legend(self) -> Runs:
        assert self.curves is not None  # render asks only when there are some
        width = self.size.width
        gap = "   " if width >= 48 else " "
        parts = [(f"{SHORT[s]} {figure(self.curves.at(s, self.index))}{gap}", COLOUR[s]) for s in POSTERS]
        best = self.curves.best("mean_iou")
        if width >= 72:
            parts.append((f"best IoU {figure(self.curves.at('mean_iou', best))} at {best / 99:.2f}", "$dim"))
        return tuple(parts)
