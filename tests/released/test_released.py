"""What release 0.1.0 left is opened, listed and marked, never hidden and never silently taken for true."""

from __future__ import annotations

import json
import sqlite3
import zipfile
from contextlib import closing
from pathlib import Path

import pytest

from cliploc.core.cli import main
from cliploc.core.commands.poster import _results
from cliploc.core.datasets import open_dataset
from cliploc.core.heatmaps.identity import OLD
from cliploc.core.heatmaps.recipe import Recipe
from cliploc.core.heatmaps.store import HeatmapStore
from cliploc.core.sweep.grid import Grid
from cliploc.core.sweep.ledger import Ledger
from cliploc.core.sweep.planning import planned

HERE = Path(__file__).parent
PERFECT, SOUND, IMPORTED_RUN, SUMS, PLANNED = "cb47b7eb", "a7f72ea6", "b09a7b3c", "2f3d17cd", "714468d5"
Capture = pytest.CaptureFixture[str]


@pytest.fixture
def left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder with 0.1.0's `home` (the present one), `toys` and `run.zip`."""
    with zipfile.ZipFile(HERE / "0.1.0.zip") as archive:
        archive.extractall(tmp_path / "left")
    monkeypatch.setenv("CLIPLOC_HOME", str(tmp_path / "left" / "home"))
    return tmp_path / "left"


