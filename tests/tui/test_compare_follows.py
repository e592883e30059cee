"""Compare shows the sample under its cursor, under the post-processing that it names."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from scipy import stats
from textual.widgets import DataTable

import core
from core.datasets import Dataset
from core.heatmaps.store import HeatmapStore
from tests.tui.conftest import settled, until
from tui.app import ExplorerApp
from tui.comparison import Standing, student, versus
from tui.screens.compare import CompareScreen
from tui.widgets.pictures import Pane

Make = Callable[..., ExplorerApp]
SIZE = (160, 50)


@pytest.mark.parametrize("freedom", [1, 2, 5, 6, 7, 10, 30, 500])
def test_the_interval_is_students(freedom: int) -> None:
    assert student(freedom) == pytest.approx(stats.t.ppf(0.975, freedom), abs=2e-3)


def test_the_margin_is_that_of_the_mean_of_paired_differences() -> None:
    rng = np.random.default_rng(0)
    first, second = rng.random(20), rng.random(20)
    ids = [str(n) for n in range(20)]
    found = versus(
        Standing({"mean_iou": dict(zip(ids, first.tolist(), strict=True))}),
        Standing({"mean_iou": dict(zip(ids, second.tolist(), strict=True))}),
        "mean_iou",
    )
    gains = second - first
    low, high = stats.t.interval(0.95, 19, gains.mean(), gains.std(ddof=1) / math.sqrt(20))
    assert found is not None
    assert found.margin == pytest.approx((high - low) / 2, rel=1e-3)


def test_one_image_has_no_interval() -> None:
    one = Standing({"mean_iou": {"a": 0.5}})
    found = versus(one, one, "mean_iou")
    assert found is not None
    assert found.margin is None


async def test_the_sample_under_the_cursor_is_shown(make_app: Make) -> None:
    app = make_app()
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await pilot.press("v")
        await settled(pilot)
        screen = app.screen
        assert isinstance(screen, CompareScreen)
        await pilot.press("c", "tab", "j", "j")
        await settled(pilot)
        changes = screen.query_one("#changes", DataTable)
        below = changes.get_row_at(changes.cursor_row)[0].plain
        assert changes.cursor_row == 2
        assert screen.state.sample == below
        assert below in str(screen.query_one("#contender-pictures").border_title)
        await until(lambda: all(screen._looks_at[c] == below for c in screen.contenders), pilot)
        captions = [str(pane.query_one(".caption").render()) for pane in screen.query(Pane) if pane.display]
        assert captions
        assert not any("…" in caption for caption in captions)


async def test_pictures_of_the_sample_before_are_marked_until_the_new_ones_come(make_app: Make) -> None:
    app = make_app()
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await pilot.press("v")
        await settled(pilot)
        screen = app.screen
        assert isinstance(screen, CompareScreen)
        screen.engine.stand = lambda *_: None  # it never answers
        await pilot.press("c", "tab", "j")
        await pilot.pause()
        captions = [str(pane.query_one(".caption").render()) for pane in screen.query(Pane) if pane.display]
        assert captions
        assert all(caption.endswith("…") for caption in captions)


async def test_sets_are_named_and_the_post_processing_is_said_and_steps(make_app: Make, toy: Dataset) -> None:
    app = make_app()
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await pilot.press("v")
        await settled(pilot)
        screen = app.screen
        assert isinstance(screen, CompareScreen)
        headings = [str(column.label) for column in screen.query_one("#changes", DataTable).ordered_columns]
        assert headings == ["", "images", "good", "noisy", "difference"]
        await pilot.press("d", "e", "t")
        await settled(pilot)
        config = screen.state.config
        assert (config.dilate, config.erode) == (5, 5)
        said = str(screen.query_one("#contender-pictures").border_subtitle)
        assert f"dilate 5, erode 5, threshold {config.threshold:.3f}" in said
        for contender in screen.contenders:
            assert contender.config == config
            heatmaps = HeatmapStore().find(contender.name)
            ious = [core.score(heatmaps.read(s.id), s.true_mask(), config)["mean_iou"] for s in toy.samples]
            shown = screen._standing(contender).scores["mean_iou"]
            assert np.mean(list(shown.values())) == pytest.approx(np.mean(ious))
        await pilot.press("j", "enter")
        await settled(pilot)
        assert app.explorer.now.config == config
