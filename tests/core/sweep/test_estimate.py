"""The first scores of a random order say what the mean will be, and how sure they are."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cliploc.core.sweep.doubts import WORTH_FROM
from cliploc.core.sweep.estimate import order_of, reach
from cliploc.core.sweep.student import quantile

SOURCES = st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=40)


@given(SOURCES, st.integers(0, 5))
def test_an_order_takes_every_sample_once_and_those_of_a_source_together(
    sources: list[str], seed: int
) -> None:
    order = order_of(sources, seed)
    assert sorted(order.places.tolist()) == list(range(len(sources)))
    taken = [sources[place] for place in order.places]
    assert len(set(taken)) == 1 + sum(one != other for one, other in itertools.pairwise(taken))
    begun = [0, *order.ends[:-1].tolist()]
    assert all(
        len(set(taken[first:last])) == 1 for first, last in zip(begun, order.ends.tolist(), strict=True)
    )
    assert order.ends[-1] == len(sources)


def test_an_order_is_the_same_each_time_and_another_with_another_seed() -> None:
    sources = [str(n) for n in range(50)]
    assert order_of(sources, 3).places.tolist() == order_of(sources, 3).places.tolist()
    assert order_of(sources, 3).places.tolist() != order_of(sources, 4).places.tolist()


@given(SOURCES, st.integers(0, 45))
def test_a_source_is_whole_when_all_its_samples_are_done(sources: list[str], done: int) -> None:
    order = order_of(sources)
    taken = [sources[place] for place in order.places]
    whole = [name for name in set(sources) if taken[:done].count(name) == sources.count(name)]
    assert order.until(done) == len(whole)


def test_few_sources_have_no_interval_and_all_of_them_need_none() -> None:
    order = order_of([str(n) for n in range(100)])
    values = np.random.default_rng(0).random(100)
    assert reach(values[: WORTH_FROM - 1], order) is None
    assert reach(values[:WORTH_FROM], order) is not None
    assert reach(values, order) == 0.0


def test_of_single_images_it_is_the_textbook_interval_of_a_sample_without_replacement() -> None:
    values = np.random.default_rng(1).random(400)
    order = order_of([str(n) for n in range(1000)])
    error = np.sqrt(values.var(ddof=1) / 400 * (1 - 400 / 1000))
    assert reach(values, order) == pytest.approx(quantile(0.95, 399) * error)


def test_images_of_several_samples_count_as_one_each() -> None:
    """Every image three times over: three times the samples are no surer."""
    thrice, once = order_of([str(n // 3) for n in range(300)]), order_of([str(n) for n in range(100)])
    values = np.random.default_rng(2).random(40)
    assert reach(np.repeat(values, 3), thrice) == pytest.approx(reach(values, once))
