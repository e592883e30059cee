"""Parts and holes of masks are what scipy's labelling finds, and means over them know their sources."""

from __future__ import annotations

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis.extra import numpy as hnp
from scipy import ndimage, stats

from cliploc.core.report.parts import parts_and_holes
from cliploc.core.sweep.doubts import WORTH_FROM
from cliploc.core.sweep.statistics import average

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


@given(st.integers(WORTH_FROM, 80), st.integers(0, 1000))
@settings(max_examples=20, deadline=None)
def test_a_mean_over_single_images_has_students_interval(images: int, seed: int) -> None:
    values = np.random.default_rng(seed).poisson(3, images)
    found = average(values, [f"{place:03d}" for place in range(images)])
    low, high = stats.t.interval(0.95, images - 1, values.mean(), stats.sem(values))
    assert (found["low"], found["high"]) == (pytest.approx(low, abs=1e-3), pytest.approx(high, abs=1e-3))
    assert found["p"] == pytest.approx(stats.ttest_1samp(values, 0).pvalue, abs=1e-3)


def test_copies_of_an_image_make_no_mean_more_certain() -> None:
    values = np.random.default_rng(3).poisson(2, 40)
    names = [f"{place:03d}" for place in range(40)]
    alone, copied = average(values, names), average(np.repeat(values, 3), [n for n in names for _ in "abc"])
    assert (copied["low"], copied["high"]) == (pytest.approx(alone["low"]), pytest.approx(alone["high"]))
    assert (copied["images"], copied["sources"]) == (120, 40)


def test_too_few_sources_have_no_interval() -> None:
    found = average(np.arange(90), [str(place % 30) for place in range(90)])
    assert (found["mean"], found["low"], found["p"]) == (44.5, None, None)
