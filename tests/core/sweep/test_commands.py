"""`cliploc evaluate`, `sweep` and `runs` as scripts use them."""

from __future__ import annotations

import csv
import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from cliploc.core.cli import main
from cliploc.core.datasets import open_dataset
from cliploc.core.heatmaps.exchange import import_npz
from cliploc.core.heatmaps.store import HeatmapStore
from cliploc.core.postprocess import THRESHOLDS, PostProcess
from cliploc.core.sweep.evaluate import evaluate
from cliploc.core.sweep.ledger import Ledger
from tests.core.datasets.layouts import box_lists
from tests.sweeping import REPOSITORY, heatmap_set, small_plan, until

GRID = ["--interpolation", "bilinear", "--dilate", "1:9:4", "--erode", "1,5", "--executor", "threads"]


@pytest.fixture
def toy(make_folder: Callable[..., Path]) -> str:
    return heatmap_set(make_folder)


def output(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(list(arguments)) == 0
    return capsys.readouterr().out


def test_evaluate_prints_every_score_at_all_thresholds(toy: str, capsys: pytest.CaptureFixture[str]) -> None:
    found = json.loads(
        output(capsys, "evaluate", "--heatmaps", toy, "--dilate", "5", "--erode", "3", "--boxes", "--json")
    )
    assert tuple(row["threshold"] for row in found["scores"]) == THRESHOLDS
    heatmaps = HeatmapStore().find(toy)
    expected = evaluate(
        heatmaps.read_all(), heatmaps.dataset().samples, PostProcess(dilate=5, erode=3), boxes=True
    )
    for name, curve in expected.curves.items():
        assert [row[name] for row in found["scores"]] == curve.tolist()
    assert found["images"] == found["samples"] == 24
    assert found["config"] == {
        "interpolation": "bilinear", "order": "dilate-erode", "kernel": "square", "dilate": 5, "erode": 3,
        "stretch": "grid",
    }  # fmt: skip
    assert set(found["labels"]) == {"cat", "dog", "red car"}
    assert set(found["pointing"]) == {"0", "15"}
    assert 0 <= found["max_box_acc"] <= found["max_box_acc_v2"] + 1
    assert "per image" in found["convention"]


def test_where_boxes_are_all_that_is_known_no_iou_is_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    box_lists(tmp_path / "made")
    dataset = open_dataset(str(tmp_path / "made"))
    # One heatmap is the first of its picture's two boxes, the other lights up nowhere near its box.
    heatmaps = np.zeros((2, 6, 8), np.float32)
    heatmaps[0, 0:3, 0:3] = 1
    heatmaps[1, 5, 7] = 1
    np.savez(tmp_path / "maps.npz", ids=np.array(["a", "b"]), heatmaps=heatmaps)
    import_npz(HeatmapStore(), tmp_path / "maps.npz", dataset, "boxed")
    plain = ("evaluate", "--heatmaps", "boxed", "--interpolation", "nearest")
    found = json.loads(output(capsys, *plain, "--json"))
    assert found["max_box_acc"] == 0.5
    assert found["max_box_acc_v2"] == 0.5
    assert [row["box_acc"] for row in found["scores"]] == [0.0] + [0.5] * 99
    assert main(list(plain)) == 0
    printed = capsys.readouterr()
    assert "MaxBoxAcc 0.5000, MaxBoxAccV2 0.5000" in printed.err
    assert "mean_iou" not in printed.out + json.dumps(found)
    assert main(["sweep", "--heatmaps", "boxed", *GRID]) == 2
    assert "has boxes and no true masks" in capsys.readouterr().err


def test_evaluate_as_a_table_names_its_convention(toy: str, capsys: pytest.CaptureFixture[str]) -> None:
    table = output(capsys, "evaluate", "--heatmaps", toy)
    assert len(table.splitlines()) == 102
    assert "24 images" in table
    assert "per image" in table


def test_a_sweep_and_its_export(toy: str, capsys: pytest.CaptureFixture[str]) -> None:
    found = json.loads(output(capsys, "sweep", "--heatmaps", toy, *GRID, "--json"))
    assert found["state"] == "done"
    assert found["cells"] == 600
    text = output(capsys, "runs", "export", found["run"], "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert len(rows) == 600
    assert list(rows[0])[:11] == [
        "interpolation", "order", "kernel", "dilate", "erode", "threshold",
        "mean_iou", "precision", "recall", "f1", "pixel_accuracy",
    ]  # fmt: skip
    assert sorted({float(row["threshold"]) for row in rows}) == list(THRESHOLDS)
    best = max(rows, key=lambda row: float(row["mean_iou"]))
    assert float(best["mean_iou"]) == found["best"]["mean_iou"]
    assert {name: best[name] for name in ("dilate", "erode")} == {
        name: str(found["best"][name]) for name in ("dilate", "erode")
    }
    as_json = json.loads(output(capsys, "runs", "export", found["run"], "--format", "json"))
    assert [row["mean_iou"] for row in as_json] == [float(row["mean_iou"]) for row in rows]


def test_parquet_holds_the_same_cells(toy: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    run = json.loads(output(capsys, "sweep", "--heatmaps", toy, *GRID, "--json"))["run"]
    assert main(["runs", "export", run, "--format", "parquet"]) == 2  # binary needs a file
    path = tmp_path / "cells.parquet"
    output(capsys, "runs", "export", run, "--format", "parquet", "--out", str(path))
    table = parquet.read_table(path).to_pylist()
    rows = list(csv.DictReader(io.StringIO(output(capsys, "runs", "export", run))))
    assert [row["f1"] for row in table] == [float(row["f1"]) for row in rows]


def test_what_a_run_found_is_told_honestly(toy: str, capsys: pytest.CaptureFixture[str]) -> None:
    output(capsys, "sweep", "--heatmaps", toy, *GRID)
    words = output(capsys, "runs", "show", "last")
    for part in ("cells searched", "no interval", "cross-validated", "fold 4", "plateau", "no morphology",
                 "morphology adds", "source images", "tuned on these images", "oracle", "no result",
                 "whole image", "centre box", "centre Gaussian", "random", "without any"):  # fmt: skip
        assert part in words


def test_the_size_and_the_time_are_said_before_it_starts(
    toy: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["sweep", "--heatmaps", toy, "--order", "none,dilate", "--executor", "threads",
                 "--dilate", "1,5", "--erode", "1,5"]) == 0  # fmt: skip
    words = capsys.readouterr().err
    assert "6 configs x 100 thresholds" in words
    assert "same computation" in words
    assert "s of work for" in words
    assert "on disk" in words


def test_runs_are_listed_compared_and_deleted(
    toy: str, make_folder: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    other = heatmap_set(make_folder, "other", seed=8)
    first = json.loads(output(capsys, "sweep", "--heatmaps", toy, *GRID, "--json"))["run"]
    second = json.loads(output(capsys, "sweep", "--heatmaps", other, *GRID, "--json"))["run"]
    listed = json.loads(output(capsys, "runs", "list", "--json"))
    assert [row["run"] for row in listed] == [second, first]
    found = json.loads(output(capsys, "runs", "compare", first, second, "--json"))
    (pair,) = found["pairs"]
    assert found["images"] == {f"{first}:{toy}": 24, f"{second}:{other}": 24}
    assert (pair["first"], pair["second"]) == (f"{first}:{toy}", f"{second}:{other}")
    assert (pair["low"], pair["high"], pair["p"], pair["p_holm"]) == (None,) * 4  # of 24 images
    means = found["cross_validated"]
    assert pair["difference"] == pytest.approx(means[pair["first"]] - means[pair["second"]])
    told = {one["name"]: one["cross_validated"] for one in (Ledger().summary(first, 0) or {})["baselines"]}
    assert {one["heatmaps"]: one["cross_validated"] for one in found["baselines"]} == told
    said = output(capsys, "runs", "compare", first, second)
    assert "neither below 60 source images" in said
    assert "whole image (no network)" in said
    assert main(["runs", "compare", first]) == 2
    output(capsys, "runs", "delete", first)
    assert [row.id for row in Ledger().runs()] == [second]


@pytest.mark.parametrize(
    "arguments",
    [
        ["sweep", "--heatmaps", "toy", "--dilate", "4"],
        ["sweep", "--heatmaps", "toy", "--dilate", "9:1"],
        ["sweep", "--heatmaps", "toy", "--interpolation", "bilinaer"],
        ["sweep", "--heatmaps", "nothing"],
        ["sweep", "--heatmaps", "toy", "--executor", "cloud", "--dilate", "1", "--erode", "1"],
        ["sweep", "--heatmaps", "toy", "--engine", "gpu"],
        ["sweep", "--heatmaps", "toy", "--keep", "all"],
        ["evaluate", "--heatmaps", "toy", "--erode", "2"],
        ["evaluate", "--heatmaps", "toy", "--dataset", "/nowhere"],
        ["runs", "show", "nothing"],
        ["runs", "import", "/nowhere.zip"],
    ],
)
def test_bad_input_is_a_sentence_and_exit_code_2(
    toy: str, arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    words = capsys.readouterr().err
    assert "cliploc:" in words
    assert "Traceback" not in words


def test_a_detached_sweep_is_watched_cancelled_and_resumed(
    toy: str, capsys: pytest.CaptureFixture[str]
) -> None:
    ledger = Ledger()
    run = output(capsys, "sweep", "--heatmaps", toy, "--dilate", "1,5", "--detach").strip()
    assert main(["runs", "cancel", run]) == 0  # heard even before its process has begun
    until(lambda: ledger.run(run).state == "cancelled", "the end")
    assert main(["runs", "resume", run, "--detach"]) == 0
    until(lambda: ledger.run(run).state == "done", "the end", 120)
    assert main(["runs", "watch", run]) == 0


def test_ctrl_c_finishes_the_shards_and_leaves_the_run_resumable(toy: str) -> None:
    ledger = Ledger()
    run = ledger.create(small_plan("toy", shard_images=1, executor="local"))
    process = subprocess.Popen(
        [sys.executable, "-m", "cliploc.core.cli", "runs", "resume", run],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    until(lambda: ledger.run(run).shards_done >= 1, "a shard")
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does it: to the workers too
    _, errors = process.communicate(timeout=60)
    row = ledger.run(run)
    if row.state != "done":  # it may have been at its last shards
        assert process.returncode == 130, errors.decode()
        assert row.state == "paused"
        assert "finishing the shards" in errors.decode()
        assert main(["runs", "resume", run]) == 0
    assert ledger.run(run).state == "done"


def test_scores_of_a_subset_say_so(
    make_folder: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    dataset = open_dataset(str(make_folder({"cat": 4}, name="few")))
    path = tmp_path / "few.npz"
    ids = [sample.id for sample in dataset.samples[:3]]
    np.savez(path, ids=np.array(ids), heatmaps=np.random.default_rng(0).random((3, 4, 4), dtype=np.float32))
    from cliploc.core.heatmaps.exchange import import_npz

    import_npz(HeatmapStore(), path, dataset, "few")
    assert main(["evaluate", "--heatmaps", "few", "--json"]) == 0
    printed = capsys.readouterr()
    assert "1 of 4 samples have no heatmap" in printed.err
    assert json.loads(printed.out)["images"] == 3
