"""Text updates cut down to the cells that differ from what the terminal shows.

Textual sends every line that may have changed, whole; of a line with one new number that
is hundreds of bytes too many, which a slow link makes visible as lag.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import takewhile

from rich.console import Console
from rich.segment import Segment
from textual._compositor import ChopsUpdate
from textual.strip import Strip

from tui.graphics.cellrow import CellRow
from tui.graphics.pixelrow import PixelRow

# Pictures send their own differences, which are not known here.
PICTURES = (CellRow, PixelRow)
# A gap of fewer equal cells costs less than another cursor movement, with its colours, does.
GAP = 12


class Shown:
    """What was written where, row by row; whatever is not known is written whole."""

    def __init__(self) -> None:
        self._rows: dict[int, dict[int, Strip]] = {}

    def forget(self) -> None:
        """Something else may have written on the terminal."""
        self._rows.clear()

    def update(self, x: int, y: int, strip: Strip, console: Console) -> str:
        """The bytes that show a strip at column x of row y."""
        row = self._rows.setdefault(y, {})
        before = row.get(x)
        end = x + strip.cell_length
        for start in [s for s, other in row.items() if s != x and s < end and s + other.cell_length > x]:
            del row[start]
        if isinstance(strip, PICTURES) or not _is_simple(strip):
            row.pop(x, None)
            return _at(x, y, strip.render(console))
        if before is None:
            row[x] = strip
            return _at(x, y, strip.render(console))
        row[x] = strip
        if before.cell_length > strip.cell_length:
            row[x] = Strip.join([strip, before.crop(strip.cell_length)])
        pieces = (
            _at(x + start, y, strip.crop(start, stop).render(console))
            for start, stop in changes(before, strip)
        )
        return "".join(pieces)


class Trimmed(ChopsUpdate):
    """A Textual update that writes only what differs."""

    def __init__(self, update: ChopsUpdate, shown: Shown) -> None:
        super().__init__(update.chops, update.spans, update.chop_ends)
        self._shown = shown

    def render_segments(self, console: Console) -> str:
        """The update's bytes; as in Textual, a span begins at the left edge of what it touches."""
        pieces = []
        for y, first, last in self.spans:
            for end, (x, strip) in zip(self.chop_ends[y], self.chops[y].items(), strict=False):
                if strip is None or x >= last or end <= first:
                    continue
                part = strip if end <= last else strip.crop(0, last - x)
                pieces.append(self._shown.update(x, y, part, console))
        return "".join(pieces)


def changes(before: Strip, after: Strip) -> list[tuple[int, int]]:
    """The (start, stop) ranges of cells in which `after` differs; near ones are one."""
    if before is after:
        return []
    found: list[tuple[int, int]] = []
    for start, stop in _different(before, after):
        if found and start - found[-1][1] < GAP:
            found[-1] = (found[-1][0], stop)
        else:
            found.append((start, stop))
    return found


def _different(before: Strip, after: Strip) -> Iterator[tuple[int, int]]:
    """Ranges of cells that differ, in order; in a run of one style from the first to the last."""
    position = 0
    for (old, old_style), (new, new_style) in _in_step(before, after):
        if old_style is not new_style and old_style != new_style:
            yield position, position + len(new)
        elif old != new:
            same = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(old, new, strict=False)))
            tail = zip(reversed(old[same:]), reversed(new[same:]), strict=False)
            end = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], tail))
            yield position + same, position + len(new) - end
        position += len(new)
    if position < after.cell_length:
        yield position, after.cell_length


Run = tuple[str, object]


def _in_step(before: Strip, after: Strip) -> Iterator[tuple[Run, Run]]:
    """Both strips in pieces of equal length, for as long as both last."""
    olds, news = iter(before), iter(after)
    old, new = next(olds, None), next(news, None)
    while old is not None and new is not None:
        length = min(len(old.text), len(new.text))
        yield (old.text[:length], old.style), (new.text[:length], new.style)
        old = _rest(old, length) or next(olds, None)
        new = _rest(new, length) or next(news, None)


def _rest(segment: Segment, length: int) -> Segment | None:
    return Segment(segment.text[length:], segment.style) if len(segment.text) > length else None


def _is_simple(strip: Strip) -> bool:
    """Whether each character is one cell, so that text may be cut anywhere."""
    return strip.cell_length == strip.cell_count


def _at(x: int, y: int, text: str) -> str:
    return f"\x1b[{y + 1};{x + 1}H{text}" if text else ""
