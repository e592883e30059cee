"""What sweeps found: of every set, applied with its set; and a sweep that is being started."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import core
from core import paths
from core.datasets import Dataset, open_dataset
from core.sweep.grid import Grid
from core.sweep.ledger import Ledger
from tests.tui.conftest import settled, until
from tui.answers import RunsRead
from tui.app import ExplorerApp
from tui.runs import starting_text
from tui.screens.dialogs import portable
from tui.screens.sweeps import SweepsScreen
from tui.studio.runs import Runs
from tui.widgets.leaders import Leaders
from tui.widgets.lines import StatusLine
from tui.widgets.parameters import ParameterPanel

Make = Callable[..., ExplorerApp]
SIZE = (190, 60)
GRID = Grid(("bilinear",), dilates=(1, 5), erodes=(1, 5))


def swept(dataset: Dataset, *heatmaps: str) -> None:
    core.sweep(heatmaps, GRID, dataset=dataset.spec, executor="threads", workers=1)


async def test_the_best_of_every_set_of_a_run_is_listed(make_app: Make, toy: Dataset) -> None:
    swept(toy, "good", "noisy")
    app = make_app()
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        app.engine.runs.poll()
        leaders = app.explorer.query_one(Leaders)
        await until(lambda: len(leaders.best) == 2, pilot)
        assert [best.heatmaps for best in leaders.best] == ["good", "noisy"]
        for best in leaders.best:
            scores = Ledger().scores(
                Ledger().runs()[0].id, ["good", "noisy"].index(best.heatmaps), "mean_iou"
            )
            assert best.mean_iou == max(max(values) for values in scores)
            assert best.images == 9


@pytest.mark.parametrize("way", [("a",), ("s", "a")])
async def test_the_best_of_another_set_is_shown_with_its_set(
    make_app: Make, toy: Dataset, way: tuple[str, ...]
) -> None:
    swept(toy, "noisy")
    app = make_app()
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        app.engine.runs.poll()
        await until(lambda: app.runs, pilot)
        for key in way:
            await pilot.press(key)
            await settled(pilot)
        await until(lambda: app.explorer.now.source.stored == "noisy", pilot)
        await settled(pilot)
        best = Ledger().runs()[0].best
        assert best is not None
        assert app.explorer.now.config == best.config
        board = app.explorer.board
        assert board is not None
        assert board.curves().at("mean_iou", best.config.threshold_index) == pytest.approx(best.mean_iou)
        assert "tuned on its images" in app.explorer.query_one(ParameterPanel).tuned
        await pilot.press("u")
        assert app.explorer.now.source.stored == "good"


async def test_a_run_over_another_dataset_is_not_applied_by_itself(
    make_app: Make, toy: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    swept(toy, "noisy")
    app = make_app()
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        object.__setattr__(app.engine.dataset, "name", "elsewhere")
        app.engine.runs.poll()
        await until(lambda: app.runs, pilot)
        before = app.explorer.now
        await pilot.press("a")
        assert app.explorer.now == before
        assert any("no run of this dataset" in notice for notice in app.notices)


def test_a_sweep_that_is_being_started_is_said_at_once(toy: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[RunsRead] = []
    goes_on = threading.Event()
    monkeypatch.setattr("tui.studio.runs.Runs._run", lambda *_: goes_on.wait(60))
    runs = Runs(toy.spec, lambda answer: said.append(answer), lambda error: None)
    began = time.time()
    runs.start(("good",), GRID)
    while not any(answer.starting for answer in said):
        assert time.time() - began < 60
    goes_on.set()
    while said[-1].starting:
        assert time.time() - began < 60
    runs.close()


async def test_the_sweeps_page_says_that_one_is_being_started(make_app: Make) -> None:
    app = make_app()
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await pilot.press("s")
        await settled(pilot)
        assert isinstance(app.screen, SweepsScreen)
        app.screen.on_runs_read(RunsRead((), {}, (time.time() - 65,)))
        assert "starting a sweep … 1:05" in " ".join(app.screen.query_one(StatusLine).left)


def test_several_sweeps_that_are_being_started_are_counted() -> None:
    now = time.time()
    assert starting_text((now, now)).startswith("starting 2 sweeps …")


def test_a_copied_command_names_the_dataset_as_everybody_does() -> None:
    assert portable(open_dataset("demo").spec) == "demo"
    assert portable(str(paths.data_dir() / "cocoglide")) == "cocoglide"
    assert portable(str(Path("somewhere"))) == "somewhere"
