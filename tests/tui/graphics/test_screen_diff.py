"""Text updates that send only what differs: whatever was written before, the screen ends up the same."""

from __future__ import annotations

import pyte
from hypothesis import example, given, settings
from hypothesis import strategies as st
from rich.color import Color
from rich.console import Console
from rich.segment import Segment
from rich.style import Style
from textual.geometry import Region
from textual.strip import Strip

from cliploc.tui.graphics.cellrow import rows_of
from cliploc.tui.graphics.encode import encode
from cliploc.tui.graphics.screen_diff import LayoutDiff, Shown, changes, runs_of
from cliploc.tui.textual_private import LayoutUpdate
from tests.tui.graphics.jobs import job, picture

WIDTH, ROWS = 40, 2
CONSOLE = Console(color_system="truecolor", force_terminal=True)
STYLES = [
    Style.null(),
    Style(bold=True),
    Style(color=Color.from_rgb(200, 0, 0)),
    Style(bgcolor=Color.from_rgb(0, 0, 90)),
]

texts = st.text("ab.界", min_size=1, max_size=6)
segments = st.tuples(texts, st.sampled_from(STYLES)).map(lambda parts: Segment(*parts))
writes = st.tuples(
    st.sampled_from([0, 0, 0, 5, 12]), st.integers(0, ROWS - 1), st.lists(segments, min_size=1, max_size=5)
)


def screen_after(pieces: list[str]) -> list[list[tuple[object, ...]]]:
    screen = pyte.Screen(WIDTH, ROWS)
    stream = pyte.Stream(screen)
    for piece in pieces:
        stream.feed(piece)
    return [[tuple(screen.buffer[y][x]) for x in range(WIDTH)] for y in range(ROWS)]


def strip_of(parts: list[Segment], x: int) -> Strip:
    strip = Strip(parts)
    return strip.crop(0, min(strip.cell_length, WIDTH - x))


@given(st.lists(writes, max_size=8))
@example([(0, 0, [Segment("ab界.", STYLES[0])]), (0, 0, [Segment("ab.a.", STYLES[0])])])
@settings(max_examples=200, deadline=None)
def test_the_screen_is_as_if_everything_had_been_written(
    asked: list[tuple[int, int, list[Segment]]],
) -> None:
    shown, trimmed, whole = Shown(), [], []
    for x, y, parts in asked:
        strip = strip_of(parts, x)
        trimmed.append(shown.update(x, y, strip, CONSOLE))
        whole.append(f"\x1b[{y + 1};{x + 1}H{strip.render(CONSOLE)}")
    assert screen_after(trimmed) == screen_after(whole)


def test_one_new_number_costs_few_bytes() -> None:
    shown = Shown()
    before, after = (
        Strip([Segment(f"threshold  {value}  ", STYLES[1]), Segment("t T" * 20)])
        for value in ("0.505", "0.515")
    )
    assert len(shown.update(0, 0, before, CONSOLE)) > 80
    assert changes(runs_of(before), runs_of(after)) == [(14, 15)]
    assert shown.update(0, 0, after, CONSOLE) == "\x1b[1;15H\x1b[1m1\x1b[0m"
    assert shown.update(0, 0, after, CONSOLE) == ""


def test_what_was_covered_is_written_again() -> None:
    shown, line, dialog = Shown(), Strip([Segment("a line of text")]), Strip([Segment("dialog")])
    shown.update(0, 0, line, CONSOLE)
    shown.update(3, 0, dialog, CONSOLE)
    assert "a line of text" in shown.update(0, 0, line, CONSOLE)


def test_a_row_of_a_picture_is_written_unless_it_is_the_very_one_that_is_there() -> None:
    """Pictures write their own differences: rows that look the same may stand for another screen."""
    shown, line = Shown(), Strip([Segment("text" * 6)])
    cells = encode(picture(1), job()).cells
    row, same = rows_of(cells, truecolor=True)[0], rows_of(cells, truecolor=True)[0]
    shown.update(0, 0, line, CONSOLE)
    whole = shown.update(0, 0, row, CONSOLE)
    assert "▀" in whole
    assert shown.update(0, 0, row, CONSOLE) == ""
    assert shown.update(0, 0, same, CONSOLE) == whole
    assert "text" in shown.update(0, 0, line, CONSOLE)
    assert shown.update(0, 0, row, CONSOLE) == whole


def test_a_row_of_a_picture_that_something_covered_is_written_again() -> None:
    shown, row = Shown(), rows_of(encode(picture(1), job()).cells, truecolor=True)[0]
    whole = shown.update(0, 0, row, CONSOLE)
    shown.update(5, 0, Strip([Segment("notice")]), CONSOLE)
    assert shown.update(0, 0, row, CONSOLE) == whole


def test_after_forgetting_everything_is_written() -> None:
    shown, line = Shown(), Strip([Segment("text")])
    first = shown.update(0, 0, line, CONSOLE)
    shown.forget()
    assert shown.update(0, 0, line, CONSOLE) == first


def test_a_whole_screen_is_trimmed_as_well() -> None:
    shown = Shown()
    strips = [[Strip([Segment("left ")]), Strip([Segment(f"line {y}")])] for y in range(ROWS)]
    region = Region(0, 0, 12, ROWS)
    whole = LayoutDiff(LayoutUpdate(strips, region), shown).render_segments(CONSOLE)
    again = [list(row) for row in strips]
    again[1][1] = Strip([Segment("LINE 1")])
    changed = LayoutDiff(LayoutUpdate(again, region), shown).render_segments(CONSOLE)
    assert "line 1" in whole
    assert changed == "\x1b[2;6HLINE"
    assert screen_after([whole, changed])[1] == screen_after(["\x1b[2;1Hleft LINE 1"])[1]
