"""Runs of the ledger against each other, from the sweeps panel."""

from __future__ import annotations

from collections.abc import Callable

from textual.widgets import DataTable

import cliploc
from cliploc.core.datasets import Dataset
from cliploc.core.sweep.doubts import NO_NETWORK
from cliploc.core.sweep.grid import Grid
from cliploc.tui.app import ExplorerApp
from cliploc.tui.screens.paired import PairedScreen, better, csv_of, score_rows
from cliploc.tui.screens.sweeps import SweepsScreen
from tests.tui.conftest import settled, until

Make = Callable[..., ExplorerApp]
GRID = Grid(("bilinear",), dilates=(1, 5), erodes=(1, 5))
PAIR = {"first": "a:x", "second": "b:y", "difference": 0.2, "low": 0.1, "high": 0.3, "p_holm": 0.01}


async def test_two_marked_runs_are_tested_against_each_other(make_app: Make, toy: Dataset) -> None:
    for name in ("noisy", "good"):
        cliploc.sweep(name, GRID, dataset=toy.spec, executor="threads", workers=1)
    app = make_app()
    async with app.run_test(size=(120, 40)) as pilot:
        await settled(pilot)
        await pilot.press("s")
        await until(lambda: app.screen.query_one("#runs", DataTable).row_count == 2, pilot)
        await pilot.press("asterisk", "j", "c")
        await until(lambda: isinstance(app.screen, PairedScreen), pilot)
        await until(lambda: app.screen.query_one("#pairs", DataTable).row_count == 1, pilot)
        scores = app.screen.query_one("#scores-of-runs", DataTable)
        shown = [str(scores.get_row_at(n)[1]) for n in range(scores.row_count)]
        assert [name for name in shown if name not in NO_NETWORK] == ["good", "noisy"]
        assert set(shown) >= set(NO_NETWORK)
        await pilot.press("escape")
        await until(lambda: isinstance(app.screen, SweepsScreen), pilot)


async def test_one_set_alone_has_nothing_to_be_compared_with(make_app: Make, toy: Dataset) -> None:
    cliploc.sweep("good", GRID, dataset=toy.spec, executor="threads", workers=1)
    app = make_app()
    async with app.run_test(size=(120, 40)) as pilot:
        await settled(pilot)
        await pilot.press("s")
        await until(lambda: app.screen.query_one("#runs", DataTable).row_count == 1, pilot)
        await pilot.press("c")
        await until(lambda: "nothing to compare it with; mark another run with *" in app.notices, pilot)
        assert isinstance(app.screen, SweepsScreen)


def test_a_difference_that_cannot_be_told_from_none_is_called_so() -> None:
    assert better(PAIR) == "first"
    assert better(PAIR | {"difference": -0.2, "low": -0.3, "high": -0.1}) == "second"
    assert better(PAIR | {"p_holm": 0.2}) == "–"
    assert better(PAIR | {"low": -0.1}) == "–"
    assert better(PAIR | {"low": None, "high": None, "p_holm": None}) == "–"


def test_the_best_run_comes_first() -> None:
    found = {"cross_validated": {"a:x": 0.5, "b:y": 0.75}, "images": {"a:x": 9, "b:y": 1200}}
    whole = {"heatmaps": "whole image", "cross_validated": 0.6, "images": 1200}
    assert score_rows(found | {"baselines": [whole]}) == [
        ("b", "y", ".7500", "1,200"),
        ("no network", "whole image", ".6000", "1,200"),
        ("a", "x", ".5000", "9"),
    ]


def test_the_pairs_are_written_with_all_their_numbers() -> None:
    lines = csv_of({"pairs": [PAIR]}).splitlines()
    assert lines == ["first,second,difference,low,high,p_holm", "a:x,b:y,0.2,0.1,0.3,0.01"]
