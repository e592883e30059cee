"""The palette: every action of the screen, found by its words."""

from __future__ import annotations

from collections.abc import Callable

from textual.widgets import OptionList

from cliploc.core.postprocess import PostProcess
from cliploc.tui.actions import ACTIONS
from cliploc.tui.app import ExplorerApp
from cliploc.tui.keymap import ALIVE
from cliploc.tui.screens.statistics import StatisticsScreen
from tests.tui.conftest import settled, until

Make = Callable[..., ExplorerApp]


async def test_words_find_an_action_and_enter_does_it(make_app: Make) -> None:
    app = make_app()
    async with app.run_test(size=(120, 40)) as pilot:
        await settled(pilot)
        await pilot.press("ctrl+p", *"larger dil", "enter")
        await until(lambda: app.explorer.now.config == PostProcess(dilate=5), pilot)


async def test_it_offers_every_action_of_the_screen_it_is_opened_on(make_app: Make) -> None:
    app = make_app()
    async with app.run_test(size=(120, 40)) as pilot:
        await settled(pilot)
        for way, scope in (((), "explorer"), (("s",), "sweeps")):
            await pilot.press(*way, "ctrl+p")
            await pilot.pause()
            offered = app.screen.query_one(OptionList).option_count
            assert offered == sum(a.scope in ALIVE[scope] for a in ACTIONS) - 1
            await pilot.press("escape")


async def test_an_action_of_everywhere_and_one_that_opens_a_screen(make_app: Make) -> None:
    app = make_app()
    async with app.run_test(size=(120, 40)) as pilot:
        await settled(pilot)
        await pilot.press("ctrl+p", *"dataset in numbers", "enter")
        await until(lambda: isinstance(app.screen, StatisticsScreen), pilot)
        await pilot.press("ctrl+p", *"quit; sweeps", "enter")
        await until(lambda: app.return_value == 0, pilot)
