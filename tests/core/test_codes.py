"""Codes: one pass that equals one pass per threshold."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from cliploc.core.codes import codes_for, codes_of, kernel_of, map_of, mask_of, morphed
from cliploc.core.errors import ParameterError
from cliploc.core.postprocess import INTERPOLATIONS, KERNELS, STRETCHES, THRESHOLDS, PostProcess
from tests.oracles import naive_codes, naive_counts, naive_kernel, naive_map, naive_morphology

ties = [np.float32(t) for t in THRESHOLDS]
neighbours = [
    *ties,
    *(np.nextafter(t, np.float32(2)) for t in ties),
    *(np.nextafter(t, np.float32(-1)) for t in ties),
]
values = st.one_of(st.floats(0, 1, width=32), st.sampled_from([float(t) for t in neighbours if 0 <= t <= 1]))
small_shapes = hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=12)
maps = hnp.arrays(np.float32, small_shapes, elements=values)
odd_sides = st.integers(0, 24).map(lambda half: 2 * half + 1)


@given(maps)
def test_codes_equal_counting_thresholds_one_by_one(map_: np.ndarray) -> None:
    np.testing.assert_array_equal(codes_of(map_), naive_codes(map_))


def test_codes_are_right_on_and_around_every_threshold() -> None:
    map_ = np.array([[t for t in neighbours if 0 <= t <= 1]], np.float32)
    np.testing.assert_array_equal(codes_of(map_), naive_codes(map_))


def test_codes_are_right_for_ten_million_values() -> None:
    map_ = np.linspace(0, 1, 10_000_000, dtype=np.float32).reshape(1000, -1)
    expected = np.searchsorted(THRESHOLDS, map_.astype(np.float64), side="right")
    np.testing.assert_array_equal(codes_of(map_), expected)


@given(hnp.arrays(np.uint8, small_shapes, elements=st.integers(0, 100)), st.sampled_from(KERNELS),
       st.sampled_from(["dilate", "erode"]), odd_sides)  # fmt: skip
@settings(max_examples=60, deadline=None)
def test_morphology_ignores_what_is_outside_the_image(
    plane: np.ndarray, kernel: str, name: str, side: int
) -> None:
    config = PostProcess(order=name, kernel=kernel, dilate=side, erode=side)
    np.testing.assert_array_equal(
        morphed(plane, config), naive_morphology(plane, name, naive_kernel(kernel, side))
    )


@pytest.mark.parametrize("kernel", KERNELS)
def test_kernels_are_what_their_names_say(kernel: str) -> None:
    for side in range(1, 100, 2):
        np.testing.assert_array_equal(kernel_of(kernel, side), naive_kernel(kernel, side))


@given(
    hnp.arrays(np.float32, hnp.array_shapes(min_dims=2, max_dims=2, max_side=6), elements=values),
    st.tuples(st.integers(1, 40), st.integers(1, 40)),
    st.builds(
        PostProcess,
        interpolation=st.sampled_from(INTERPOLATIONS),
        order=st.sampled_from(["none", "dilate", "erode", "dilate-erode", "erode-dilate"]),
        kernel=st.sampled_from(KERNELS),
        dilate=odd_sides,
        erode=odd_sides,
        threshold=st.sampled_from(THRESHOLDS),
        stretch=st.sampled_from(STRETCHES),
    ),
)
@settings(max_examples=150, deadline=None)
def test_the_mask_is_what_thresholding_first_gives(
    heatmap: np.ndarray, shape: tuple[int, int], config: PostProcess
) -> None:
    everything = np.ones(shape, bool)
    (expected,), _ = naive_counts(heatmap, everything, config, (config.threshold,))
    mask = mask_of(heatmap, shape, config)
    assert mask.shape == shape
    assert int(mask.sum()) == expected
    np.testing.assert_array_equal(mask, codes_for(heatmap, shape, config) > config.threshold_index)


def test_bicubic_is_clipped() -> None:
    heatmap = np.zeros((4, 4), np.float32)
    heatmap[1:3, 1:3] = 1
    map_ = map_of(heatmap, (64, 64), PostProcess("bicubic"))
    assert map_.min() == 0
    assert map_.max() == 1
    np.testing.assert_array_equal(map_, naive_map(heatmap, (64, 64), PostProcess("bicubic")))


def test_a_nan_is_refused() -> None:
    with pytest.raises(ParameterError, match="NaN"):
        map_of(np.full((2, 2), np.nan, np.float32), (8, 8), PostProcess())


@given(
    hnp.arrays(np.uint8, hnp.array_shapes(min_dims=2, max_dims=2, max_side=40), elements=st.integers(0, 100)),
    odd_sides,
    odd_sides,
    st.sampled_from(["dilate", "erode"]),
)
@settings(max_examples=80, deadline=None)
def test_square_kernels_compose(plane: np.ndarray, first: int, second: int, name: str) -> None:
    def apply(plane: np.ndarray, side: int) -> np.ndarray:
        return morphed(plane, PostProcess(order=name, dilate=side, erode=side))

    np.testing.assert_array_equal(apply(apply(plane, first), second), apply(plane, first + second - 1))
