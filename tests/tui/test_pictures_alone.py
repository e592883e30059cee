"""The explorer on pictures that nobody has marked: what is known is shown, and no score is."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from textual.pilot import Pilot

from cliploc.core.datasets import Dataset, open_dataset
from cliploc.core.heatmaps.exchange import import_npz
from cliploc.core.heatmaps.store import HeatmapStore
from cliploc.core.terminal import Terminal
from cliploc.tui import session
from cliploc.tui.__main__ import parser
from cliploc.tui.actions import ACTIONS
from cliploc.tui.app import ExplorerApp
from cliploc.tui.screens.explorer import ExplorerScreen
from cliploc.tui.start import initial_state
from cliploc.tui.state import ExplorerState, Source
from cliploc.tui.widgets.scores import ScorePanel
from tests.conftest import write_picture
from tests.tui.conftest import KEYS, SIDE, settled
from tests.tui.threaded import ThreadedStudio

SIZE = (140, 45)
# What a score or a lost number looks like: `.612`, `1.000`, `nan`.
NUMBERS = re.compile(r"(?<!\w)(\.\d{2,3}|1\.000|nan)(?!\w)", re.IGNORECASE)


@pytest.fixture
def photographs(tmp_path: Path) -> Dataset:
    """Three pictures, two things to look for, and the heatmap sets `one` and `other`."""
    folder, rng = tmp_path / "photographs", np.random.default_rng(1)
    for number in range(3):
        write_picture(folder / f"photo_{number}.png", rng.integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8))
    dataset = open_dataset(f"{folder}?prompt=a red car ; a tree")
    for number, name in enumerate(("one", "other")):
        maps = [cv2.GaussianBlur(rng.random((8, 8)).astype(np.float32), (3, 3), 1 + number) for _ in range(6)]
        ids = [sample.id for sample in dataset.samples]
        np.savez(tmp_path / f"{name}.npz", ids=ids, heatmaps=np.stack(maps))
        import_npz(HeatmapStore(), tmp_path / f"{name}.npz", dataset, name)
    return dataset


@pytest.fixture
def app(photographs: Dataset, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., ExplorerApp]:
    monkeypatch.setattr("cliploc.tui.app.POLL_SECONDS", 3600.0)
    monkeypatch.setattr("cliploc.tui.studio_client.launched", ThreadedStudio)
    for name in ("request", "request_text"):
        monkeypatch.setattr(f"cliploc.tui.studio.heatmaps.Worker.{name}", lambda *_, **__: None)
    monkeypatch.chdir(tmp_path)
    session.mark_hints_seen()
    state = ExplorerState(photographs.samples[0].id, Source(stored="one"))
    made = ExplorerApp(photographs, state, Terminal("halfcell", truecolor=True), KEYS)
    made.animation_level = "none"
    yield made
    made.client.close()


def text_of(app: ExplorerApp) -> str:
    """What is on the screen, but for the parameters, whose numbers are nobody's scores."""
    parameters = app.explorer.parameters.region
    lines = [
        [*"".join(segment.text for segment in strip)] for strip in app.screen._compositor.render_strips()
    ]
    if isinstance(app.screen, ExplorerScreen):
        for line in lines[parameters.y : parameters.bottom]:
            line[parameters.x : parameters.right] = " " * parameters.width
    return "\n".join("".join(line) for line in lines)


async def test_what_is_known_of_the_mask_stands_where_scores_would(app: ExplorerApp) -> None:
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        panel = app.explorer.query_one(ScorePanel)
        assert set(panel.known) >= {"peak", "area", "parts", "agreement"}
        assert "2 sets" in panel.known["agreement"]
        assert "nobody has marked the truth" in text_of(app)
        assert not NUMBERS.search(text_of(app).replace(panel.known["agreement"], ""))


async def nothing_is_made_up(app: ExplorerApp, pilot: Pilot[int], key: str) -> None:
    await settled(pilot)
    agreement = app.explorer.query_one(ScorePanel).known.get("agreement", "")
    found = NUMBERS.search(text_of(app).replace(agreement, ""))
    assert not found, f"{key}: {found}\n{text_of(app)}"


EXPLORER_KEYS = [
    (action.name, key)
    for action in ACTIONS
    if action.scope in ("explorer", "app") and action.name != "quit"
    for key in action.keys.split(",")[:1]
]


@pytest.mark.parametrize(("name", "key"), EXPLORER_KEYS)
async def test_every_key_works_and_shows_no_score(app: ExplorerApp, name: str, key: str) -> None:
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await pilot.press(key)
        if name != "help" and name != "palette":
            await nothing_is_made_up(app, pilot, name)
        await settled(pilot)
        assert app.is_running
        assert not [notice for notice in app.notices if "Error" in notice or "unexpected" in notice]


PAGES = {"inside": "w", "compare": "v", "sweeps": "s"}
PAGE_KEYS = [
    (PAGES[action.scope], action.name, action.keys.split(",")[0])
    for action in ACTIONS
    if action.scope in PAGES
]


@pytest.mark.parametrize(("way", "name", "key"), PAGE_KEYS)
async def test_every_key_of_the_pages_works_and_shows_no_score(
    app: ExplorerApp, way: str, name: str, key: str
) -> None:
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await pilot.press(way)
        await settled(pilot)
        await pilot.press(key)
        await settled(pilot)
        assert app.is_running
        assert not [notice for notice in app.notices if "Error" in notice or "unexpected" in notice]


def test_a_place_may_stand_alone(photographs: Dataset) -> None:
    arguments = parser().parse_args(["pictures", "--prompt", "a red car ; a tree"])
    assert (arguments.place, arguments.dataset, arguments.prompt) == ("pictures", None, "a red car ; a tree")
    fresh = parser().parse_args(["--fresh"])
    assert initial_state(photographs, fresh).source.recipe.template == "<label>"
