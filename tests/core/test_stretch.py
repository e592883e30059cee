"""Stretching raw heatmaps: each way equals its slow definition, and what was in [0, 1] stays."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from cliploc.core.codes import codes_for, map_of
from cliploc.core.postprocess import INTERPOLATIONS, STRETCHES, PostProcess
from cliploc.core.stretch import Raw, between, of_itself, on_grid, raw
from tests.oracles import naive_codes, naive_map

heatmaps = hnp.arrays(
    np.float32,
    hnp.array_shapes(min_dims=2, max_dims=2, max_side=6),
    elements=st.floats(-40, 40, width=16),
)
ways = st.builds(
    PostProcess, interpolation=st.sampled_from(INTERPOLATIONS), stretch=st.sampled_from(STRETCHES)
)


@given(heatmaps, st.tuples(st.integers(1, 20), st.integers(1, 20)), ways)
@settings(max_examples=150, deadline=None)
def test_a_raw_heatmap_is_stretched_as_the_definition_says(
    values: np.ndarray, shape: tuple[int, int], config: PostProcess
) -> None:
    heatmap = Raw(values, -41.0, 43.5)
    np.testing.assert_array_equal(
        codes_for(heatmap, shape, config), naive_codes(naive_map(heatmap, shape, config))
    )


@given(heatmaps, st.sampled_from(("nearest", "bilinear")))
@settings(max_examples=80, deadline=None)
def test_stretching_twice_is_stretching_after_enlarging(values: np.ndarray, interpolation: str) -> None:
    once = PostProcess(interpolation, stretch="map")
    first = between(values)
    np.testing.assert_allclose(
        map_of(of_itself(values), (23, 17), once), map_of(first, (23, 17), once), atol=1e-4
    )


def test_what_its_maker_brought_to_0_1_stays_as_it_is() -> None:
    given = np.array([[0.25, 0.5], [0.5, 0.75]], np.float32)
    assert on_grid(given, "grid") is given
    assert on_grid(given, "none") is given
    assert map_of(given, (2, 2), PostProcess("nearest", stretch="map")).tolist() == [[0, 0.5], [0.5, 1]]


def test_a_stretched_heatmap_is_stretched_again_to_the_same_bits() -> None:
    values = np.random.default_rng(0).normal(size=(9, 9)).astype(np.float32)
    np.testing.assert_array_equal(between(between(values)), between(values))


@pytest.mark.parametrize("stretch", STRETCHES)
def test_a_constant_heatmap_becomes_zeros(stretch: str) -> None:
    constant = of_itself(np.full((3, 3), 0.3, np.float32))
    assert not map_of(constant, (8, 8), PostProcess(stretch=stretch)).any()


def test_negative_values_are_nothing_to_positive() -> None:
    values = np.array([[-1, 0], [0.5, 1]], np.float32)
    assert map_of(of_itself(values), (2, 2), PostProcess("nearest", stretch="positive")).tolist() == [
        [0, 0],
        [0.5, 1],
    ]


def test_percentiles_that_are_one_point_leave_the_ends() -> None:
    values = np.zeros((20, 20), np.float32)
    values[3, 3] = 2
    assert on_grid(of_itself(values), "percentile").max() == 1


def test_the_heatmaps_of_a_set_share_a_range() -> None:
    values = {"a": np.array([[0, 1]], np.float32), "b": np.array([[-1, 3]], np.float32)}
    assert on_grid(raw(values)["a"], "none").tolist() == [[0.25, 0.5]]
    assert on_grid(raw(values, ranged=["a"])["a"], "none").tolist() == [[0, 1]]
