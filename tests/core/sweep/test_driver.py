"""A run: what it finds is exact, whoever works on it and however often it stops."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import cliploc
from cliploc.core.datasets import open_dataset
from cliploc.core.errors import ClipLocError, ParameterError, ResourceError, StoreError
from cliploc.core.heatmaps.store import HeatmapStore
from cliploc.core.lock import held
from cliploc.core.metrics import SCORES
from cliploc.core.sweep import arrays, driver, shard_files
from cliploc.core.sweep.driver import drive
from cliploc.core.sweep.evaluate import evaluate
from cliploc.core.sweep.grid import Grid
from cliploc.core.sweep.ledger import Ledger
from cliploc.core.sweep.planning import planned
from tests.oracles import naive_counts
from tests.sweeping import SMALL, heatmap_set, left_by, small_plan


@pytest.fixture
def toy(make_folder: Callable[..., Path]) -> str:
    return heatmap_set(make_folder)


def finished(**options: object) -> tuple[Ledger, str]:
    ledger = Ledger()
    run = ledger.create(small_plan("toy", **options))  # type: ignore[arg-type]
    assert drive(ledger, run) == "done"
    return ledger, run


def test_kept_counts_are_the_naive_ones(toy: str) -> None:
    ledger, run = finished()
    plan = ledger.plan(run)
    heatmaps, dataset = HeatmapStore().find(toy).read_all(), open_dataset(plan.dataset)
    for shard in plan.shards()[::4]:
        path = shard_files.counts_file(ledger, run, shard.position)
        counts = arrays.read_counts(path, ledger.shards(run)[shard.position])
        for place, id_ in enumerate(shard.ids):
            for index in (0, 3, len(plan.grid.configs) - 1):
                mask = dataset.by_id(id_).true_mask()
                tp, predicted = naive_counts(heatmaps[id_], mask, plan.grid.configs[index])
                assert counts.tp[place, index].tolist() == tp
                assert counts.predicted[place, index].tolist() == predicted


@pytest.mark.parametrize("keep", ["counts", "sums"])
def test_every_score_is_what_evaluating_the_config_gives(toy: str, keep: str) -> None:
    ledger, run = finished(keep=keep)
    plan = ledger.plan(run)
    heatmaps, dataset = HeatmapStore().find(toy).read_all(), open_dataset(plan.dataset)
    for index in (0, 2, len(plan.grid.configs) - 1):
        alone = evaluate(heatmaps, dataset.samples, plan.grid.configs[index])
        scores = ledger.config_scores(run, 0, index)
        assert set(SCORES) <= set(scores)
        for name, curve in alone.curves.items():
            np.testing.assert_allclose(scores[name], curve, rtol=0, atol=1e-11)
        assert scores["average_precision"][0] == pytest.approx(alone.average_precision, abs=1e-11)
        assert scores["px_ap"][0] == pytest.approx(alone.px_ap, abs=1e-12)


@pytest.mark.parametrize("keep", ["counts", "sums"])
def test_labels_are_scored_under_the_best_config_alone(toy: str, keep: str) -> None:
    ledger, run = finished(keep=keep)
    plan = ledger.plan(run)
    heatmaps, dataset = HeatmapStore().find(toy).read_all(), open_dataset(plan.dataset)
    best = ledger.run(run).best
    assert best is not None
    alone = evaluate(heatmaps, dataset.samples, best.config)
    found = [ledger.label_scores(run, 0, index) for index in range(len(plan.grid.configs))]
    place = plan.grid.configs.index(best.config.with_(threshold=plan.grid.configs[0].threshold))
    assert [index for index, labels in enumerate(found) if labels] == [place]
    assert set(found[place]) == set(dataset.labels)
    for label, curve in found[place].items():
        np.testing.assert_allclose(curve, alone.labels[label], rtol=0, atol=1e-7)


def test_folds_average_to_the_whole(toy: str) -> None:
    ledger, run = finished()
    plan = ledger.plan(run)
    sizes = np.array([len(group) for group in plan.groups])
    scores = ledger.config_scores(run, 0, 1)
    folds = np.array(scores["folds"]).reshape(len(sizes), -1)
    np.testing.assert_allclose(sizes @ folds / sizes.sum(), scores["mean_iou"], atol=1e-12)


@pytest.mark.parametrize(
    ("keep", "executor"), [("counts", "threads"), ("sums", "threads"), ("counts", "local")]
)
def test_a_run_that_stopped_and_went_on_is_a_run_that_never_stopped(
    toy: str, keep: str, executor: str
) -> None:
    ledger, whole = finished(keep=keep)
    broken = ledger.create(small_plan("toy", keep=keep, executor=executor))
    states = []
    for _ in range(4):
        asked = iter([False] * 6)
        states.append(drive(ledger, broken, stop=lambda asked=asked: next(asked, True)))  # type: ignore[misc]
    assert states[0] == "paused"
    assert states[-1] == "done"
    assert left_by(ledger, broken) == left_by(ledger, whole)
    files = [
        {path.name: path.read_bytes() for path in ledger.folder(run).glob("*.npz")} for run in (broken, whole)
    ]
    assert files[0] == files[1]
    assert (keep == "sums") == bool(files[0])


def test_several_heatmap_sets_are_scored_on_the_images_all_of_them_have(
    toy: str, make_folder: Callable[..., Path]
) -> None:
    other = heatmap_set(make_folder, "other", seed=5)
    ledger = Ledger()
    run = ledger.create(small_plan(toy, other))
    drive(ledger, run)
    row = ledger.run(run)
    assert row.heatmaps == (toy, other)
    assert row.images == 48
    assert ledger.finished_sets(run) == [0, 1]
    assert row.best is not None
    means = [summary["best"]["mean_iou"] for i in (0, 1) if (summary := ledger.summary(run, i))]
    assert row.best.mean_iou == max(means)
    cells = list(ledger.cells(run))
    assert len(cells) == row.cells == 2 * SMALL.cells
    top = ledger.top_cells(run, 3)
    assert [cell.scores["mean_iou"] for cell in top] == sorted(
        (cell.scores["mean_iou"] for cell in cells), reverse=True
    )[:3]


@pytest.mark.parametrize("keep", ["counts", "sums"])
def test_a_run_whose_labels_were_renamed_meanwhile_does_not_go_on(toy: str, keep: str) -> None:
    """The heatmaps are of the old label, and so are the sums by label: nothing of both may mix."""
    ledger, asked = Ledger(), iter([False] * 6)
    run = ledger.create(small_plan("toy", keep=keep))
    drive(ledger, run, stop=lambda: next(asked, True))
    table = next(Path(ledger.plan(run).dataset).glob("*.csv"))
    first, label = table.read_text(), sorted(open_dataset(ledger.plan(run).dataset).labels)[0]
    table.write_text(first.replace(f",{label}", ",zebra", 1))
    with pytest.raises(StoreError, match=r"labels or pictures of .* have changed"):
        drive(ledger, run)
    table.write_text(first)
    assert drive(ledger, run) == "done"


def test_a_damaged_array_is_computed_again(toy: str) -> None:
    ledger, run = finished()
    before = left_by(ledger, run)
    shard_files.counts_file(ledger, run, 2).write_bytes(b"not what it was")
    shard_files.counts_file(ledger, run, 3).unlink()
    assert drive(ledger, run) == "done"
    assert left_by(ledger, run) == before


def test_a_request_is_heard_between_shards(toy: str) -> None:
    ledger = Ledger()
    run = ledger.create(small_plan(toy))

    def progress(done: int, total: int) -> None:
        if done == 3:
            ledger.ask(run, "cancel")

    assert drive(ledger, run, progress=progress) == "cancelled"
    row = ledger.run(run)
    assert 3 <= row.shards_done < row.shards
    assert "resume" in row.message
    assert drive(ledger, run) == "done"


def test_two_drivers_never_work_on_one_run(toy: str) -> None:
    ledger = Ledger()
    run = ledger.create(small_plan(toy))
    with held(ledger.lock(run)):
        assert ledger.run(run).state == "waiting"
        with pytest.raises(StoreError, match="at work already"):
            drive(ledger, run)
        with pytest.raises(StoreError, match="cancel"):
            ledger.delete(run)
    ledger.delete(run)
    assert ledger.runs() == []


def test_a_claim_without_a_lock_is_an_interrupted_run(toy: str) -> None:
    ledger = Ledger()
    run = ledger.create(small_plan(toy))
    ledger.start(run, {})
    assert ledger.run(run).state == "interrupted"
    with held(ledger.lock(run)):
        assert ledger.run(run).state == "running"
    assert drive(ledger, run) == "done"


def test_a_full_disk_pauses_the_run(toy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger = Ledger()
    run = ledger.create(small_plan(toy))
    write, written = arrays.write_counts, []

    def full_after_three(path: Path, counts: object) -> str:
        if len(written) == 3:
            raise ResourceError("the disk is full")
        written.append(path)
        return write(path, counts)  # type: ignore[arg-type]

    monkeypatch.setattr(arrays, "write_counts", full_after_three)
    with pytest.raises(ResourceError):
        drive(ledger, run)
    row = ledger.run(run)
    assert (row.state, row.shards_done) == ("paused", 3)
    assert "disk is full" in row.message
    assert "resume" in row.message
    monkeypatch.undo()
    monkeypatch.setenv("CLIPLOC_HOME", str(ledger.path.parent.parent))
    assert drive(ledger, run) == "done"


def test_an_unexpected_failure_is_the_runs_message(toy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger = Ledger()
    run = ledger.create(small_plan(toy))
    monkeypatch.setattr(driver, "summary_of", lambda *_, **__: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        drive(ledger, run)
    row = ledger.run(run)
    assert row.state == "failed"
    assert "ZeroDivisionError" in row.message


def test_another_dataset_in_the_same_place_is_refused(toy: str, make_folder: Callable[..., Path]) -> None:
    ledger = Ledger()
    run = ledger.create(small_plan(toy))
    make_folder({"cat": 5}, name="toy")
    with pytest.raises(StoreError, match="changed"):
        drive(ledger, run)
    assert ledger.run(run).state == "failed"


def test_progress_rate_and_time_left_are_known_to_watchers(toy: str) -> None:
    ledger = Ledger()
    run = ledger.create(small_plan(toy))
    rows = []
    drive(ledger, run, progress=lambda done, total: rows.append(ledger.run(run)))
    assert [row.shards_done for row in rows] == list(range(len(rows)))
    assert {row.state for row in rows} == {"running"}
    assert rows[0].rate is None
    assert rows[5].rate is not None
    assert rows[5].eta is not None
    assert rows[5].best is not None
    assert 0 < rows[5].progress < 1


def test_the_size_decides_what_is_kept(toy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert planned([toy], SMALL).keep
    monkeypatch.setattr("cliploc.core.sweep.planning.KEPT_BYTES", 1000)
    streaming = planned([toy], SMALL)
    assert not streaming.keep
    assert len(streaming.groups) == 24  # one image each


def test_bad_plans_are_refused(toy: str, make_folder: Callable[..., Path]) -> None:
    elsewhere = heatmap_set(make_folder, "elsewhere", images=10, folder="another")
    for wrong in (
        {"heatmaps": [toy, elsewhere]},
        {"heatmaps": ["nothing"]},
        {"heatmaps": [toy], "keep": "everything"},
        {"heatmaps": [toy], "workers": 0},
    ):
        with pytest.raises(ParameterError):
            planned(**{"grid": SMALL, **wrong})  # type: ignore[arg-type]
    ledger = Ledger()
    run = ledger.create(replace(small_plan(toy), executor="cloud"))
    with pytest.raises(ParameterError, match="dask"):
        drive(ledger, run)


def test_the_function_of_the_package_runs_a_sweep(toy: str) -> None:
    row = cliploc.sweep(toy, Grid(("bilinear",), dilates=(1, 5), erodes=(1,)), executor="threads")
    assert row.state == "done"
    assert row.best is not None
    assert cliploc.sweep([toy], SMALL, executor="threads").configs == len(SMALL.configs)


def test_a_done_run_stays_done_where_its_heatmaps_are_gone(toy: str) -> None:
    """Nothing that was found is called failed because it cannot be found again."""
    ledger = Ledger()
    run = ledger.create(small_plan(toy, grid=SMALL))
    assert drive(ledger, run) == "done"
    found = left_by(ledger, run)
    store = HeatmapStore()
    store.remove(store.find(toy))
    with pytest.raises(ClipLocError):
        drive(ledger, run)
    row = ledger.run(run)
    assert row.state == "done"
    assert "going on with it failed" in row.message
    after = left_by(ledger, run)
    assert {name: after[name] for name in ("scores", "summaries", "best", "files")} == {
        name: found[name] for name in ("scores", "summaries", "best", "files")
    }
