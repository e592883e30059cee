"""Composing a sweep with the keyboard."""

from __future__ import annotations

from collections.abc import Callable

from textual import events
from textual.widgets import Input

from tests.tui.conftest import settled
from tui.app import ExplorerApp


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
