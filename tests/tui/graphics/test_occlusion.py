"""What of a widget can be seen on the screen."""

from __future__ import annotations

from typing import ClassVar

from textual.app import App, ComposeResult
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from cliploc.tui.graphics.occlusion import occlusion_of


class Window(App[None]):
    CSS = """
    Screen { layers: below above; }
    #scroll { width: 20; height: 10; layer: below; scrollbar-size: 0 0; }
    #widget { width: 12; height: 8; }
    #rest { height: 40; }
    #notice { layer: above; width: 6; height: 2; offset: 8 5; display: none; }
    """
    BINDINGS: ClassVar = []

    def compose(self) -> ComposeResult:
        with VerticalScroll(id="scroll"):
            yield Static("widget", id="widget")
            yield Static("rest", id="rest")
        yield Static("notice", id="notice")


async def test_all_of_it() -> None:
    app = Window()
    async with app.run_test(size=(40, 20)):
        assert occlusion_of(app.query_one("#widget")) == ((0, 0), ())


async def test_what_lies_over_it_is_counted_from_its_corner() -> None:
    app = Window()
    async with app.run_test(size=(40, 20)) as pilot:
        app.query_one("#notice").display = True
        await pilot.pause()
        assert occlusion_of(app.query_one("#widget")) == ((0, 0), ((8, 5, 4, 2),))


async def test_what_is_scrolled_away() -> None:
    app = Window()
    async with app.run_test(size=(40, 20)) as pilot:
        app.query_one("#scroll").scroll_to(y=3, animate=False, immediate=True)
        await pilot.pause()
        assert occlusion_of(app.query_one("#widget")) == ((0, -3), ((0, 0, 12, 3),))
        app.query_one("#scroll").scroll_to(y=12, animate=False, immediate=True)
        await pilot.pause()
        assert occlusion_of(app.query_one("#widget")) is None


async def test_under_a_dialog_nothing_can_be_said() -> None:
    app = Window()
    async with app.run_test(size=(40, 20)) as pilot:
        app.push_screen(ModalScreen())
        await pilot.pause()
        assert occlusion_of(app.query_one("#widget")) is None
