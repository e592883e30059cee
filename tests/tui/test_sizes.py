"""What has its place at one size has a place at every size."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from cliploc.tui.app import ExplorerApp
from cliploc.tui.widgets.curve import CurvePanel
from cliploc.tui.widgets.pictures import Pane
from cliploc.tui.widgets.scores import ScorePanel
from tests.tui.conftest import settled

Make = Callable[..., ExplorerApp]


async def test_in_a_small_terminal_the_curve_comes_in_the_scores_place_and_leaves_again(
    make_app: Make,
) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        curve, scores = app.explorer.query_one(CurvePanel), app.explorer.query_one(ScorePanel)
        seen = []
        for _ in range(4):
            await pilot.press("C")
            await settled(pilot)
            seen.append((curve.display, scores.display, app.explorer.now.scope))
        assert seen == [
            (True, False, "all"),
            (False, True, "sample"),
            (True, False, "sample"),
            (True, False, "class"),
        ]
        await pilot.press("C")
        await settled(pilot)
        assert curve.size.height >= 4


@pytest.mark.parametrize("size", [(100, 40), (120, 40), (200, 60)])
async def test_where_there_is_room_curve_and_scores_are_both_there(
    make_app: Make, size: tuple[int, int]
) -> None:
    app = make_app()
    async with app.run_test(size=size) as pilot:
        await settled(pilot)
        assert app.explorer.query_one(CurvePanel).size.height >= 4
        assert app.explorer.query_one(ScorePanel).size.height >= 4


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (121, 41), (172, 55), (200, 60), (201, 61)])
async def test_pictures_beside_each_other_are_of_one_size(make_app: Make, size: tuple[int, int]) -> None:
    app = make_app()
    async with app.run_test(size=size) as pilot:
        await settled(pilot)
        assert len({pane.size for pane in app.explorer.query(Pane) if pane.display}) == 1
