"""Who is better where, over the samples that both have: arrays against dictionaries, sample by sample."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from cliploc.core.metrics import SCORES
from cliploc.core.sweep.doubts import COMPARED_FROM
from cliploc.core.sweep.statistics import UNIT, variance_of_mean
from cliploc.tui.comparison import Versus
from cliploc.tui.studio.contest import Columns, both, by_class, by_sample, versus
from cliploc.tui.studio.scoring import Classes

IDS = [f"sample {n}" for n in range(40)]
LABELS = [f"class {n % 7}" for n in range(40)]
HAVING = st.dictionaries(st.integers(0, 39), st.integers(0, 4).map(lambda n: n / 4))


def columns(scores: Mapping[int, float]) -> Columns:
    """By place."""
    places = np.array(sorted(scores), np.int64)
    values = np.array([scores[place] for place in places], np.float64)
    return Columns(places, dict.fromkeys(SCORES, values))


def margin(gains: Mapping[int, float], images: Mapping[int, int]) -> float | None:
    """Slowly: residuals by image, in a dictionary; the quantile is scipy's."""
    mean, residuals = statistics.fmean(gains.values()), dict.fromkeys((images[n] for n in gains), 0.0)
    for n, gain in gains.items():
        residuals[images[n]] += gain - mean
    units = len(residuals)
    if units < COMPARED_FROM:
        return None
    spread = math.fsum(each**2 for each in residuals.values()) * units / (units - 1)
    return stats.t.ppf(0.975, units - 1) * math.sqrt(spread) / len(gains)


@given(HAVING, HAVING)
def test_only_samples_that_both_have_count(mine: Mapping[int, float], other: Mapping[int, float]) -> None:
    shared = both(columns(mine), columns(other), "mean_iou")
    gains = {n: other[n] - mine[n] for n in mine if n in other}
    found = versus(shared[2] - shared[1], shared[0])
    if not gains:
        assert found is None
    else:
        assert found == Versus(
            sum(gain > 0 for gain in gains.values()),
            sum(gain < 0 for gain in gains.values()),
            pytest.approx(statistics.fmean(gains.values())),
            None,
        )
    samples = by_sample(*shared, IDS)
    assert {each.name: each.gain for each in samples} == {IDS[n]: gain for n, gain in gains.items()}
    assert all(each.sample == each.name and each.images == 1 for each in samples)
    assert [each.gain for each in samples] == sorted(gains.values(), reverse=True)
    classes = by_class(*shared, IDS, Classes.of(LABELS))
    members = {label: [n for n in gains if LABELS[n] == label] for label in LABELS}
    assert {each.name: each.images for each in classes} == {k: len(v) for k, v in members.items() if v}
    for each in classes:
        assert each.gain == pytest.approx(statistics.fmean(gains[n] for n in members[each.name]))
        assert each.mine == pytest.approx(statistics.fmean(mine[n] for n in members[each.name]))
        assert each.sample == IDS[LABELS.index(each.name)]
    assert [each.gain for each in classes] == sorted((each.gain for each in classes), reverse=True)


@given(HAVING, HAVING)
def test_the_same_samples_have_the_same_coverage_and_others_another(
    one: Mapping[int, float], two: Mapping[int, float]
) -> None:
    assert (columns(one).coverage == columns(two).coverage) == (one.keys() == two.keys())


@given(st.integers(COMPARED_FROM - 2, COMPARED_FROM + 30), st.integers(1, 3), st.integers(0, 9))
def test_the_margin_is_over_source_images_and_needs_enough_of_them(
    images: int, samples: int, seed: int
) -> None:
    gains = np.random.default_rng(seed).normal(size=images * samples)
    of_sample = np.arange(len(gains)) % images
    found = versus(gains, of_sample)
    assert found is not None
    expected = margin(dict(enumerate(gains.tolist())), dict(enumerate(of_sample.tolist())))
    assert found.margin == (None if expected is None else pytest.approx(expected, rel=1e-3))
    assert (found.margin is None) == (images < COMPARED_FROM)


def against(gains: np.ndarray, images: Sequence[int]) -> float:
    found = versus(gains, np.asarray(images))
    assert found is not None
    assert found.margin is not None
    return found.margin


def test_the_margin_is_that_of_the_mean_of_paired_differences() -> None:
    gains = np.random.default_rng(0).normal(size=80)
    low, high = stats.t.interval(0.95, 79, gains.mean(), gains.std(ddof=1) / math.sqrt(80))
    assert against(gains, range(80)) == pytest.approx((high - low) / 2, rel=1e-3)


def test_samples_of_one_image_do_not_make_the_margin_smaller() -> None:
    gains = np.random.default_rng(1).normal(size=70)
    thrice = against(gains.repeat(3), np.arange(210) // 3)
    assert thrice == pytest.approx(against(gains, range(70)))
    variance = variance_of_mean((3 * gains * UNIT)[None], np.full(70, 3))[0]
    assert thrice == pytest.approx(stats.t.ppf(0.975, 69) * math.sqrt(variance), rel=1e-3)


def test_what_is_sent_to_the_screen_is_plain() -> None:
    shared = both(columns({0: 0.5, 1: 0.25}), columns({0: 0.75, 1: 0.5}), "mean_iou")
    for each in (*by_sample(*shared, IDS), *by_class(*shared, IDS, Classes.of(LABELS))):
        assert [type(value) for value in vars(each).values()] == [str, int, float, float, str]
    found = versus(shared[2] - shared[1], shared[0])
    assert found is not None
    assert [type(value) for value in vars(found).values()] == [int, int, float, type(None)]
