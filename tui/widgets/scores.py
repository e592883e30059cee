"""The scores of sample, class and dataset, with the difference to the baseline."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING

from textual.content import Content

from cliploc.core.scores import AVERAGED
from cliploc.tui.curves import COLOUR, NARROW, SCORES, SHORT, Curves, difference, figure
from cliploc.tui.dataset_scores import DatasetScores
from cliploc.tui.shown_scores import ShownScores
from cliploc.tui.state import SCOPES
from cliploc.tui.widgets.by_line import ByLine, Line, Runs, subtitle, title

if TYPE_CHECKING:
    from cliploc.core.regions import Region

Table = Mapping[str, Curves | None]
NAMES, NUMBER = 10, 7
WITH_DIFFERENCE = 2 * NUMBER
ONLY = {True: (), False: ("Δ all",)}


class ScorePanel(ByLine):
    """A row a score and a column a scope; where there is no room, a row a scope.

    curves, baseline: curves by scope, at all thresholds; index: the threshold they are
    read at. baseline_index: the one the baseline is read at. stale: the scopes whose curves
    are those of a state before, dimmed until the new ones come.
    """

    curves: Table = MappingProxyType({})
    index = 50
    baseline: Table = MappingProxyType({})
    baseline_index = 50
    stale: frozenset[str] = frozenset()
    of_total = ""
    known: Mapping[str, str] = MappingProxyType({})

    def show(self, scores: ShownScores, progress: str, apart: tuple[float, int] | None) -> None:
        """Draw the scores of the present state. progress: of those that are waited for.

        apart: how far so many stored sets are from each other, where that was asked for. Without a true mask
        that is shown, and what the mask itself is.
        """
        known = {} if scores.region is None else known_of(scores.region)
        if known and apart is not None:
            known["agreement"] = f"IoU {figure(1 - apart[0])}, {apart[1]} sets"
        self.known = known
        title(self, "Scores" if not self.known else "What is known of the mask")
        self.baseline = {scope: scores.baseline_curves(scope) for scope in SCOPES}
        self.baseline_index, self.index = scores.baseline_index, scores.now.config.threshold_index
        self.curves = {scope: scores.curves(scope) for scope in SCOPES}
        self.stale = scores.stale()
        notes = scores.board.notes if scores.board else ()
        self.of_total = "; ".join([f"{scores.scored} of {len(scores.dataset.ids)} images", *notes])
        subtitle(self, progress)
        self.redraw()

    def lines(self) -> list[Line]:
        if self.known and not any(self.curves.values()):
            return self._unjudged()
        return self._tall() if self.size.height >= len(SCORES) + 1 else self._flat()

    def _unjudged(self) -> list[Line]:
        """A fact a line; in one line where there is no room."""
        if self.size.height < len(self.known):
            return [
                Content.styled(" · ".join(f"{name} {value}" for name, value in self.known.items()), "$dim")
            ]
        return [
            Content.assemble((name.ljust(NAMES + 1), "$dim"), (value, "$foreground"))
            for name, value in self.known.items()
        ]

    def _tall(self) -> list[Line]:
        """Differences beside every number where there is room, else only those of the dataset."""
        full = self.size.width >= NAMES + 3 * WITH_DIFFERENCE
        width = WITH_DIFFERENCE if full else NUMBER
        headings = " " * NAMES + "".join(heading(scope, width) for scope in (*SCOPES, *ONLY[full]))
        lines: list[Line] = [((headings, "$dim"),)]
        for score in SCORES:
            line = [(NARROW[score].ljust(NAMES), COLOUR[score])]
            for scope in SCOPES:
                line += [self._number(scope, score), *([self._change(scope, score)] if full else [])]
            lines.append((*line, *([] if full else [self._change("all", score)])))
        if self.size.height >= len(SCORES) + 3:
            lines += [(), *wrapped(f"{AVERAGED}; {self.of_total}", self.size.width)]
        return lines

    def _number(self, scope: str, score: str) -> tuple[str, str]:
        value = self._value(scope, score)
        style = "bold $foreground" if score == "mean_iou" else "$foreground"
        faint = value is None or scope in self.stale
        return figure(value).rjust(NUMBER), "$faint" if faint else style

    def _change(self, scope: str, score: str) -> tuple[str, str]:
        change = self._difference(scope, score)
        return change.rjust(NUMBER), "$better" if change.startswith("+") else "$worse"

    def _flat(self) -> list[Line]:
        heading = "".join(SHORT[score].rjust(7) for score in SCORES)
        lines: list[Line] = [((" " * 7 + heading + "   Δ IoU", "$dim"),)]
        for scope in SCOPES:
            cells = [
                (
                    figure(self._value(scope, score)).rjust(7),
                    "$faint" if scope in self.stale else "bold $foreground" if score == "mean_iou" else "",
                )
                for score in SCORES
            ]
            change = self._difference(scope, "mean_iou")
            colour = "$better" if change.startswith("+") else "$worse"
            lines.append(((scope.ljust(7), "$dim"), *cells, (change.rjust(8), colour)))
        return lines

    def _value(self, scope: str, score: str) -> float | None:
        curves = self.curves.get(scope)
        return None if curves is None else curves.at(score, self.index)

    def _difference(self, scope: str, score: str) -> str:
        value, base = self._value(scope, score), self.baseline.get(scope)
        curves = self.curves.get(scope)
        if value is None or base is None or curves is None or scope in self.stale:
            return ""
        if curves.images != base.images:
            return ""  # means over other images are no difference
        return difference(value, base.at(score, self.baseline_index))


def known_of(region: Region) -> dict[str, str]:
    """What a mask is, in words; a peak only where the network sees something."""
    peak = {"peak": "none: the heatmap is the same everywhere"}
    if region.peak is not None:
        peak = {"peak": f"{region.peak[0]}, {region.peak[1]} px"}
    holes = {"holes": str(region.holes)} if region.holes else {}
    return {**peak, "area": f"{region.area:.1%} of the picture", "parts": str(region.parts), **holes}


def progress_of(board: DatasetScores) -> str:
    """An estimate in words: `mean IoU .612 ± .014, 400 of 13,807`; "" for exact scores."""
    mean = board.curves()
    if board.is_exact or mean is None:
        return ""
    within = "" if board.reach is None else f" ± {figure(board.reach)}"
    value = figure(mean.at("mean_iou", board.config.threshold_index))
    return f"mean IoU {value}{within}, {board.images:,} of {board.total:,}"


@lru_cache(maxsize=8)
def wrapped(text: str, width: int) -> tuple[Runs, ...]:
    """A dim text in lines."""
    return tuple(((line.plain, "$dim"),) for line in Content(text).wrap(width))


def heading(name: str, width: int) -> str:
    """A column's name over its numbers."""
    return name.rjust(NUMBER).ljust(width)