def printed(capsys: Capture, *words: str) -> object:
    assert main([*words, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_heatmap_sets_are_listed_and_marked(left: Path, capsys: Capture) -> None:
    sets = HeatmapStore().sets()
    assert [found.name for found in sets] == ["gem-demo-vit-54dd92eb", "gem-demo-vit-afab8a78", "mine"]
    assert all(found.identity.mark == OLD for found in sets)
    assert [len(found.ids()) for found in sets] == [6, 6, 6]
    assert main(["heatmaps", "list"]) == 0
    assert capsys.readouterr().out.count("old") == 3
    assert main(["heatmaps", "show", "mine"]) == 0
    assert "made by release 0.1.0" in capsys.readouterr().out


def test_old_heatmaps_are_scored_when_asked_for_and_the_mark_stands_beside(
    left: Path, capsys: Capture
) -> None:
    spec = str(left / "toys" / "zeroone")
    assert main(["evaluate", "--heatmaps", "gem-demo-vit-54dd92eb", "--dataset", spec, "--json"]) == 0
    found = capsys.readouterr()
    assert json.loads(found.out)["best"]["mean_iou"] < 0.9  # 1.0 in 0.1.0
    assert "note: made by release 0.1.0" in found.err
    assert "mask value 1 is foreground" in found.err


def test_old_heatmaps_are_not_taken_for_new_ones(left: Path) -> None:
    recipe = Recipe("gem", "demo-vit", size=64).completed("sound")
    assert not any(recipe.matches(found.identity) for found in HeatmapStore().sets())


def test_old_heatmaps_of_other_pictures_are_refused(left: Path, capsys: Capture) -> None:
    spec = str(left / "toys" / "sound")
    assert main(["evaluate", "--heatmaps", "gem-demo-vit-54dd92eb", "--dataset", spec]) == 2
    assert "was made for another dataset" in capsys.readouterr().err


def test_runs_are_listed_shown_exported_and_marked(left: Path, capsys: Capture, tmp_path: Path) -> None:
    runs = {row.id: row for row in Ledger().runs()}
    assert set(runs) == {PERFECT, SOUND, IMPORTED_RUN, SUMS, PLANNED}
    assert all("release 0.1.0" in row.mark for row in runs.values())
    assert runs[PERFECT].best is not None
    assert runs[PERFECT].best.mean_iou == 1.0
    assert main(["runs", "list"]) == 0
    assert capsys.readouterr().out.count(" old") == 5
    assert main(["runs", "show", PERFECT]) == 0
    assert "masks of 0 and 1 were empty to it" in capsys.readouterr().out
    assert main(["runs", "export", SOUND]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 401
    assert main(["runs", "export", SUMS, "--bundle", "--out", str(tmp_path / "again.zip")]) == 0


def test_predictions_of_an_old_run_carry_its_mark(left: Path, capsys: Capture, tmp_path: Path) -> None:
    spec = str(left / "toys" / "zeroone")
    assert (
        main(["predictions", "export", "--run", PERFECT, "--dataset", spec, "-o", str(tmp_path / "out")]) == 0
    )
    assert "masks of 0 and 1 were empty to it" in capsys.readouterr().err


def test_an_old_run_is_not_gone_on_with_and_stays_what_it_is(left: Path, capsys: Capture) -> None:
    for run, state in ((PERFECT, "done"), (PLANNED, "interrupted")):
        assert main(["runs", "resume", run]) == 2
        assert "read true masks by another rule" in capsys.readouterr().err
        assert Ledger().run(run).state == state


def test_a_new_run_stands_beside_the_old_ones(left: Path, capsys: Capture) -> None:
    spec = str(left / "toys" / "zeroone")
    found = printed(
        capsys, "sweep", "--heatmaps", "gem-demo-vit-54dd92eb", "--dataset", spec,
        "--interpolation", "bilinear", "--dilate", "1:5:4", "--erode", "1:5:4",
        "--executor", "threads", "--engine", "opencv",
    )  # fmt: skip
    assert isinstance(found, dict)
    assert found["best"]["mean_iou"] < 0.9
    assert found["reading"] == 2
    assert any("release 0.1.0" in note for note in found["summaries"][0]["ground"]["notes"])
    assert len(Ledger().runs()) == 6
    with closing(sqlite3.connect(left / "home/state/runs.db")) as db:  # 0.1.0 says that this is newer
        assert db.execute("PRAGMA user_version").fetchone() == (2,)


def test_plans_of_old_runs_are_read_where_they_were_and_where_they_are_moved(left: Path) -> None:
    ledger = Ledger()
    runs = (PERFECT, SOUND, IMPORTED_RUN, SUMS, PLANNED)
    before = [ledger.plan(run).to_dict() for run in runs]
    assert all(plan["groups"] for plan in before)
    ledger.create(ledger.plan(SOUND))  # the first that is written
    assert [ledger.plan(run).to_dict() for run in runs] == before
    with closing(sqlite3.connect(left / "home/state/runs.db")) as db:
        assert {row[0] for row in db.execute("SELECT plan FROM runs")} == {""}
    assert all(ledger.label_scores(SOUND, 0, index) for index in range(len(ledger.plan(SOUND).grid.configs)))


def test_the_poster_does_not_take_an_old_run_for_done(left: Path) -> None:
    """The very same heatmaps and grid: 0.1.0's perfect score is computed anew."""
    grid = Grid(("bilinear",), ("dilate-erode",), dilates=(1, 5), erodes=(1, 5))
    spec = str(left / "toys" / "zeroone")
    plan = planned(["gem-demo-vit-54dd92eb"], grid, dataset=spec, engine="opencv")
    old = Ledger().plan(PERFECT)
    assert [found["key"] for found in old.sets] == [found["key"] for found in plan.sets]
    assert old.scores(open_dataset(spec))  # it is the dataset that was scored, files unchanged
    assert all(_results(Ledger().plan(row.id)) != _results(plan) for row in Ledger().runs())


def test_reports_over_old_and_new_runs_are_not_mixed(left: Path, capsys: Capture, tmp_path: Path) -> None:
    spec = str(left / "toys" / "sound")
    grid = ["--interpolation", "bilinear", "--dilate", "1", "--erode", "1", "--executor", "threads"]
    assert main(["sweep", "--heatmaps", "mine", "--dataset", spec, *grid, "--json"]) == 0
    new = json.loads(capsys.readouterr().out)["run"]
    assert main(["report", "--runs", f"{SOUND},{new}", "-o", str(tmp_path / "report")]) == 2
    assert "another rule" in capsys.readouterr().err


def test_a_bundle_is_taken_in_and_marked(left: Path, capsys: Capture) -> None:
    assert main(["runs", "delete", SUMS]) == 0
    assert main(["runs", "import", str(left / "run.zip")]) == 0
    row = Ledger().run(SUMS)
    assert (row.state, row.reading) == ("done", 1)
    assert row.best is not None
    assert row.best.mean_iou == pytest.approx(0.1239, abs=5e-5)


def test_a_ledger_in_a_folder_that_may_only_be_read_is_read(
    left: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Reading changes nothing in it."""
    before = (left / "home/state/runs.db").read_bytes()
    assert {row.reading for row in Ledger().runs()} == {1}
    assert (left / "home/state/runs.db").read_bytes() == before


def test_the_session_is_restored(left: Path) -> None:
    from cliploc.tui.session import datasets, restored
    from cliploc.tui.state import ExplorerState, Source

    assert datasets() == ["/srv/toys/zeroone"]
    found = restored("/srv/toys/zeroone", ExplorerState("x", Source()))
    assert (found.sample, found.config.dilate, found.marks) == ("ring_0002", 5, frozenset({"star_0000"}))
