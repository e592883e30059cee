"""What a sweep is said to take: measured on a little of it, and nothing of that is left behind."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cliploc.core.cli import main
from cliploc.core.cost import at_size
from cliploc.core.machine import cores, peak_memory, resident_memory, running_seconds
from cliploc.core.sweep.cost import Measured, measured
from cliploc.core.sweep.driver import drive
from cliploc.core.sweep.ledger import Ledger
from tests.sweeping import heatmap_set, small_plan

SIZES = st.integers(1, 1000)


@settings(deadline=None)
@given(SIZES, SIZES, st.integers(0, 10_000), st.integers(0, 1000), st.integers(0, 100))
def test_what_grows_evenly_is_found_at_any_size(
    first: int, step: int, more: int, constant: int, each: int
) -> None:
    sizes = (first, first + step)
    found = (constant + each * sizes[0], constant + each * sizes[1])
    assert at_size(sizes, found, sizes[1] + more) == pytest.approx(constant + each * (sizes[1] + more))


def test_what_seems_to_shrink_stays_as_it_is() -> None:
    assert at_size((1, 8), (100.0, 90.0), 64) == 90.0
    assert at_size((8, 8), (5.0, 5.0), 64) == 5.0


@pytest.fixture
def toy(make_folder: Callable[..., Path]) -> str:
    return heatmap_set(make_folder)


@pytest.fixture
def found(toy: str) -> Measured:
    return Measured(
        plan=replace(small_plan(toy), workers=cores()),
        start=1.0, shard=0.0, image=1.0, driver=0.01, finish=2.0, core=(1.0, 0.5, 0.25, 2.0),
        memory=100, finish_memory=20, worker_memory=50, disk=1000,
    )  # fmt: skip


def test_more_workers_take_less_time_until_the_driver_has_no_more_to_give(found: Measured) -> None:
    images = found.plan.images
    assert found.cost(100 * cores()).seconds == pytest.approx(1 + images * 0.01 + 2)
    assert found.cost(cores() + 1).seconds == pytest.approx(1 + images / (cores() + 1) + 2)


def test_here_the_driver_needs_a_core_as_well(found: Measured) -> None:
    assert found.cost(cores()).seconds == pytest.approx(1 + found.plan.images * 1.01 / cores() + 2)
    assert found.cost(cores()).memory == 120
    assert found.cost(2).core_seconds == pytest.approx(1 + 2 * 0.5 + found.plan.images * 0.25 + 2)
    assert found.cost(cores()).worker_memory == 50


@pytest.mark.parametrize("keep", ["counts", "sums"])
def test_the_disk_that_is_said_is_what_a_run_leaves(toy: str, keep: str) -> None:
    plan = replace(small_plan(toy, keep=keep), workers=1)
    said = measured(plan, budget=2.0).disk
    ledger = Ledger()
    assert drive(ledger, ledger.create(plan)) == "done"
    left = sum(file.stat().st_size for file in ledger.path.parent.rglob("*") if file.is_file())
    assert left / 1.2 < said < left * 1.2


@pytest.mark.parametrize("words", [["sweep", "--plan"], ["plan", "sweep"]])
def test_planning_enters_no_run(toy: str, words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*words, "--heatmaps", toy, "--dilate", "1", "--erode", "1", "--workers", "1",
                 "--on", "2,8", "--json"]) == 0  # fmt: skip
    rows = json.loads(capsys.readouterr().out)
    assert [row["workers"] for row in rows] == [1, 2, 8]
    assert all(row["memory_mb"] > row["worker_mb"] > 10 for row in rows)
    assert Ledger().runs() == []


def test_a_wrong_number_of_workers_is_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["plan", "sweep", "--heatmaps", "x", "--on", "0"])
    assert "--on" in capsys.readouterr().err


def test_a_process_knows_its_memory_and_its_age() -> None:
    assert peak_memory() >= resident_memory() > 1 << 20
    assert running_seconds() > 0
