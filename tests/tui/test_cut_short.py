"""A dialog that is closed before it has its parts, or an app that ends meanwhile, ends in nothing."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from textual.screen import Screen

from cliploc.tui.app import ExplorerApp
from cliploc.tui.screens.choice import ChoiceScreen
from cliploc.tui.screens.help import HelpScreen
from tests.tui.conftest import KEYS, settled

SCREENS: dict[str, Callable[[], Screen[object]]] = {
    "help": lambda: HelpScreen("explorer", KEYS),  # type: ignore[return-value]
    "choice": lambda: ChoiceScreen("Sort", ()),  # type: ignore[return-value]
}


@pytest.mark.parametrize("make", SCREENS.values(), ids=SCREENS.keys())
async def test_closed_at_once(
    make_app: Callable[..., ExplorerApp], make: Callable[[], Screen[object]]
) -> None:
    app = make_app()
    async with app.run_test(size=(120, 40)) as pilot:
        await settled(pilot)
        app.push_screen(make())
        app.pop_screen()
        await settled(pilot)
        assert app.screen is app.explorer


@pytest.mark.parametrize("make", SCREENS.values(), ids=SCREENS.keys())
async def test_the_app_ends_meanwhile(
    make_app: Callable[..., ExplorerApp], make: Callable[[], Screen[object]]
) -> None:
    app = make_app()
    async with app.run_test(size=(120, 40)) as pilot:
        await settled(pilot)
        app.push_screen(make())
        app.exit(0)
    assert app.return_code == 0
