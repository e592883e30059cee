"""What is said about a heatmap set: tuned, held out, against no morphology and against no network."""

from __future__ import annotations

import numpy as np
import pytest

from cliploc.core.datasets import Sample
from cliploc.core.postprocess import THRESHOLDS, PostProcess
from cliploc.core.sweep.baselines import BASELINES, baseline_table, baselines_of
from cliploc.core.sweep.choosing import folds_of, halves_of
from cliploc.core.sweep.doubts import doubts
from cliploc.core.sweep.earlier import upgraded
from cliploc.core.sweep.statistics import UNIT, IouTable
from cliploc.core.sweep.summary import Scored, Summary, summary_of
from tests.core.sweep.test_statistics import table_of

CONFIGS = [PostProcess(), PostProcess(dilate=9, erode=9), PostProcess(dilate=41, erode=41)]
_T = len(THRESHOLDS)


def scored(table: IouTable, units: list[str] | None = None, everything: int = 0, nothing: int = 0) -> Scored:
    means = table.totals.sum(axis=0) / UNIT / table.images
    counts = np.ones(table.totals.shape[1], np.int64)
    return Scored(table, units, means, everything * counts, nothing * counts, {"cat": table.images})


@pytest.fixture(scope="module")
def table() -> IouTable:
    """120 images that closing helps by 0.2, with a best threshold at 0."""
    rng = np.random.default_rng(5)
    images = rng.random((120, 1)) * 0.5
    offsets = np.repeat([0.0, 0.1998, 0.2], _T) - np.tile(np.linspace(0, 0.1, _T), 3)
    return table_of(np.clip(images + 0.2 + offsets + rng.normal(0, 0.01, (120, 3 * _T)), 0, 1))


@pytest.fixture(scope="module")
def found(table: IouTable) -> Summary:
    return summary_of(scored(table, [f"{place:03d}" for place in range(120)]), CONFIGS, seed=0)


def test_the_summary_says_what_morphology_adds(table: IouTable, found: Summary) -> None:
    assert found["best"]["mean_iou"] == (table.totals.mean(axis=0) / UNIT).max()
    assert found["best"]["config"]["dilate"] in (9, 41)
    assert found["plateau_smallest"]["config"]["dilate"] == 9
    assert found["raw"] is not None
    assert found["raw"]["config"]["dilate"] == 1
    gain = found["raw"]["gain"]
    assert gain["difference"] == pytest.approx(0.2, abs=0.02)
    assert gain["low"] is not None
    assert gain["low"] > 0.15
    assert (gain["images"], gain["sources"]) == (120, 120)
    assert found["cross_validated"] is not None
    assert found["raw"]["cross_validated"] + gain["difference"] == pytest.approx(found["cross_validated"])


def test_the_tuned_number_stands_beside_what_it_is_worth(found: Summary) -> None:
    assert found["interval"] is not None
    assert found["cross_validated"] is not None
    low, high = found["interval"]
    assert low < found["cross_validated"] < high
    assert found["cross_validated"] <= found["best"]["mean_iou"] + 1e-9
    assert len(found["folds"]) == 5
    assert found["oracle_threshold"] is not None
    assert found["oracle_cell"] is not None
    assert found["oracle_cell"] >= found["oracle_threshold"] >= found["best"]["mean_iou"] - 1e-4


def test_one_source_image_is_not_cross_validated_and_it_is_said_why(table: IouTable) -> None:
    found = summary_of(scored(table, ["the only photo"] * 120), CONFIGS, seed=0)
    assert found["cross_validated"] is None
    assert found["unvalidated"] == "all 120 samples come from one source image"
    assert (found["folds"], found["raw"], found["interval"]) == ([], None, None)
    assert found["oracle_cell"] is not None  # images are still told apart


def test_three_copies_of_every_image_are_no_more_certain_than_one(table: IouTable, found: Summary) -> None:
    copies = IouTable(np.repeat(table.totals, 3, axis=0), np.ones(360, np.int64))
    again = summary_of(scored(copies, [f"{place // 3:03d}" for place in range(360)]), CONFIGS, seed=0)
    assert (again["images"], again["sources"]) == (360, 120)
    assert again["interval"] == pytest.approx(found["interval"])


def test_every_order_is_tuned_alone_and_against_all_others(table: IouTable) -> None:
    """By hand: in each repeat and fold the best cell on the other folds, of the order and of the rest."""
    configs = [
        PostProcess(),
        PostProcess(dilate=9),
        PostProcess(dilate=9, erode=9),
        PostProcess(order="erode-dilate", dilate=9, erode=9),
        PostProcess(order="erode-dilate", erode=5),
    ]
    orders = np.repeat(["none", "dilate", "dilate-erode", "erode-dilate", "erode"], _T)
    rng = np.random.default_rng(11)
    values = table.totals[:, : 2 * _T] / UNIT
    some = table_of(
        np.clip(np.hstack([values, values, values[:, :_T]]) + rng.normal(0, 0.1, (120, 5 * _T)), 0, 1)
    )
    folds = folds_of(120, 0)

    def held_out(cells: np.ndarray) -> float:
        scores = []
        for fold in folds:
            for place, number in enumerate(fold):
                training = some.totals[fold != number][:, cells].sum(axis=0, dtype=np.int64)
                scores.append(some.totals[place, cells][training.argmax()] / UNIT)
        return float(np.mean(scores))

    def ahead_of(cells: np.ndarray) -> float:
        choosing, measured = (halves_of(120, 0)[0] == half for half in (1, 0))
        means = []
        for way in (cells, ~cells):
            place = some.totals[choosing][:, way].sum(axis=0, dtype=np.int64).argmax()
            means.append(some.totals[measured][:, way][:, place].mean() / UNIT)
        return float(means[0] - means[1])

    found = summary_of(scored(some, [f"{place:03d}" for place in range(120)]), configs, seed=0)["orders"]
    assert [one["order"] for one in found] == ["none", "dilate", "erode", "dilate-erode", "erode-dilate"]
    for one in found:
        own = orders == one["order"]
        assert one["mean_iou"] == pytest.approx((some.totals[:, own].mean(axis=0) / UNIT).max())
        assert one["cross_validated"] == pytest.approx(held_out(own), abs=1e-12)
        assert one["lead"]["difference"] == pytest.approx(ahead_of(own), abs=1e-12)
        assert one["lead"]["low"] is None
        assert one["lead"]["images"] == 60
        if one["order"] == "none":
            assert one["gain"] is None
        else:
            assert one["gain"] is not None
            without = held_out(orders == "none")
            assert one["gain"]["difference"] == pytest.approx(held_out(own) - without, abs=1e-12)


