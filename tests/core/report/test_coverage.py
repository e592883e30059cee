"""Heatmap sets of different coverage are compared on the images that all of them have."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from cliploc.core.cli import main
from cliploc.core.datasets import open_dataset
from cliploc.core.errors import ParameterError
from cliploc.core.heatmaps.exchange import import_npz
from cliploc.core.heatmaps.store import HeatmapStore
from cliploc.core.report.findings import gathered
from cliploc.core.report.write import write_report
from cliploc.core.sweep import sweep
from cliploc.core.sweep.compare import compared, scored_sets
from cliploc.core.sweep.database import writing
from cliploc.core.sweep.grid import Grid
from cliploc.core.sweep.ledger import Ledger
from tests.sweeping import heatmap_set

GRID = Grid(("nearest",), dilates=(1, 5), erodes=(1, 5))


@pytest.fixture
def runs(make_folder: Callable[..., Path], tmp_path: Path) -> list[str]:
    """The very same heatmaps, swept over all 90 images and over two thirds of them."""
    name = heatmap_set(make_folder, "full", images=90)
    dataset = open_dataset(HeatmapStore().find(name).identity.dataset_spec)
    heatmaps = HeatmapStore().find(name).read_all()
    ids = [sample.id for place, sample in enumerate(dataset.samples) if place % 3]
    path = tmp_path / "part.npz"
    np.savez(path, ids=np.array(ids), heatmaps=np.stack([heatmaps[id_] for id_ in ids]))
    part = import_npz(HeatmapStore(), path, dataset, "part").name
    return [sweep(each, GRID, executor="threads", workers=2).id for each in (name, part)]


def test_identical_heatmaps_over_other_images_do_not_differ(runs: list[str]) -> None:
    ledger = Ledger()
    comparison = compared(ledger, [one for run in runs for one in scored_sets(ledger, run)])
    (pair,) = comparison.pairs
    assert pair.result["images"] == 60
    assert pair.result["difference"] == 0.0
    assert pair.p_holm in (1.0, None)  # None: fewer source images than it takes
    assert set(comparison.images.values()) == {60}
    full, part = comparison.standings.values()
    assert full == part


def test_every_number_of_a_report_is_over_the_same_images(runs: list[str]) -> None:
    """The set with more images is scored again: to the bit what the other found."""
    ledger = Ledger()
    found = gathered(ledger, runs, open_dataset(ledger.plan(runs[0]).dataset))
    full, part = found.sets
    assert len(found.ids) == 60
    again, whole = ({**each.summary, "ground": None} for each in (full, part))  # counted over the whole run
    assert json.loads(json.dumps(again)) == whole
    assert full.best.config == part.best.config
    assert full.best.mean_iou == part.best.mean_iou
    assert full.labels == pytest.approx(part.labels, abs=1e-6)  # the ledger keeps labels in float32
    for name, curve in part.best.curves.items():
        np.testing.assert_allclose(full.best.curves[name], curve, rtol=0, atol=1e-12)
    ((own, summary),) = found.own
    assert own is full
    assert summary["images"] == 90


def test_the_page_states_the_images_of_every_row(runs: list[str], tmp_path: Path) -> None:
    text = write_report(Ledger(), runs, tmp_path / "report").page.read_text()
    assert "Rows over different images do not compare" in text
    assert "over 60 images" in text.lower()
    markdown = (tmp_path / "report" / "tables.md").read_text()
    scores = markdown.split("### ")[1].splitlines()
    rows = [row for row in scores if row.startswith(("| full", "| part", "| whole image"))]
    assert len(rows) == 3
    assert all("| 60 |" in row for row in rows)


def test_without_the_dataset_classes_are_left_out_and_it_is_said(runs: list[str]) -> None:
    found = gathered(Ledger(), runs)
    assert found.sets[0].labels == {}
    assert found.sets[0].best.config == found.sets[1].best.config


def test_runs_that_kept_only_sums_are_not_mixed(
    runs: list[str], make_folder: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    sums = sweep("full", GRID, executor="threads", workers=2, keep="sums").id
    with pytest.raises(ParameterError, match="kept only sums"):
        gathered(Ledger(), [sums, runs[1]])
    assert main(["runs", "compare", sums, runs[1]]) == 2
    assert "kept only sums" in capsys.readouterr().err


def test_a_run_of_an_earlier_version_gets_todays_intervals_from_its_counts(
    make_folder: Callable[..., Path],
) -> None:
    """Its plan names no sources, its summary has other intervals; both are read, nothing is written."""
    ledger = Ledger()
    run = sweep(heatmap_set(make_folder, images=120), GRID, executor="threads", workers=2).id
    today = gathered(ledger, [run]).sets[0].summary
    with writing(ledger.path) as db:
        plan = ledger.plan(run).to_dict()
        del plan["sources"]
        old = {name: value for name, value in today.items() if name != "sources"}
        db.execute("UPDATE plans SET plan = ? WHERE run = ?", (json.dumps(plan), run))
        db.execute("UPDATE summaries SET data = ? WHERE run = ?", (json.dumps(old), run))
    assert ledger.summary(run, 0)["interval"] is None  # type: ignore[index]
    again = gathered(ledger, [run], open_dataset(ledger.plan(run).dataset)).sets[0].summary
    assert json.loads(json.dumps(again))["baselines"] == today["baselines"]
    assert again["sources"] == len({id_.rsplit("_", 1)[-1] for id_ in ledger.plan(run).sources})
    assert again["interval"] is not None
