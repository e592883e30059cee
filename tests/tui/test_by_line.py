"""Text that is drawn line by line looks, and is selected, as text that is drawn as a whole."""

from __future__ import annotations

import random

import pytest
from rich.segment import Segment
from textual.app import App, ComposeResult
from textual.content import Content
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget
from textual.widgets import Static

from cliploc.tui.widgets.by_line import ByLine, Line, subtitle, title

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


Cells = list[tuple[str, object, object, object]]


def cells(widget: Widget, y: int) -> Cells:
    """The cells of a line of a widget."""
    (found,) = by_cell([widget.render_line(y).crop(0, widget.size.width)])
    return found


def by_cell(strips: list[Strip]) -> list[Cells]:
    """The cells of each line with what is seen of their styles."""
    return [
        [
            (character, style and style.color, style and style.bgcolor, bool(style and style.bold))
            for text, style, _ in strip
            for character in text
        ]
        for strip in strips
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


class Framed(ByLine):
    """A panel with borders of two kinds, a title and room beside its lines."""

    DEFAULT_CSS = """
    Framed { height: 8; width: 30; border: round $accent; border-right: heavy red; padding: 1 2 0 1; }
    """
    shown: tuple[Line, ...] = ()

    def lines(self) -> list[Line]:
        return list(self.shown)


async def test_lines_are_framed_as_textual_frames_them() -> None:
    class Alone(App[None]):
        def compose(self) -> ComposeResult:
            panel = Framed()
            panel.border_title = "title"
            yield panel

    app, chance = Alone(), random.Random(3)
    texts = ("a longer line than there is room for it", "short", "", "星 and ─", "x" * 21)
    styles = ("$accent", "bold $error on $panel", "", "ansi_red")
    async with app.run_test(size=(40, 12)) as pilot:
        panel = app.query_one(Framed)
        for turn in range(60):
            if turn % 20 == 10:
                app.theme = ("textual-light", "ansi-light", "dracula")[turn // 20]
            panel.shown = tuple(
                ((chance.choice(texts), chance.choice(styles)), (str(turn), "$foreground"))
                for _ in range(chance.randrange(7))
            )
            title(panel, chance.choice(("title", "another title", "$accent [b]x[/b]", "")))
            subtitle(panel, chance.choice(("", "1,423 of 1,423")))
            panel.redraw()
            await pilot.pause()
            x, y = chance.randrange(20), chance.randrange(7)
            crop = Region(x, y, chance.randrange(1, 31 - x), chance.randrange(1, 9 - y))
            ours, textuals = panel.render_lines(crop), Widget.render_lines(panel, crop)
            assert by_cell(ours) == by_cell(textuals)


async def test_more_and_fewer_lines_draw_what_differs(monkeypatch: pytest.MonkeyPatch) -> None:
    class Alone(App[None]):
        def compose(self) -> ComposeResult:
            yield Framed()

    app, drawn = Alone(), set[int]()
    whole = Region(0, 0, 30, 8)
    async with app.run_test(size=(40, 12)) as pilot:
        panel = app.query_one(Framed)
        refresh = Widget.refresh

        def noted(widget: Widget, *regions: Region, **how: bool) -> Widget:
            assert regions or widget is not panel, "all of it"
            drawn.update(y for region in regions for y in region.line_range)
            return refresh(widget, *regions, **how)

        for count, expected in (
            (5, {0, 1, 2, 3, 4}),
            (2, {2, 3, 4}),
            (2, set()),
            (9, {2, 3, 4}),
            (0, {0, 1, 2, 3, 4}),
        ):
            await pilot.pause()
            before = by_cell(panel.render_lines(whole))
            panel.shown = tuple(((f"line {y}", "$accent"),) for y in range(count))
            drawn.clear()
            with monkeypatch.context() as patched:
                patched.setattr(Widget, "refresh", noted)
                panel.redraw()
            after = by_cell(panel.render_lines(whole))
            differing = {y - panel.gutter.top for y in range(8) if before[y] != after[y]}
            assert differing == drawn == expected
