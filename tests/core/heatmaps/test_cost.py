"""What computing heatmaps is said to take: a little of it is done, and nothing is stored."""

from __future__ import annotations

import json

import pytest

from cliploc.core.cli import main
from cliploc.core.datasets import open_dataset
from cliploc.core.heatmaps.cost import Measured, measured
from cliploc.core.heatmaps.extract import compute
from cliploc.core.heatmaps.recipe import Recipe
from cliploc.core.heatmaps.store import HeatmapStore


def test_the_disk_that_is_said_is_what_is_stored() -> None:
    dataset = open_dataset("demo")
    recipes = [Recipe("maskclip").completed("demo"), Recipe("clearclip").completed("demo")]
    said = measured(recipes, dataset, device="cpu", batch=0, budget=1.0).cost(1)
    assert HeatmapStore().sets() == []
    sets = compute(recipes, dataset, HeatmapStore(), device="cpu")
    assert said.disk == pytest.approx(sum(each.disk_bytes for each in sets), rel=0.1)
    assert said.memory > 100e6
    assert said.worker_memory == said.device_memory == 0


def test_machines_share_whole_batches() -> None:
    found = Measured(
        pictures=100, batch=8, devices=1, start=10.0, image=1.0, core=(4.0, 2.0),
        memory=100, device_memory=0, store=50,
    )  # fmt: skip
    assert found.cost(1).seconds == 110
    assert found.cost(2).seconds == 10 + 7 * 8
    assert found.cost(100).seconds == 10 + 8
    assert found.cost(2).core_seconds == 2 * 4 + 100 * 2
    assert found.cost(2).memory == 100


def test_the_command_computes_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["plan", "heatmaps", "--dataset", "demo", "--method", "maskclip", "--on", "4", "--json"]
    assert main(words) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [row["workers"] for row in rows] == [1, 4]
    assert rows[0]["seconds"] >= rows[1]["seconds"]
    assert HeatmapStore().sets() == []
