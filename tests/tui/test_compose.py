"""Composing a sweep with the keyboard."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from textual import events
from textual.widgets import Input, Static

from cliploc.core.heatmaps.recipe import Recipe
from cliploc.core.postprocess import AXES
from cliploc.tui.app import ExplorerApp
from cliploc.tui.screens.compose import ComposeScreen
from cliploc.tui.state import Source
from tests.tui.conftest import settled, until


async def test_keys_in_a_burst_reach_the_field_that_they_were_typed_into(
    make_app: Callable[..., ExplorerApp],
) -> None:
    app = make_app()
    async with app.run_test(size=(120, 40)) as pilot:
        await settled(pilot)
        await pilot.press("S")
        await settled(pilot)
        # Without a pause between them, as a slow link delivers them.
        for key in ["up", *"cross", "down", *"9", "tab", *"5", "shift+tab", "up", "up", *"erode"]:
            app.post_message(events.Key(key, key if len(key) == 1 else None))
        await settled(pilot)
        fields = {str(field.id).removeprefix("field-"): field.value for field in app.screen.query(Input)}
    assert fields["kernel"] == "cross"
    assert fields["dilate"] == "9"
    assert fields["erode"] == "5"
    assert fields["order"] == "erode"


async def test_the_stored_sets_are_named_and_one_is_taken(
    make_app: Callable[..., ExplorerApp], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cliploc.tui.studio.heatmaps.Worker.request", lambda *_, **__: None)
    app = make_app(source=Source(Recipe(method="gem").completed("toy")))
    async with app.run_test(size=(120, 40)) as pilot:
        await settled(pilot)
        await pilot.press("S")
        await until(lambda: "stored: good (9), noisy (9)" in cost(app), pilot)
        assert app.screen.query_one("#field-heatmaps", Input).value == "good"


async def test_a_set_that_is_not_stored_is_said_before_anything_starts(
    make_app: Callable[..., ExplorerApp],
) -> None:
    app = make_app()
    async with app.run_test(size=(120, 40)) as pilot:
        await settled(pilot)
        await pilot.press("S")
        await until(lambda: "stored:" in cost(app), pilot)
        app.screen.query_one("#field-heatmaps", Input).value = "godo"
        await until(lambda: "good" in cost(app) and "godo" in cost(app), pilot)
        await pilot.press("enter")
        await pilot.pause()
        assert isinstance(app.screen, ComposeScreen)


def cost(app: ExplorerApp) -> str:
    """What the dialog says that the grid costs, or what is wrong with it."""
    return str(app.screen.query_one("#cost", Static).render())


async def test_a_field_says_what_it_takes(make_app: Callable[..., ExplorerApp]) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        await pilot.press("S")
        await settled(pilot)
        allowed = app.screen.query_one("#allowed", Static)
        for axis in AXES:
            app.screen.query_one(f"#field-{axis.name}", Input).focus()
            await pilot.pause()
            assert axis.range_text() in str(allowed.content)
        assert allowed.region.bottom <= 24
