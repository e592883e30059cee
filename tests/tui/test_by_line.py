"""Text that is drawn line by line looks, and is selected, as text that is drawn as a whole."""

from __future__ import annotations

import pytest
from rich.segment import Segment
from textual.app import App, ComposeResult
from textual.content import Content
from textual.strip import Strip
from textual.widget import Widget
from textual.widgets import Static

from cliploc.tui.widgets.by_line import ByLine, Line

SIZE = (24, 8)
RUNS = (("mean IoU ", "$accent"), ("", "$error"), (".612", "bold $foreground"), (" 星", "$accent on $panel"))
LINES = [Content("the first line"), RUNS, Strip([Segment("a line of dots")])]


class Lines(ByLine):
    def lines(self) -> list[Line]:
        return list(LINES)


class Apart(App[None]):
    CSS = "Lines, #whole { height: 3; width: 18; background: $surface; }"

    def compose(self) -> ComposeResult:
        yield Lines()
        yield Static(Content("\n").join([Content("the first line"), Content.assemble(*RUNS)]), id="whole")


def cells(widget: Widget, y: int) -> list[tuple[str, object, object, object]]:
    """The cells of a line with what is seen of their styles."""
    line = widget.render_line(y).crop(0, widget.size.width)
    return [
        (character, style and style.color, style and style.bgcolor, bool(style and style.bold))
        for text, style, _ in line
        for character in text
    ]


async def test_runs_look_as_a_text_of_the_same_styles() -> None:
    app = Apart()
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        ours, whole = app.query_one(Lines), app.query_one("#whole")
        for y, text in enumerate(("the first line", "mean IoU .612 星")):
            drawn = cells(ours, y)[: len(text)]
            assert "".join(cell[0] for cell in drawn) == text
            assert drawn == cells(whole, y)[: len(text)]


@pytest.mark.parametrize(("line", "text"), [(0, "first"), (1, "IoU .6"), (2, "line of")])
async def test_the_mouse_selects_what_it_passes_over(line: int, text: str) -> None:
    app = Apart()
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        lines = app.query_one(Lines)
        start = lines.render_line(line).text.index(text)
        await pilot.mouse_down(lines, offset=(start, line))
        await pilot.hover(lines, offset=(start + len(text) - 1, line))
        await pilot.mouse_up(lines, offset=(start + len(text) - 1, line))
        await pilot.pause()
        assert app.screen.get_selected_text() == text
