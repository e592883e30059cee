"""One score over the thresholds, one curve a candidate: the poster's figure, live."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content
from textual.reactive import reactive
from textual.widget import Widget

from cliploc.tui.curves import Curves
from cliploc.tui.widgets.curve import AXIS, Canvas

COLOURS = ("$mean_iou", "$recall", "$precision", "$f1", "$worse", "$secondary", "$better", "$dim")


class ScoreCurves(Widget):
    """One score of every candidate over all thresholds, in the candidates' colours.

    curves: None for a candidate without scores. threshold: the index that is marked.
    """

    curves: reactive[Sequence[Curves | None]] = reactive(tuple, always_update=True)
    score: reactive[str] = reactive("mean_iou")
    threshold: reactive[int] = reactive(50)

    def render(self) -> Content:
        width, height = self.size.width - AXIS, self.size.height
        if width < 10 or height < 2 or not any(self.curves):
            return Content.styled("no scores yet", "$dim")
        canvas = Canvas(width, height)
        for index in reversed(range(len(self.curves))):
            curves = self.curves[index]
            if curves is not None:
                canvas.line(curves.values[self.score], colour_of(index))
        cursor = round(self.threshold / 99 * (width - 1))
        labels = {0: "1.0", height - 1: "0.0"}
        rows = [
            Content.assemble((labels.get(y, "").rjust(AXIS - 1) + " ", "$dim"), *canvas.runs(y, cursor))
            for y in range(height)
        ]
        return Content("\n").join(rows)


def colour_of(index: int) -> str:
    """A candidate's colour."""
    return COLOURS[index % len(COLOURS)]