def test_one_order_has_no_rival(table: IouTable) -> None:
    units = [f"{place:03d}" for place in range(120)]
    alone = IouTable(table.totals[:, _T:], table.sizes)
    assert summary_of(scored(alone, units), CONFIGS[1:], seed=0)["orders"] == []


def test_groups_of_images_have_no_oracle(table: IouTable) -> None:
    found = summary_of(scored(table.by([f"{place % 20:03d}" for place in range(120)])), CONFIGS, seed=0)
    assert (found["oracle_threshold"], found["oracle_cell"]) == (None, None)
    assert (found["images"], found["sources"]) == (120, 20)


def test_a_best_cell_that_says_nothing_is_doubted(table: IouTable) -> None:
    units = [f"{place:03d}" for place in range(120)]
    assert doubts(summary_of(scored(table, units, everything=107), CONFIGS, seed=0)) == []
    (whole,) = doubts(summary_of(scored(table, units, everything=108), CONFIGS, seed=0))
    assert "predicts the whole image on 108 of 120 images" in whole
    (nothing,) = doubts(summary_of(scored(table, units, nothing=120), CONFIGS, seed=0))
    assert "predicts nothing at all on 120 of 120 images" in nothing


def test_a_best_cell_that_no_network_would_miss_is_doubted(table: IouTable) -> None:
    units = [f"{place:03d}" for place in range(120)]
    entry = {"name": "centre box", "mean_iou": 0.99, "threshold": 0.5, "cross_validated": 0.98}
    weak = {"name": "random", "mean_iou": 0.1, "threshold": 0.0, "cross_validated": 0.1}
    said = doubts(summary_of(scored(table, units), CONFIGS, 0, [entry, weak]))  # type: ignore[list-item]
    assert said == ["it does not beat what needs no network: centre box (0.9800)"]


def sample(mask: np.ndarray, ignored: np.ndarray | None = None) -> Sample:
    return Sample("one", "cat", lambda: np.zeros((*mask.shape, 3), np.uint8), lambda: mask, lambda: ignored)


def test_baselines_score_what_their_masks_score() -> None:
    """By boolean masks, threshold by threshold; pixels that are ignored are not there."""
    rng = np.random.default_rng(7)
    mask, ignored = rng.random((21, 34)) < 0.3, rng.random((21, 34)) < 0.1
    row = baseline_table([sample(mask, ignored)]).totals[0].reshape(len(BASELINES), _T) / UNIT
    for scores, make in zip(row, BASELINES.values(), strict=True):
        for threshold, score in zip(THRESHOLDS, scores, strict=True):
            predicted = make(mask.shape).astype(np.float64) >= threshold
            union = ((predicted | mask) & ~ignored).sum()
            naive = (predicted & mask & ~ignored).sum() / union if union else 1.0
            assert score == pytest.approx(naive, abs=1 / UNIT)


def test_the_whole_image_scores_the_share_of_the_object() -> None:
    masks = [np.arange(400).reshape(20, 20) < 40 * (k + 1) for k in range(6)]
    found = {one["name"]: one for one in baselines_of(baseline_table([sample(m) for m in masks]), seed=0)}
    assert list(found) == ["whole image", "centre box", "centre Gaussian", "random"]
    whole = found["whole image"]
    assert whole["mean_iou"] == pytest.approx(np.mean([m.mean() for m in masks]), abs=1e-4)
    assert whole["cross_validated"] == pytest.approx(whole["mean_iou"])
    assert whole["threshold"] is None


def test_a_centred_object_is_found_by_the_centre_box() -> None:
    mask = np.zeros((40, 60), bool)
    mask[10:30, 15:45] = True
    found = {one["name"]: one for one in baselines_of(baseline_table([sample(mask)]), seed=0)}
    assert found["centre box"]["mean_iou"] == 1.0
    assert found["centre box"]["cross_validated"] is None  # one source


def test_a_summary_of_an_earlier_version_keeps_its_estimates_and_loses_its_intervals() -> None:
    old = {
        "images": 120, "cross_validated": 0.6, "interval": [0.5, 0.7], "replicates": 500,
        "raw": {"mean_iou": 0.5, "cross_validated": 0.5, "gain": {"difference": 0.1, "low": 0.05, "high": 0.2,
                "p": 0.01, "images": 120}},
    }  # fmt: skip
    new = upgraded(old)
    assert (new["cross_validated"], new["interval"], new["sources"]) == (0.6, None, 0)
    assert new["raw"]["gain"] == {"difference": 0.1, "low": None, "high": None, "p": None, "images": 120,
                                  "sources": 0}  # fmt: skip
    assert (new["everything"], new["baselines"], new["orders"]) == (None, [], [])
    assert upgraded(new) == new
