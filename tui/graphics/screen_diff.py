"""Text updates cut down to the cells that differ from what the terminal shows.

Textual sends every line that may have changed, whole; of a line with one new number that
is hundreds of bytes too many, which a slow link makes visible as lag.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import takewhile

from rich.console import COLOR_SYSTEMS, Console
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from cliploc.core.errors import clean
from cliploc.tui.graphics.cellrow import CellRow
from cliploc.tui.graphics.diacritics import PLACEHOLDER
from cliploc.tui.graphics.pixelrow import PixelRow
from cliploc.tui.textual_private import ChopsUpdate, LayoutUpdate

# Pictures send their own differences, which are not known here.
PICTURES = (CellRow, PixelRow)
# A gap of fewer equal cells costs less than another cursor movement, with its colours, does.
GAP = 12
Run = tuple[str, Style | None]
Runs = tuple[Run, ...]


class Shown:
    """What was written where, row by row; whatever is not known is written whole."""

    def __init__(self) -> None:
        # By row and first column: how wide it is, and what. Of text the runs, since strips hold caches of
        # everything that was ever cut from them. A row of a picture is the same one for as long as nothing
        # else was drawn there.
        self._rows: dict[int, dict[int, tuple[int, Runs | Strip]]] = {}

    def forget(self) -> None:
        """Something else may have written on the terminal."""
        self._rows.clear()

    def update(self, x: int, y: int, strip: Strip, console: Console) -> str:
        """The bytes that show a strip at column x of row y. All text of the screen comes by here."""
        strip, is_simple = looked_at(strip)
        row = self._rows.setdefault(y, {})
        length = strip.cell_length
        (before_length, before), end = row.pop(x, (0, None)), x + length
        for start in [start for start, (cells, _) in row.items() if start < end and start + cells > x]:
            del row[start]
        if not is_simple:
            row[x] = length, strip
            return "" if strip is before else _at(x, y, strip.render(console))
        after = runs_of(strip)
        row[x] = length, after
        if before is None or isinstance(before, Strip):
            return _at(x, y, strip.render(console))
        if before_length > length:
            row[x] = before_length, after + part(before, length, before_length)
        return "".join(
            _at(x + start, y, rendered(part(after, start, stop), console))
            for start, stop in changes(before, after)
        )


class ScreenDiff(ChopsUpdate):
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


class LayoutDiff(LayoutUpdate):
    """The same for an update of the whole screen, as after a dialog or a change of layout."""

    def __init__(self, update: LayoutUpdate, shown: Shown) -> None:
        super().__init__(update.strips, update.region)
        self._shown = shown

    def render_segments(self, console: Console) -> str:
        """The update's bytes."""
        pieces = []
        for y, strips in enumerate(self.strips, self.region.y):
            x = self.region.x
            for strip in strips:
                pieces.append(self._shown.update(x, y, strip, console))
                x += strip.cell_length
        return "".join(pieces)


def looked_at(strip: Strip) -> tuple[Strip, bool]:
    """The strip without characters that a terminal would obey, whoever wrote them; and whether it is simple.

    Such characters take no cell, and what they are part of is shown as text. Simple is text of which each
    character is one cell, so that it may be cut anywhere.
    """
    if isinstance(strip, PICTURES):
        return strip, False
    text = strip.text  # most strips are plain: looked at as a whole
    if not (text.isprintable() or all(_is_safe(each) for each in strip)):
        strip = Strip(each if _is_safe(each) else Segment(clean(each.text), each.style) for each in strip)
        text = strip.text
    return strip, strip.cell_length == len(text)


def _is_safe(segment: Segment) -> bool:
    """Whether it is text alone, or the placeholders of a kitty picture, which only we write."""
    return bool(segment.control) or segment.text.isprintable() or PLACEHOLDER in segment.text


def runs_of(strip: Strip) -> Runs:
    """A strip's runs of one style."""
    return tuple((text, style) for text, style, _ in strip)


def part(runs: Runs, start: int, stop: int) -> Runs:
    """The runs between two cells."""
    found, position = [], 0
    for text, style in runs:
        end = position + len(text)
        if end > start:
            found.append((text[max(start - position, 0) : stop - position], style))
        if end >= stop:
            break
        position = end
    return tuple(found)


def rendered(runs: Runs, console: Console) -> str:
    """Their bytes, as Textual writes them."""
    system = COLOR_SYSTEMS[console.color_system or "truecolor"]
    return "".join(
        text if style is None else Strip.render_style(style, text, color_system=system)
        for text, style in runs
    )


def changes(before: Runs, after: Runs) -> list[tuple[int, int]]:
    """The (start, stop) ranges of cells in which `after` differs; near ones are one."""
    found: list[tuple[int, int]] = []
    if before == after:
        return found
    for start, stop in _different(before, after):
        if found and start - found[-1][1] < GAP:
            found[-1] = (found[-1][0], stop)
        else:
            found.append((start, stop))
    return found


def _different(before: Runs, after: Runs) -> Iterator[tuple[int, int]]:
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
    if position < (end := sum(len(text) for text, _ in after)):
        yield position, end


def _in_step(before: Runs, after: Runs) -> Iterator[tuple[Run, Run]]:
    """Both in pieces of equal length, for as long as both last."""
    olds, news = iter(before), iter(after)
    old, new = next(olds, None), next(news, None)
    while old is not None and new is not None:
        length = min(len(old[0]), len(new[0]))
        yield (old[0][:length], old[1]), (new[0][:length], new[1])
        old = (old[0][length:], old[1]) if len(old[0]) > length else next(olds, None)
        new = (new[0][length:], new[1]) if len(new[0]) > length else next(news, None)


def _at(x: int, y: int, text: str) -> str:
    return f"\x1b[{y + 1};{x + 1}H{text}" if text else ""
