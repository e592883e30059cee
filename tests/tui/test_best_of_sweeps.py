"""What sweeps found: of every set, applied with its set; and a sweep that is being started."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

import cliploc
from cliploc.core import paths
from cliploc.core.datasets import Dataset, open_dataset
from cliploc.core.datasets.spec import lasting
from cliploc.core.postprocess import PostProcess
from cliploc.core.sweep.grid import Grid
from cliploc.core.sweep.ledger import Ledger
from cliploc.tui.answers import RunsRead
from cliploc.tui.app import ExplorerApp
from cliploc.tui.runs import Leader, leaders_of, starting_text
from cliploc.tui.screens.sweeps import SweepsScreen
from cliploc.tui.studio.runs import Runs
from cliploc.tui.widgets.leaders import Leaders
from cliploc.tui.widgets.lines import StatusLine
from cliploc.tui.widgets.parameters import ParameterPanel
from tests.conftest import write_picture
from tests.tui.conftest import settled, until
from tests.tui.test_run_view import ROW

Make = Callable[..., ExplorerApp]
SIZE = (190, 60)
GRID = Grid(("bilinear",), dilates=(1, 5), erodes=(1, 5))


def swept(dataset: Dataset, *heatmaps: str) -> None:
    cliploc.sweep(heatmaps, GRID, dataset=dataset.spec, executor="threads", workers=1)


async def test_the_best_of_every_set_of_a_run_is_listed(make_app: Make, toy: Dataset) -> None:
    swept(toy, "good", "noisy")
    app = make_app()
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        app.client.studio.runs.poll()
        leaders = app.explorer.query_one(Leaders)
        await until(lambda: leaders.best, pilot)
        sets = [leader for leader in leaders.best if leader.config]
        assert [leader.name for leader in sets] == ["good", "noisy"]
        for index, leader in enumerate(sets):
            scores = Ledger().scores(Ledger().runs()[0].id, index, "mean_iou")
            assert leader.mean_iou == max(max(values) for values in scores)
            assert leader.images == 9
        others = {leader.name: leader.mean_iou for leader in leaders.best if not leader.config}
        found = Ledger().summary(Ledger().runs()[0].id, 0)
        assert found is not None
        assert others == {one["name"]: one["mean_iou"] for one in found["baselines"]}


async def test_runs_over_masks_that_were_mended_since_are_not_listed(make_app: Make, toy: Dataset) -> None:
    swept(toy, "noisy")
    mask = toy.samples[0].true_mask()
    path = next(Path(toy.spec).glob(f"mask/{toy.samples[0].id}*"))
    mask[0, 0] = not mask[0, 0]
    write_picture(path, mask.astype("uint8") * 255)
    mended = open_dataset(toy.spec)
    swept(mended, "good")
    said: list[RunsRead] = []
    runs = Runs(mended, lambda answer: said.append(answer), lambda error: None)
    runs._tell_runs()
    runs.close()
    new, old = Ledger().runs()
    assert said[-1].here == {new.id}
    assert [leader.name for leader in said[-1].leaders if leader.config] == ["good"]
    assert said[-1].runs == (new, old)


def test_the_best_over_more_images_stands_for_what_needs_no_network() -> None:
    def whole(value: float, images: int) -> list[Leader]:
        return [Leader("whole image", value, images, None)]

    runs = [replace(ROW, id=id_, best=None) for id_ in "ab"]
    assert leaders_of(runs, {"a": whole(0.4, 9), "b": whole(0.3, 12)}) == tuple(whole(0.3, 12))


async def test_a_best_cell_that_beats_nothing_is_said_to(make_app: Make) -> None:
    app = make_app()
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        panel = app.explorer.query_one(Leaders)
        doubt = "it does not beat what needs no network: whole image (0.3000)"
        panel.best = (
            Leader("whole image", 0.3, 9, None),
            Leader("set", 0.2, 9, PostProcess(), (doubt,)),
        )
        lines = [line.plain for line in panel.lines()]
        assert "no network" in lines[1]
        assert "! .200" in lines[2]
        assert " ".join(line.strip() for line in lines[4:]) == f"! {doubt}"


@pytest.mark.parametrize("way", [("a",), ("s", "a")])
async def test_the_best_of_another_set_is_shown_with_its_set(
    make_app: Make, toy: Dataset, way: tuple[str, ...]
) -> None:
    swept(toy, "noisy")
    app = make_app()
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        app.client.studio.runs.poll()
        await until(lambda: app.runs, pilot)
        for key in way:
            await pilot.press(key)
            await settled(pilot)
        await until(lambda: app.explorer.now.source.stored == "noisy", pilot)
        await settled(pilot)
        best = Ledger().runs()[0].best
        assert best is not None
        assert app.explorer.now.config == best.config
        board = app.explorer.scores.board
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
        monkeypatch.setattr(Dataset, "truth", "of another dataset")
        app.client.studio.runs.poll()
        await until(lambda: app.runs, pilot)
        before = app.explorer.now
        await pilot.press("a")
        assert app.explorer.now == before
        assert any("no run of this dataset" in notice for notice in app.notices)


def test_a_sweep_that_is_being_started_is_said_at_once(toy: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[RunsRead] = []
    goes_on = threading.Event()
    monkeypatch.setattr("cliploc.tui.studio.runs.planned", lambda *_, **__: goes_on.wait(60))
    runs = Runs(toy, lambda answer: said.append(answer), lambda error: None)
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
        app.screen.on_runs_read(RunsRead((), starting=(time.time() - 65,)))
        assert "starting a sweep … 1:05" in " ".join(app.screen.query_one(StatusLine).left)


def test_several_sweeps_that_are_being_started_are_counted() -> None:
    now = time.time()
    assert starting_text((now, now)).startswith("starting 2 sweeps …")


def test_a_copied_command_names_the_dataset_as_everybody_does() -> None:
    assert lasting(open_dataset("demo").spec) == "demo"
    assert lasting(str(paths.data_dir() / "cocoglide")) == "cocoglide"
