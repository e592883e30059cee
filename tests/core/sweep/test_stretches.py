"""A sweep over the ways to stretch raw heatmaps, cell by cell beside the naive loop."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest

from cliploc.core.cli import main
from cliploc.core.datasets import Dataset, open_dataset
from cliploc.core.heatmaps.exchange import export_npz, import_npz
from cliploc.core.heatmaps.identity import STRETCHED, Identity
from cliploc.core.heatmaps.store import HeatmapSet, HeatmapStore
from cliploc.core.postprocess import STRETCHES
from cliploc.core.stretch import Raw, between
from cliploc.core.sweep.driver import drive
from cliploc.core.sweep.evaluate import evaluate
from cliploc.core.sweep.grid import Grid
from cliploc.core.sweep.ledger import Ledger
from cliploc.core.sweep.planning import planned
from tests.oracles import naive_counts, naive_scores

GRID = Grid(
    ("bilinear", "bicubic"), ("none", "dilate-erode"), dilates=(1, 9), erodes=(1, 5), stretches=STRETCHES
)
CELLS = 500


def stand_in(dataset: Dataset, tmp_path: Path, images: int) -> HeatmapSet:
    """Raw heatmaps of some samples: the true mask in small, blurred, noisy, of any range."""
    rng = np.random.default_rng(0)
    samples = dataset.samples[:: max(len(dataset.samples) // images, 1)][:images]
    heatmaps = []
    for sample in samples:
        mask = sample.true_mask()
        pooled = mask[: len(mask) // 8 * 8, : mask.shape[1] // 8 * 8].astype(np.float32)
        pooled = pooled.reshape(-1, 8, mask.shape[1] // 8, 8).mean((1, 3))
        heatmaps.append(rng.normal(0.1, 1, pooled.shape) * 0.4 + pooled * rng.uniform(0.5, 3))
    path = tmp_path / "raw.npz"
    np.savez(path, ids=np.array([sample.id for sample in samples]), heatmaps=np.stack(heatmaps))
    return import_npz(HeatmapStore(), path, dataset, "raw", normalize=True)


def check_cells(dataset: Dataset, made: HeatmapSet) -> None:
    ledger = Ledger()
    run = ledger.create(planned([made.name], GRID, engine="opencv", executor="threads", workers=2))
    assert drive(ledger, run) == "done"
    cells = list(ledger.cells(run))
    assert len(cells) == GRID.cells
    heatmaps = made.read_all()
    samples = [dataset.by_id(id_) for id_ in heatmaps]
    truths = [(sample.true_mask(), sample.id) for sample in samples]
    for cell in random.Random(0).sample(cells, CELLS):
        ious = []
        for truth, id_ in truths:
            (tp,), (predicted,) = naive_counts(heatmaps[id_], truth, cell.config, (cell.config.threshold,))
            ious.append(naive_scores(tp, predicted, int(truth.sum()), truth.size)["mean_iou"])
        assert cell.scores["mean_iou"] == pytest.approx(np.mean(ious), abs=1e-9), cell.config


def test_500_cells_on_the_demo_are_the_naive_loops(tmp_path: Path) -> None:
    dataset = open_dataset("demo")
    check_cells(dataset, stand_in(dataset, tmp_path, 6))


def test_500_cells_on_cocoglide_are_the_naive_loops(cocoglide: Path, tmp_path: Path) -> None:
    dataset = open_dataset(str(cocoglide))
    check_cells(dataset, stand_in(dataset, tmp_path, 6))


def test_evaluating_a_stretch_is_sweeping_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    dataset = open_dataset("demo")
    made = stand_in(dataset, tmp_path, 6)
    ledger = Ledger()
    run = ledger.create(planned([made.name], GRID, engine="opencv", executor="threads", workers=2))
    drive(ledger, run)
    for cell in random.Random(1).sample(list(ledger.cells(run)), 10):
        found = evaluate(made.read_all(made.ids()), dataset.scorable, cell.config)
        assert found.curves["mean_iou"][cell.config.threshold_index] == pytest.approx(cell.scores["mean_iou"])


def test_what_is_exported_is_stretched_as_always(tmp_path: Path) -> None:
    made = stand_in(open_dataset("demo"), tmp_path, 3)
    export_npz(made, tmp_path / "out.npz")
    with np.load(tmp_path / "out.npz") as out:
        for id_, heatmap in zip(out["ids"].tolist(), out["heatmaps"], strict=True):
            np.testing.assert_array_equal(heatmap, between(made.values()[id_]))


def test_a_set_of_before_is_marked_and_scored_as_it_was(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The store's version 1 held a method's heatmaps in [0, 1]; version 2 holds raw ones."""
    dataset = open_dataset("demo")
    values = stand_in(dataset, tmp_path, 4).values()
    identity = Identity(
        dataset.pictures, "gem", (("contrast", "none"),), "demo-vit", size=128,
        dataset_name="demo", dataset_spec="demo",
    )  # fmt: skip
    before, after = (HeatmapStore().open(each) for each in (identity, _raw(identity)))
    before.write({id_: between(each) for id_, each in values.items()})
    after.write(values)
    assert before.key != after.key
    assert (before.identity.mark, after.identity.mark) == (STRETCHED, "")
    assert not any(isinstance(each, Raw) for each in before.read_all().values())
    for config in Grid(("bilinear", "bicubic"), ("none",)).configs:
        one, other = (evaluate(each.read_all(), dataset.scorable, config) for each in (before, after))
        np.testing.assert_array_equal(one.counts.tp, other.counts.tp)
        np.testing.assert_array_equal(one.counts.predicted, other.counts.predicted)
    assert main(["heatmaps", "list"]) == 0
    assert capsys.readouterr().out.count("stretched") == 1
    assert main(["evaluate", "--heatmaps", before.key]) == 0
    assert f"note: {STRETCHED}" in capsys.readouterr().err


def _raw(identity: Identity) -> Identity:
    return Identity.from_dict({**identity.to_dict(), "raw": True})


def test_the_range_of_a_set_is_that_of_all_its_heatmaps(tmp_path: Path) -> None:
    made = stand_in(open_dataset("demo"), tmp_path, 4)
    values = np.stack(list(made.values().values()))
    for found in (made.read(made.ids()[2]), made.read_all()[made.ids()[1]]):
        assert isinstance(found, Raw)
        assert (found.low, found.high) == (values.min(), values.max())
