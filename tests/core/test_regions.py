"""Parts and holes of masks are what scipy's labelling finds; the peak is where the map is highest."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import ndimage

from cliploc.core.regions import parts_and_holes, peak_of, region_of

shapes = hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=24)


@given(hnp.arrays(bool, shapes))
@settings(max_examples=200, deadline=None)
def test_parts_touch_at_corners_and_holes_touch_no_border(mask: np.ndarray) -> None:
    _, parts = ndimage.label(mask, np.ones((3, 3)))
    background, count = ndimage.label(~mask)  # over sides alone
    border = np.concatenate([background[0], background[-1], background[:, 0], background[:, -1]])
    holes = count - len(set(border.tolist()) - {0})
    assert parts_and_holes(mask) == (parts, holes)


def test_a_filled_ring_loses_its_hole() -> None:
    ring = np.zeros((9, 9), bool)
    ring[1:8, 1:8] = True
    ring[4, 4] = False
    assert parts_and_holes(ring) == (1, 1)
    assert parts_and_holes(ndimage.binary_fill_holes(ring)) == (1, 0)
    assert parts_and_holes(np.zeros((3, 3), bool)) == (0, 0)
    assert parts_and_holes(np.ones((3, 3), bool)) == (1, 0)


@given(hnp.arrays(np.float32, shapes, elements=st.sampled_from([0, 0.25, 0.5, 1])))
def test_the_peak_is_one_of_the_highest_pixels(map_: np.ndarray) -> None:
    peak = peak_of(map_)
    if (map_ == map_[0, 0]).all():
        assert peak is None
    else:
        assert peak is not None
        assert map_[peak[1], peak[0]] == map_.max()


def test_a_region_is_measured_without_a_true_mask() -> None:
    map_ = np.zeros((10, 20), np.float32)
    map_[2:4, 3:6] = 0.5
    map_[3, 4] = 1
    found = region_of(map_, map_ >= 0.5)
    assert (found.peak, found.area, found.parts, found.holes) == ((4, 3), 6 / 200, 1, 0)
