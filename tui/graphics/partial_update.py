"""Of a change on the screen, only the lines of the widgets that it touches are put together.

Textual draws every widget in the rectangle around all that has changed: a number at the left and one
at the right cost all lines of the pictures between them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Generic, TypeVar

from textual.geometry import Region
from textual.screen import Screen
from textual.strip import Strip

from cliploc.tui.textual_private import ChopsUpdate, LocalCompositor, use_compositor

Result = TypeVar("Result")
Span = tuple[int, int, int]  # row, first column, column after the last
Pieces = dict[int, Strip | None]  # by the column at which each begins


class Painter:
    """A widget that paints on the terminal itself, where others may paint over it."""

    def painted_over(self) -> None:
        """Something in front of it is drawn, and it is not."""
        raise NotImplementedError


class PartialCompositor(LocalCompositor):
    """Front to back, until every cell of the changed spans is covered."""

    def composed(self, spans: Sequence[Span]) -> ChopsUpdate:
        """An update of these spans."""
        wanted = {y: cuts for y, cuts in _wanted(spans, self.cuts).items() if cuts}
        pieces: list[Pieces] = [{} for _ in self.cuts]
        for y in wanted:
            pieces[y] = dict.fromkeys(self.cuts[y][:-1])
        for widget, (region, clip) in self.visible_widgets.items():
            shown = region.intersection(clip)
            rows = [y for y in shown.line_range if y in wanted and _holds_any(shown, wanted[y])]
            if not rows:
                if isinstance(widget, Painter) and _touches(spans, shown):
                    widget.painted_over()
                continue
            for first, last in _together(rows):
                crop = Region(shown.x - region.x, first - region.y, shown.width, last - first)
                for y, strip in enumerate(widget.render_lines(crop), first):
                    _lay(strip, shown, self.cuts[y], pieces[y])
                    wanted[y] = [cut for cut in wanted[y] if pieces[y][cut] is None]
                    if not wanted[y]:
                        del wanted[y]
        return ChopsUpdate(pieces, list(spans), [cuts[1:] for cuts in self.cuts])


def _wanted(spans: Iterable[Span], cuts: Sequence[Sequence[int]]) -> Mapping[int, list[int]]:
    """By row, the pieces that its spans touch."""
    found: dict[int, list[int]] = {}
    for y, first, last in spans:
        pairs = zip(cuts[y], cuts[y][1:], strict=False)
        found.setdefault(y, []).extend(cut for cut, end in pairs if cut < last and end > first)
    return dict(sorted(found.items()))


def _together(rows: Iterable[int]) -> Iterator[tuple[int, int]]:
    """Ascending rows as (first, after the last) of those that follow each other."""
    for _, run in groupby(enumerate(rows), lambda each: each[1] - each[0]):
        found = [row for _, row in run]
        yield found[0], found[-1] + 1


def _touches(spans: Iterable[Span], shown: Region) -> bool:
    return any(
        shown.y <= y < shown.bottom and first < shown.right and last > shown.x for y, first, last in spans
    )


def _holds_any(shown: Region, cuts: Iterable[int]) -> bool:
    first, last = shown.column_span
    return any(first <= cut < last for cut in cuts)


def _lay(strip: Strip, shown: Region, cuts: Sequence[int], pieces: Pieces) -> None:
    """Put a widget's line where nothing is in front of it."""
    mine = [cut for cut in cuts if shown.x <= cut <= shown.right]
    for cut, piece in zip(mine, strip.divide([cut - shown.x for cut in mine[1:]]), strict=False):
        if pieces[cut] is None:
            pieces[cut] = piece


class PartialScreen(Screen[Result], Generic[Result]):
    """A screen that is updated like that."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        use_compositor(self, PartialCompositor())
