"""Sequences that make their items when asked say what a list of these items says."""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from operator import neg

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cliploc.core.datasets.columns import Coded, Made

PLACES = st.one_of(st.none(), st.integers(-9, 9))
SLICES = st.builds(slice, PLACES, PLACES, st.sampled_from([None, 1, 2, -1, -3]))


def alike(made: Sequence[object], written: list[object], some: slice) -> None:
    assert [*made] == written
    assert len(made) == len(written)
    assert [*made[some]] == written[some]
    assert [made[place] for place in range(-len(written), len(written))] == 2 * written
    with pytest.raises(IndexError):
        made[len(written)]


@given(st.integers(0, 8), SLICES)
def test_made_items_are_those_of_a_list(count: int, some: slice) -> None:
    alike(Made(count, neg), [-place for place in range(count)], some)


@given(st.lists(st.sampled_from(["cat", "dog", ""]), max_size=8), SLICES)
def test_coded_texts_are_those_of_a_list(texts: list[str], some: slice) -> None:
    alike(Coded.of(texts), [*texts], some)
    assert [*pickle.loads(pickle.dumps(Coded.of(texts)))] == texts
