"""Whatever the studio answers and when: a score or picture of a state that is not shown is marked."""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import cache
from statistics import fmean

import pytest

import cliploc
from cliploc.core.datasets import Dataset
from cliploc.core.heatmaps.store import HeatmapStore
from cliploc.core.postprocess import PostProcess
from cliploc.tui.app import ExplorerApp
from cliploc.tui.freshness import picture_key
from cliploc.tui.state import SCOPES
from cliploc.tui.widgets.curve import CurvePanel
from cliploc.tui.widgets.picture import Picture
from cliploc.tui.widgets.pictures import PictureGrid
from cliploc.tui.widgets.sample_list import SampleList
from cliploc.tui.widgets.scores import ScorePanel
from tests.tui.conftest import settled, until
from tests.tui.wayward import WaywardStudio

Make = Callable[..., ExplorerApp]
SIZE = (160, 50)
KEYS = ("d", "D", "e", "t", "T", "i", "j", "k", "right_square_bracket", "m", "u", "comma", "escape", "C")
STEPS = 40


class Truth:
    """What the scores of a state are, the slow way."""

    def __init__(self, dataset: Dataset) -> None:
        self.dataset = dataset
        self.iou = cache(self._iou)

    def _iou(self, set_: str, id_: str, config: PostProcess) -> float:
        heatmap = HeatmapStore().find(set_).read(id_)
        return float(cliploc.score(heatmap, self.dataset.by_id(id_).true_mask(), config)["mean_iou"])

    def of(self, app: ExplorerApp, scope: str) -> float:
        state = app.explorer.now
        label = self.dataset.by_id(state.sample).label
        members = {
            "sample": [state.sample],
            "class": [s.id for s in self.dataset.samples if s.label == label],
            "all": [s.id for s in self.dataset.samples],
        }[scope]
        return fmean(self.iou(state.source.stored, id_, state.config) for id_ in members)


def untrue(app: ExplorerApp, truth: Truth) -> list[str]:
    """What the explorer shows without a mark although it is not so."""
    return [*untrue_scores(app, truth), *untrue_list(app, truth), *untrue_pictures(app)]


def untrue_scores(app: ExplorerApp, truth: Truth) -> list[str]:
    explorer, found = app.explorer, []
    panel, curve = explorer.query_one(ScorePanel), explorer.query_one(CurvePanel)
    scopes = [scope for scope in SCOPES if scope not in panel.stale]
    shown = [(f"score of {scope}", scope, panel.curves[scope], panel.index) for scope in scopes]
    if "…" not in str(curve.border_title):
        shown.append(("curve", explorer.now.scope, curve.curves, curve.index))
    for what, scope, curves, index in shown:
        if curves is not None and explorer.now.source.stored:
            expected = truth.of(app, scope)
            if curves.at("mean_iou", index) != pytest.approx(expected):
                found.append(f"{what}: {curves.at('mean_iou', index)} for {expected}")
    return found


def untrue_list(app: ExplorerApp, truth: Truth) -> list[str]:
    explorer, samples = app.explorer, app.explorer.query_one(SampleList)
    state = explorer.now
    if "…" in str(samples.border_subtitle) or not state.source.stored or state.listing.sort != "table":
        return []
    return [
        f"list: {row.id} {row.value}"
        for row in samples._rows
        if row.id
        and row.value is not None
        and row.value != pytest.approx(truth.iou(state.source.stored, row.id, state.config))
    ]


def untrue_pictures(app: ExplorerApp) -> list[str]:
    explorer, studio = app.explorer, studio_of(app)
    found = []
    for name in explorer.query_one(PictureGrid).shown():
        pane = explorer.query_one(f"#pane-{name}")
        drawn = pane.query_one(Picture)._drawn
        if drawn is None or pane.is_stale:
            continue
        if drawn[0] != studio.made.get((name, picture_key(name, explorer.now))):
            found.append(f"picture: {name}")
    return found


def studio_of(app: ExplorerApp) -> WaywardStudio:
    studio = app.client._child.process
    assert isinstance(studio, WaywardStudio)
    return studio


@pytest.mark.parametrize("seed", range(4))
async def test_what_belongs_to_another_state_is_marked(
    make_app: Make, toy: Dataset, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    monkeypatch.setattr("cliploc.tui.studio_client.launched", WaywardStudio)
    monkeypatch.setattr("cliploc.tui.studio.heatmaps.Worker.request", lambda *_, **__: None)
    app, truth, rng = make_app(), Truth(toy), random.Random(seed)
    async with app.run_test(size=SIZE) as pilot:
        await until(lambda: app.explorer._generation > 0, pilot)
        for _ in range(STEPS):
            await pilot.press(rng.choice(KEYS))
            assert untrue(app, truth) == []
            studio_of(app).misbehave(rng)
            await pilot.pause()
            assert untrue(app, truth) == []
        studio_of(app).behave()
        await pilot.press("escape", "d", "t")
        await settled(pilot)
        assert untrue(app, truth) == []
        if app.explorer.now.source.stored:
            panes = [
                app.explorer.query_one(f"#pane-{name}")
                for name in app.explorer.query_one(PictureGrid).shown()
            ]
            await until(lambda: not app.explorer.query_one(ScorePanel).stale, pilot)
            await until(lambda: not any(pane.is_stale for pane in panes), pilot)
            assert "…" not in str(app.explorer.query_one(SampleList).border_subtitle)


async def test_scores_that_never_come_stay_marked(
    make_app: Make, toy: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cliploc.tui.studio_client.launched", WaywardStudio)
    app = make_app()
    async with app.run_test(size=SIZE) as pilot:
        await until(lambda: app.explorer._generation > 0, pilot)
        await until(lambda: studio_of(app).held, pilot)
        studio_of(app).behave()
        await settled(pilot)
        panel = app.explorer.query_one(ScorePanel)
        assert not panel.stale
        studio_of(app).is_wayward = True
        await pilot.press("d")
        await pilot.pause()
        assert panel.stale == set(SCOPES)
        assert "scoring" in str(panel.border_subtitle)
        assert app.explorer.query_one("#pane-mask").is_stale
        assert not app.explorer.query_one("#pane-image").is_stale
        await pilot.press("ctrl+e", "down", "enter")
        await pilot.pause()
        assert any("being computed" in notice for notice in app.notices)


async def test_a_threshold_is_another_cell_of_the_same_scores(make_app: Make) -> None:
    app = make_app()
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await pilot.press("t")
        assert not app.explorer.query_one(ScorePanel).stale
