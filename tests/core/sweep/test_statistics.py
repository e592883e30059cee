"""Statistics against their definitions, and their promises under known truth."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from core.postprocess import THRESHOLDS, PostProcess
from core.sweep.plan import dealt, fold_of
from core.sweep.statistics import (
    UNIT,
    Table,
    best_of_replicates,
    cross_validated,
    holm,
    interval,
    paired,
    plateau,
    resampled,
    standard_error,
)
from core.sweep.summary import summary_of


def table_of(values: np.ndarray, folds: int = 5) -> Table:
    """A table of one image per row, dealt into folds in turn."""
    images = len(values)
    return Table(
        np.rint(values * UNIT).astype(np.uint16), np.ones(images, np.int64), np.arange(images) % folds
    )


@pytest.fixture
def values() -> np.ndarray:
    return np.random.default_rng(0).random((40, 30))


def test_cross_validation_equals_doing_it_by_hand(values: np.ndarray) -> None:
    table = table_of(values)
    found = cross_validated(table)
    assert found is not None
    held_out = np.empty(40)
    for fold in range(5):
        inside = np.arange(40) % 5 == fold
        choice = int(np.argmax(table.totals[~inside].sum(axis=0, dtype=int)))
        assert found.choices[fold] == choice
        held_out[inside] = table.totals[inside, choice] / UNIT
    np.testing.assert_allclose(found.held_out, held_out)
    assert found.mean == pytest.approx(held_out.mean())
    assert found.mean <= values.mean(axis=0).max()


def test_one_fold_cannot_be_cross_validated(values: np.ndarray) -> None:
    assert cross_validated(table_of(values, folds=1)) is None


def test_tuning_on_pure_noise_is_unmasked() -> None:
    noise = np.random.default_rng(1).random((200, 3000))
    found = cross_validated(table_of(noise))
    assert found is not None
    assert noise.mean(axis=0).max() > 0.55  # what the grid's best claims
    assert found.mean == pytest.approx(0.5, abs=0.03)  # what it is


def test_the_bootstrap_selects_anew_in_every_replicate(values: np.ndarray) -> None:
    table = table_of(values)
    best, chosen = best_of_replicates(table, 50, seed=3)
    weights = resampled(40, 50, seed=3)
    means = weights @ (table.totals / UNIT) / 40
    np.testing.assert_allclose(best, means.max(axis=1))
    np.testing.assert_array_equal(chosen, means.argmax(axis=1))
    assert len(set(chosen.tolist())) > 1


def test_groups_of_images_are_weighed_by_their_size() -> None:
    rng = np.random.default_rng(2)
    images = rng.random((60, 8))
    whole = table_of(images)
    sizes = np.array([20, 10, 30])
    bounds = np.cumsum([0, *sizes])
    totals = np.stack([whole.totals[a:b].sum(axis=0, dtype=np.uint64) for a, b in itertools.pairwise(bounds)])
    grouped = Table(totals, sizes, np.arange(3))
    found = cross_validated(grouped)
    assert found is not None
    assert found.mean == pytest.approx((found.held_out * sizes).sum() / 60)


def test_the_standard_error_is_that_of_a_mean(values: np.ndarray) -> None:
    table = table_of(values)
    expected = (table.totals[:, 4] / UNIT).std(ddof=1) / np.sqrt(40)
    assert standard_error(table, 4) == pytest.approx(expected)


def test_the_interval_covers_the_truth_as_often_as_it_says() -> None:
    rng = np.random.default_rng(3)
    covered = 0
    for trial in range(100):
        table = table_of(np.clip(rng.normal(0.5, 0.15, (80, 1)), 0, 1))
        low, high = interval(best_of_replicates(table, 300, seed=trial)[0])
        covered += low <= 0.5 <= high
    assert 86 <= covered <= 100


def test_a_real_difference_is_found_and_a_missing_one_is_not() -> None:
    rng = np.random.default_rng(4)
    first, noise = rng.random(200), rng.normal(0, 0.05, 200)
    sizes = np.ones(200, np.int64)
    better = paired(first + 0.03 + noise, first, sizes)
    assert better["low"] > 0
    assert better["p"] < 0.01
    same = paired(first + noise - noise.mean(), first, sizes)
    assert same["low"] < 0 < same["high"]
    assert same["p"] > 0.5
    assert paired(first, first, sizes)["difference"] == 0
    assert paired(first + 1, first, sizes, replicates=999)["p"] == 1 / 1000


def test_holm_corrects_step_by_step() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    assert holm([]) == []


def test_the_plateau_is_within_one_standard_error() -> None:
    assert plateau(np.array([0.5, 0.59, 0.6, 0.58]), 0.011).tolist() == [False, True, True, False]


def test_the_same_seed_gives_the_same_bits(values: np.ndarray) -> None:
    first, second = (best_of_replicates(table_of(values), 20, seed=1)[0] for _ in range(2))
    assert first.tobytes() == second.tobytes()


def test_folds_keep_what_was_cut_from_one_image_together() -> None:
    ids = [f"{label}_{number}" for number in range(50) for label in ("cat", "dining table")]
    sources = {id_: id_.rsplit("_", 1)[1] for id_ in ids}
    groups = dealt(ids, sources, 5, seed=0)
    assert sorted(id_ for group in groups for id_ in group) == sorted(ids)
    assert {len(group) for group in groups} == {20}
    for group in groups:
        assert {id_.replace("dining table", "cat") for id_ in group} <= set(group) | {"cat"}
    assert groups == dealt(list(reversed(ids)), sources, 5, seed=0)
    assert groups != dealt(ids, sources, 5, seed=1)
    assert [fold_of(group) for group in range(7)] == [0, 1, 2, 3, 4, 0, 1]


def test_the_summary_says_what_morphology_adds() -> None:
    rng = np.random.default_rng(5)
    images = rng.random((60, 1)) * 0.5
    configs = [PostProcess(), PostProcess(dilate=9, erode=9), PostProcess(dilate=41, erode=41)]
    offsets = np.repeat([0.0, 0.1998, 0.2], len(THRESHOLDS)) - np.tile(
        np.linspace(0, 0.1, len(THRESHOLDS)), 3
    )
    table = table_of(np.clip(images + 0.2 + offsets + rng.normal(0, 0.01, (60, 300)), 0, 1))
    means = table.totals.mean(axis=0) / UNIT
    found = summary_of(table, means, configs, {"cat": 60}, seed=0, per_image=True)
    assert found["best"]["mean_iou"] == means.max()
    assert found["best"]["config"]["dilate"] in (9, 41)
    assert found["plateau_smallest"]["config"]["dilate"] == 9
    assert found["raw"] is not None
    assert found["raw"]["config"]["dilate"] == 1
    assert found["raw"]["gain"]["difference"] == pytest.approx(0.2, abs=0.02)
    assert found["raw"]["gain"]["low"] > 0.15
    assert found["cross_validated"] is not None
    assert found["interval"][0] < found["best"]["mean_iou"] < found["interval"][1]
    assert found["oracle_threshold"] is not None
    assert found["oracle_cell"] is not None
    assert found["oracle_cell"] >= found["oracle_threshold"] >= found["best"]["mean_iou"] - 1e-4
    assert len(found["folds"]) == 5
