"""What has changed on a screen is put together as Textual would, from fewer lines."""

from __future__ import annotations

import random

from textual.app import App, ComposeResult
from textual.containers import Container
from textual.geometry import Region
from textual.screen import Screen
from textual.widgets import Label, Static

from cliploc.tui.graphics.partial_update import Painter, PartialScreen
from cliploc.tui.textual_private import ChopsUpdate, Compositor, LocalCompositor

SIZE = (40, 16)
Shown = list[tuple[int, int, list[tuple[str, object]]]]


class Overlapping(App[None]):
    """Boxes with borders beside, in and over each other, one of them cut off by its container."""

    CSS = """
    Screen { layers: below above; layout: horizontal; }
    #left { width: 12; border: round white; }
    #right { width: 1fr; height: 10; border: heavy red; overflow: hidden; }
    #over { layer: above; width: 14; height: 5; offset: 6 3; background: blue; }
    #long { width: 60; height: 20; }
    """

    def get_default_screen(self) -> Screen[None]:
        return PartialScreen(id="_default")

    def compose(self) -> ComposeResult:
        yield Static("left\nof all", id="left")
        with Container(id="right"):
            yield Label("what is longer than there is room for, by far\n" * 20, id="long")
        yield Static("over\nthem", id="over")


def touched(update: ChopsUpdate | None) -> Shown:
    """The pieces that an update writes, by row and column."""
    assert update is not None
    found = []
    for y, first, last in update.spans:
        for end, (x, strip) in zip(update.chop_ends[y], update.chops[y].items(), strict=False):
            if x < last and end > first:
                found.append((y, x, [(text, style) for text, style, _ in strip]))
    return found


async def test_an_update_has_the_cells_of_textuals_own() -> None:
    app, chance = Overlapping(), random.Random(7)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        compositor = app.screen._compositor
        assert isinstance(compositor, LocalCompositor)
        for _ in range(60):
            corners = [(chance.randrange(SIZE[0]), chance.randrange(SIZE[1])) for _ in range(3)]
            regions = {Region(x, y, chance.randint(1, 9), chance.randint(1, 4)) for x, y in corners}
            compositor._dirty_regions = set(regions)
            ours = touched(compositor.render_partial_update())
            compositor._dirty_regions = {each.intersection(app.screen.region) for each in regions}
            assert ours == touched(Compositor.render_partial_update(compositor))


async def test_a_painter_hears_of_what_is_drawn_over_it_alone() -> None:
    class Painting(Label, Painter):
        heard = 0

        def painted_over(self) -> None:
            self.heard += 1

    class Covered(Overlapping):
        def compose(self) -> ComposeResult:
            with Container(id="right"):
                yield Painting("pixels\n" * 20, id="long")
            yield Static("over\nthem", id="over")

    app = Covered()
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        painting, over = app.query_one(Painting), app.query_one("#over")
        for changed, heard in (
            (over.region, 1),
            (Region(0, 14, 5, 1), 1),  # below both
            (over.region.intersection(painting.region).expand((1, 0)), 1),  # its own lines as well
            (Region(over.region.x, over.region.y, 3, 1), 2),
        ):
            app.screen._compositor._dirty_regions = {changed}
            app.screen._compositor.render_partial_update()
            assert painting.heard == heard, changed


async def test_nothing_that_has_changed_is_no_update() -> None:
    app = Overlapping()
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        app.screen._compositor._dirty_regions = set()
        assert app.screen._compositor.render_partial_update() is None
