"""Means over images know their sources."""

from __future__ import annotations

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings
from scipy import stats

from cliploc.core.sweep.doubts import WORTH_FROM
from cliploc.core.sweep.statistics import average


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
