"""The mouse does what it looks as if it did: bars are dragged, the curve is pressed, the wheel steps."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.events import MouseScrollDown, MouseScrollUp

from cliploc.core.postprocess import PARAMETERS, PostProcess
from cliploc.tui.app import ExplorerApp
from cliploc.tui.widgets.curve import AXIS, CurvePanel
from cliploc.tui.widgets.parameters import NAME_WIDTH, NUMBER_WIDTH, ParameterPanel
from tests.tui.conftest import settled, until

Make = Callable[..., ExplorerApp]
NUMBERS = [parameter for parameter in PARAMETERS if not parameter.choices]
BAR = NAME_WIDTH + NUMBER_WIDTH


def line_of(name: str) -> int:
    return [parameter.name for parameter in PARAMETERS].index(name)


@given(st.sampled_from(NUMBERS), st.floats(-1, 2))
def test_a_place_on_a_bar_is_an_allowed_value(parameter, place: float) -> None:
    value = getattr(PostProcess().with_(**{parameter.name: parameter.at(place)}), parameter.name)
    exact = parameter.low + min(max(place, 0), 1) * (parameter.high - parameter.low)
    assert abs(value - exact) <= parameter.step / 2 + 1e-9


async def test_a_bar_is_pressed_and_dragged_and_taken_back_at_once(make_app: Make) -> None:
    app = make_app(config=PostProcess(dilate=5))
    async with app.run_test(size=(160, 50)) as pilot:
        await settled(pilot)
        panel, y = app.explorer.query_one(ParameterPanel), line_of("dilate")
        corner = panel.content_offset
        room = panel.size.width - BAR - 5
        first, last = (corner.x + BAR + 3, corner.y + y), (corner.x + BAR + room - 1, corner.y + y)
        await pilot.mouse_down(panel, offset=first)
        await until(lambda: app.explorer.now.config.dilate != 5, pilot)
        await pilot.hover(panel, offset=last)
        await until(lambda: app.explorer.now.config.dilate == 97, pilot)
        await pilot.mouse_up(panel, offset=last)
        await pilot.hover(panel, offset=first)
        await settled(pilot)
        assert app.explorer.now.config.dilate == 97
        await pilot.press("u")
        assert app.explorer.now.config.dilate == 5


@pytest.mark.parametrize("name", [parameter.name for parameter in PARAMETERS])
async def test_the_wheel_steps_what_it_is_over(make_app: Make, name: str) -> None:
    app = make_app()
    async with app.run_test(size=(160, 50)) as pilot:
        await settled(pilot)
        panel, before = app.explorer.query_one(ParameterPanel), app.explorer.now.config
        place = (panel.content_offset.x + 2, panel.content_offset.y + line_of(name))
        await pilot._post_mouse_events([MouseScrollUp], panel, place)
        await until(lambda: app.explorer.now.config == before.stepped(name, 1), pilot)
        await pilot._post_mouse_events([MouseScrollDown], panel, place)
        await until(lambda: app.explorer.now.config == before, pilot)


async def test_a_press_on_the_curve_is_a_threshold(make_app: Make) -> None:
    app = make_app()
    async with app.run_test(size=(160, 50)) as pilot:
        await settled(pilot)
        panel = app.explorer.query_one(CurvePanel)
        await until(lambda: panel.curves is not None, pilot)
        corner, width = panel.content_offset, panel.size.width - AXIS
        for column in (0, width - 1, width // 2):
            index = round(column / (width - 1) * 99)
            await pilot.click(panel, offset=(corner.x + AXIS + column, corner.y + 1))
            await until(lambda index=index: app.explorer.now.config.threshold_index == index, pilot)
