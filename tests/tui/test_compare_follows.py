"""Compare shows the sample under its cursor, under the post-processing that it names."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from textual.widgets import DataTable

import cliploc
from cliploc.core.datasets import Dataset
from cliploc.core.heatmaps.store import HeatmapStore
from cliploc.core.sweep.baselines import baseline_table
from cliploc.core.sweep.doubts import NO_NETWORK
from cliploc.core.sweep.statistics import UNIT
from cliploc.tui.app import ExplorerApp
from cliploc.tui.comparison import Standing, doubt_of
from cliploc.tui.curves import Curves
from cliploc.tui.screens.compare import CompareScreen
from cliploc.tui.widgets.pictures import Pane
from tests.tui.conftest import settled, until

Make = Callable[..., ExplorerApp]
SIZE = (160, 50)


async def test_what_needs_no_network_stands_among_the_contenders(make_app: Make, toy: Dataset) -> None:
    table = baseline_table(toy.samples)
    app = make_app()
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await pilot.press("v")
        await settled(pilot)
        screen = app.screen
        assert isinstance(screen, CompareScreen)
        assert [each.name for each in screen.candidates] == ["good", "noisy", *NO_NETWORK]
        for _ in range(4):
            await pilot.press("d")
        await settled(pilot)
        index = screen.state.config.threshold_index
        for place, candidate in enumerate(screen.candidates[2:]):
            standing = screen.standings.of(candidate)
            expected = table.totals[:, 100 * place + index] / UNIT
            assert standing.curves.at("mean_iou", index) == pytest.approx(expected.mean(), abs=1 / UNIT)
            assert standing.pictures
        before = app.explorer.now
        await pilot.press("j", "j", "enter")
        assert app.screen is screen
        assert app.explorer.now == before
        assert any("nothing to explore" in notice for notice in app.notices)


@pytest.mark.parametrize(("best", "said"), [(0.3, "no better than the whole image"), (0.31, "")])
def test_what_does_not_beat_the_whole_image_is_said_to(best: float, said: str) -> None:
    def standing(*values: float) -> Standing:
        return Standing("a", curves=Curves(1, {"mean_iou": values}))

    assert doubt_of(standing(0.1, best, 0.2), standing(0.3, 0.3, 0.3)) == said
    assert doubt_of(standing(0.1, best, 0.2), Standing()) == ""


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
        assert below in str(screen.query_one("#candidate-pictures").border_title)
        await until(lambda: all(screen.standings.looks_at[c] == below for c in screen.candidates), pilot)
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
        screen.client.studio.stand = lambda *_: None  # it never answers
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
        assert headings == ["", "images", "good", "noisy", "gain"]
        await pilot.press("d", "e", "t")
        await settled(pilot)
        config = screen.state.config
        assert (config.dilate, config.erode) == (5, 5)
        said = str(screen.query_one("#candidate-pictures").border_subtitle)
        assert f"dilate 5, erode 5, threshold {config.threshold:.3f}" in said
        for candidate in screen.candidates[:2]:
            assert candidate.config == config
            heatmaps = HeatmapStore().find(candidate.name)
            ious = [
                cliploc.score(heatmaps.read(s.id), s.true_mask(), config)["mean_iou"] for s in toy.samples
            ]
            shown = screen.standings.of(candidate).curves.at("mean_iou", config.threshold_index)
            assert shown == pytest.approx(np.mean(ious))
        await pilot.press("j", "enter")
        await settled(pilot)
        assert app.explorer.now.config == config
