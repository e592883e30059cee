"""The explorer on pictures that nobody has marked: what is known is shown, and no score is."""

from __future__ import annotations

import re

import pytest
from textual.pilot import Pilot

from cliploc.core.datasets import Dataset
from cliploc.tui.__main__ import parser
from cliploc.tui.actions import ACTIONS
from cliploc.tui.app import ExplorerApp
from cliploc.tui.screens.explorer import ExplorerScreen
from cliploc.tui.start import initial_state
from cliploc.tui.widgets.scores import ScorePanel
from tests.tui.conftest import settled

SIZE = (140, 45)
# What a score or a lost number looks like: `.612`, `1.000`, `nan`.
NUMBERS = re.compile(r"(?<!\w)(\.\d{2,3}|1\.000|nan)(?!\w)", re.IGNORECASE)


def text_of(app_alone: ExplorerApp) -> str:
    """What is on the screen, but for the parameters, whose numbers are nobody's scores."""
    parameters = app_alone.explorer.parameters.region
    lines = [
        [*"".join(segment.text for segment in strip)]
        for strip in app_alone.screen._compositor.render_strips()
    ]
    if isinstance(app_alone.screen, ExplorerScreen):
        for line in lines[parameters.y : parameters.bottom]:
            line[parameters.x : parameters.right] = " " * parameters.width
    return "\n".join("".join(line) for line in lines)


async def test_what_is_known_of_the_mask_stands_where_scores_would(app_alone: ExplorerApp) -> None:
    async with app_alone.run_test(size=SIZE) as pilot:
        await settled(pilot)
        panel = app_alone.explorer.query_one(ScorePanel)
        assert set(panel.known) >= {"peak", "area", "parts", "agreement"}
        assert "2 sets" in panel.known["agreement"]
        assert "nobody has marked the truth" in text_of(app_alone)
        assert not NUMBERS.search(text_of(app_alone).replace(panel.known["agreement"], ""))


async def nothing_is_made_up(app_alone: ExplorerApp, pilot: Pilot[int], key: str) -> None:
    await settled(pilot)
    agreement = app_alone.explorer.query_one(ScorePanel).known.get("agreement", "")
    found = NUMBERS.search(text_of(app_alone).replace(agreement, ""))
    assert not found, f"{key}: {found}\n{text_of(app_alone)}"


EXPLORER_KEYS = [
    (action.name, key)
    for action in ACTIONS
    if action.scope in ("explorer", "app") and action.name != "quit"
    for key in action.keys.split(",")[:1]
]


@pytest.mark.parametrize(("name", "key"), EXPLORER_KEYS)
async def test_every_key_works_and_shows_no_score(app_alone: ExplorerApp, name: str, key: str) -> None:
    async with app_alone.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await pilot.press(key)
        if name != "help" and name != "palette":
            await nothing_is_made_up(app_alone, pilot, name)
        await settled(pilot)
        assert app_alone.is_running
        assert not [notice for notice in app_alone.notices if "Error" in notice or "unexpected" in notice]


PAGES = {"inside": "w", "compare": "v", "sweeps": "s"}
PAGE_KEYS = [
    (PAGES[action.scope], action.name, action.keys.split(",")[0])
    for action in ACTIONS
    if action.scope in PAGES
]


@pytest.mark.parametrize(("way", "name", "key"), PAGE_KEYS)
async def test_every_key_of_the_pages_works_and_shows_no_score(
    app_alone: ExplorerApp, way: str, name: str, key: str
) -> None:
    async with app_alone.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await pilot.press(way)
        await settled(pilot)
        await pilot.press(key)
        await nothing_is_made_up(app_alone, pilot, name)
        assert app_alone.is_running
        assert not [notice for notice in app_alone.notices if "Error" in notice or "unexpected" in notice]


def test_a_place_may_stand_alone(photographs: Dataset) -> None:
    arguments = parser().parse_args(["pictures", "--prompt", "a red car ; a tree"])
    assert (arguments.place, arguments.dataset, arguments.prompt) == ("pictures", None, "a red car ; a tree")
    fresh = parser().parse_args(["--fresh"])
    assert initial_state(photographs, fresh).source.recipe.template == "<label>"
