"""Tables and their statistics against their definitions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cliploc.core.sweep.plan import dealt, fold_of
from cliploc.core.sweep.statistics import UNIT, IouTable, holm, plateau, standard_error, variance_of_mean


def table_of(values: np.ndarray) -> IouTable:
    """A table of one image per row."""
    return IouTable(np.rint(values * UNIT).astype(np.uint16), np.ones(len(values), np.int64))


@pytest.fixture
def values() -> np.ndarray:
    return np.random.default_rng(0).random((40, 30))


def test_samples_of_one_source_are_one_unit(values: np.ndarray) -> None:
    """The naive way: a dictionary of sums."""
    names = [f"photo {number % 7}" for number in range(40)]
    table = table_of(values)
    sums: dict[str, np.ndarray] = {}
    for name, row in zip(names, table.totals.astype(int), strict=True):
        sums[name] = sums.get(name, 0) + row
    found = table.by(names)
    np.testing.assert_array_equal(found.totals, [sums[name] for name in sorted(sums)])
    assert found.sizes.tolist() == [names.count(name) for name in sorted(sums)]
    assert found.images == 40


def test_units_are_in_the_order_of_their_names_whatever_the_order_of_the_rows(values: np.ndarray) -> None:
    names, order = [f"{number:02d}" for number in range(40)], np.random.default_rng(1).permutation(40)
    table = table_of(values)
    shuffled = IouTable(table.totals[order], table.sizes[order]).by([names[place] for place in order])
    np.testing.assert_array_equal(shuffled.totals, table.totals)


def test_the_standard_error_is_that_of_a_mean(values: np.ndarray) -> None:
    table = table_of(values)
    expected = (table.totals[:, 4] / UNIT).std(ddof=1) / np.sqrt(40)
    assert standard_error(table, 4) == pytest.approx(expected)


def test_the_error_of_a_mean_over_sources_takes_them_whole() -> None:
    """Three copies of every image tell no more than one of each."""
    once = np.random.default_rng(2).random((30, 1))
    thrice = table_of(np.repeat(once, 3, axis=0)).by([f"{place // 3:02d}" for place in range(90)])
    assert standard_error(thrice, 0) == pytest.approx(standard_error(table_of(once), 0), rel=1e-4)


@given(st.lists(st.tuples(st.integers(0, UNIT), st.integers(1, 5)), min_size=2, max_size=30))
def test_the_variance_of_a_mean_is_the_textbooks_ratio_estimator(units: list[tuple[int, int]]) -> None:
    totals = np.array([value * size for value, size in units])
    sizes = np.array([size for _, size in units])
    ratio = totals.sum() / UNIT / sizes.sum()
    naive = sum((t / UNIT - s * ratio) ** 2 for t, s in zip(totals.tolist(), sizes.tolist(), strict=True))
    naive *= len(units) / (len(units) - 1) / sizes.sum() ** 2
    assert variance_of_mean(totals[None, :], sizes)[0] == pytest.approx(naive, abs=1e-15)


def test_holm_corrects_step_by_step() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    assert holm([]) == []
    assert holm([0.01, None, 0.04]) == pytest.approx([0.02, None, 0.04])


def test_the_plateau_is_within_one_standard_error() -> None:
    assert plateau(np.array([0.5, 0.59, 0.6, 0.58]), 0.011).tolist() == [False, True, True, False]


def test_folds_keep_the_samples_of_a_source_together() -> None:
    ids = [f"{label}_{number}" for number in range(50) for label in ("cat", "dining table")]
    sources = {id_: id_.rsplit("_", 1)[-1] for id_ in ids}
    groups = dealt(ids, sources, 5, seed=0)
    assert sorted(id_ for group in groups for id_ in group) == sorted(ids)
    assert {len(group) for group in groups} == {20}
    for group in groups:
        assert {sources[id_] for id_ in group}.isdisjoint(
            sources[id_] for other in groups if other != group for id_ in other
        )
    assert groups == dealt(list(reversed(ids)), sources, 5, seed=0)
    assert groups != dealt(ids, sources, 5, seed=1)
    assert [fold_of(group) for group in range(7)] == [0, 1, 2, 3, 4, 0, 1]
