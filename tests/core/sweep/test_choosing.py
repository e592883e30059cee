"""What a choice is worth, against doing it by hand, and against known truth."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from cliploc.core.sweep.choosing import (
    REPEATS,
    ahead,
    best_of,
    chosen,
    folds_of,
    halves_of,
    paired,
    trained,
    worth,
)
from cliploc.core.sweep.doubts import COMPARED_FROM, GAIN_FROM, LEAD_FROM, WORTH_FROM
from cliploc.core.sweep.statistics import UNIT, IouTable
from cliploc.core.sweep.student import quantile, two_sided
from tests.core.sweep.test_statistics import table_of


@pytest.fixture
def values() -> np.ndarray:
    return np.random.default_rng(0).random((60, 30))


@given(st.integers(2, 300), st.integers(0, 5))
def test_folds_share_the_units_evenly_and_anew_in_each_repeat(units: int, seed: int) -> None:
    folds = folds_of(units, seed)
    assert folds.shape == (REPEATS, units)
    for repeat in folds:
        counts = np.bincount(repeat)
        assert len(counts) == min(5, units)
        assert counts.max() - counts.min() <= 1
    np.testing.assert_array_equal(folds, folds_of(units, seed))


def test_cross_validation_equals_doing_it_by_hand(values: np.ndarray) -> None:
    """Units of several sizes; the best cell on the other folds, scored on the fold."""
    sizes = np.random.default_rng(1).integers(1, 4, 60)
    table = IouTable(np.rint(values * UNIT * sizes[:, None]).astype(np.uint32), sizes)
    folds = folds_of(60, seed=3)
    way = chosen(table, folds)
    for repeat in range(REPEATS):
        total = 0
        for fold in range(5):
            inside = folds[repeat] == fold
            sums = table.totals[~inside].sum(axis=0, dtype=int)
            choice = int(np.argmax(sums))
            assert way.choices[repeat, fold] == choice
            assert way.training[repeat, fold] == sums[choice]
            np.testing.assert_array_equal(way.held_out[repeat, inside], table.totals[inside, choice])
            total += int(table.totals[inside, choice].sum())
        assert way.means(sizes)[repeat] == pytest.approx(total / UNIT / sizes.sum())
    assert way.best == int(np.argmax(table.totals.sum(axis=0)))
    assert worth(way, sizes)["mean"] == pytest.approx(way.means(sizes).mean())


def test_choosing_goes_through_the_cells_in_pieces(
    values: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = chosen(table_of(values), folds_of(60, 0))
    monkeypatch.setattr("cliploc.core.sweep.choosing.CHUNK", 7 * 60)
    pieces = chosen(table_of(values), folds_of(60, 0))
    np.testing.assert_array_equal(pieces.choices, whole.choices)
    np.testing.assert_array_equal(pieces.held_out, whole.held_out)


def test_choosing_among_some_cells_is_choosing_in_their_own_table(values: np.ndarray) -> None:
    table, folds, cells = table_of(values), folds_of(60, 3), np.arange(values.shape[1]) % 3 == 1
    found, alone = trained(table, folds)[0].chosen(cells), chosen(table.only(cells), folds)
    places = np.flatnonzero(cells)
    assert (found.choices == places[alone.choices]).all()
    assert found.best == places[alone.best]
    for name in ("training", "held_out", "on_all"):
        assert (getattr(found, name) == getattr(alone, name)).all()


def test_tuning_on_pure_noise_is_unmasked() -> None:
    noise = np.random.default_rng(1).random((200, 3000))
    value = worth(chosen(table_of(noise), folds_of(200, 0)), np.ones(200, np.int64))
    assert noise.mean(axis=0).max() > 0.55  # what the grid's best claims
    assert value["mean"] == pytest.approx(0.5, abs=0.03)  # what it is
    assert value["low"] is not None
    assert value["high"] is not None
    assert value["low"] < 0.5 < value["high"]


def test_the_choice_among_ways_is_that_among_all_their_cells(values: np.ndarray) -> None:
    """Choosing a heatmap set inside the folds is choosing among the cells of all sets."""
    table, folds, sizes = table_of(values), folds_of(60, 0), np.ones(60, np.int64)
    parts = [IouTable(table.totals[:, first : first + 10], sizes) for first in (0, 10, 20)]
    found = best_of([chosen(part, folds) for part in parts], folds)
    whole = chosen(table, folds)
    np.testing.assert_array_equal(found.held_out, whole.held_out)
    np.testing.assert_array_equal(found.on_all, whole.on_all)
    assert worth(found, sizes) == worth(whole, sizes)


def test_identical_ways_do_not_differ(values: np.ndarray) -> None:
    way, sizes = chosen(table_of(values), folds_of(60, 0)), np.ones(60, np.int64)
    found = paired(way, way, sizes)
    assert (found["difference"], found["low"], found["high"], found["p"]) == (0.0, 0.0, 0.0, 1.0)


def test_a_real_difference_is_found_with_its_size() -> None:
    rng = np.random.default_rng(4)
    first, noise = rng.random((200, 20)) * 0.5, rng.normal(0, 0.05, (200, 1))
    sizes, folds = np.ones(200, np.int64), folds_of(200, 0)
    better = chosen(table_of(np.clip(first + 0.1 + noise, 0, 1)), folds)
    found = paired(better, chosen(table_of(first), folds), sizes)
    assert found["difference"] == pytest.approx(0.1, abs=0.02)
    assert found["low"] is not None
    assert found["low"] > 0.08
    assert found["p"] is not None
    assert found["p"] < 1e-6
    back = paired(chosen(table_of(first), folds), better, sizes)
    assert back["difference"] == -found["difference"]
    assert back["p"] == found["p"]


def test_one_source_more_or_less_decides_whether_there_is_an_interval() -> None:
    values = np.random.default_rng(5).random((GAIN_FROM, 6))
    for units in [n + d for n in (WORTH_FROM, COMPARED_FROM, GAIN_FROM) for d in (-1, 0)]:
        sizes, folds = np.ones(units, np.int64), folds_of(units, 0)
        first, second = (chosen(table_of(values[:units, part]), folds) for part in (slice(3), slice(3, 6)))
        assert (worth(first, sizes)["low"] is None) == (units < WORTH_FROM)
        assert (paired(first, second, sizes)["p"] is None) == (units < COMPARED_FROM)
        assert (paired(first, second, sizes, first.on_all)["p"] is None) == (units < GAIN_FROM)


def test_where_both_ways_choose_the_same_the_rival_keeps_the_interval_from_looking_certain() -> None:
    rng = np.random.default_rng(6)
    values = np.clip(np.array([0.6, 0.5]) + rng.normal(0, 0.05, (120, 2)), 0, 1)
    table, folds, sizes = table_of(values), folds_of(120, 0), np.ones(120, np.int64)
    everything, first = chosen(table, folds), chosen(IouTable(table.totals[:, :1], sizes), folds)
    alone = paired(everything, first, sizes)
    assert (alone["low"], alone["high"]) == (0.0, 0.0)
    found = paired(everything, first, sizes, table.totals[:, 1].astype(np.int64))
    assert found["low"] is not None
    assert found["low"] < -0.005


@given(st.integers(10, 1000), st.floats(0.5, 0.99))
def test_students_t_is_right_to_three_digits(freedom: int, level: float) -> None:
    expected = stats.t.ppf((1 + level) / 2, freedom)
    assert quantile(level, freedom) == pytest.approx(expected, rel=2e-3)
    assert two_sided(expected, freedom) == pytest.approx(1 - level, abs=3e-4)
    assert two_sided(quantile(level, freedom), freedom) == pytest.approx(1 - level, rel=1e-9)


@pytest.mark.parametrize("units", [LEAD_FROM - 1, LEAD_FROM])
def test_measured_on_the_half_that_did_not_choose(units: int) -> None:
    """By hand with SciPy: the best cells of one half, a paired t-test on the other."""
    table = table_of(np.random.default_rng(5).random((units, 40)))
    halves, ways = halves_of(units, seed=1), np.arange(40) < 25
    found = ahead(chosen(table.only(ways), halves), chosen(table.only(~ways), halves), table.sizes, halves)
    choosing, measured = (table.totals[halves[0] == half] / UNIT for half in (1, 0))
    first, second = (
        measured[:, cells][:, choosing[:, cells].mean(axis=0).argmax()] for cells in (ways, ~ways)
    )
    assert found["images"] == found["sources"] == len(measured)
    assert abs(len(choosing) - len(measured)) <= 1
    assert found["difference"] == pytest.approx((first - second).mean())
    if units < LEAD_FROM:
        assert (found["low"], found["high"], found["p"]) == (None, None, None)
    else:
        test = stats.ttest_rel(first, second)
        assert found["p"] == pytest.approx(test.pvalue, abs=1e-4)
        assert (found["low"], found["high"]) == pytest.approx(tuple(test.confidence_interval()), abs=1e-5)


@given(st.integers(2, 300), st.integers(0, 5))
def test_halves_are_halves(units: int, seed: int) -> None:
    halves = halves_of(units, seed)
    assert halves.shape == (1, units)
    assert halves.sum() == units // 2
