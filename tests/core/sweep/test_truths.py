"""A kept true mask is the true mask."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from cliploc.core.datasets import Sample
from cliploc.core.metrics import truth_of
from cliploc.core.sweep.truths import Truths


def sample_of(true: np.ndarray, ignored: np.ndarray | None, asked: list[str]) -> Sample:
    def true_mask() -> np.ndarray:
        asked.append("true mask")
        return true

    return Sample("s", "cat", lambda: np.zeros((1, 1, 3), np.uint8), true_mask, lambda: ignored)


@given(arrays(np.uint8, st.tuples(st.integers(1, 9), st.integers(1, 9)), elements=st.integers(0, 2)))
def test_it_comes_back_as_it_was_and_is_read_once(kinds: np.ndarray) -> None:
    asked: list[str] = []
    sample, truths = sample_of(kinds == 1, kinds == 2, asked), Truths()
    for _ in range(2):
        np.testing.assert_array_equal(truths.of(sample), truth_of(kinds == 1, kinds == 2))
    assert len(asked) == 1


def test_what_does_not_fit_is_read_again() -> None:
    asked: list[str] = []
    noise = np.random.default_rng(0).random((64, 64)) < 0.5
    sample, truths = sample_of(noise, None, asked), Truths(limit=100)
    for _ in range(2):
        np.testing.assert_array_equal(truths.of(sample), truth_of(noise))
    assert len(asked) == 2
    assert truths.bytes == 0


def test_one_that_is_forgotten_is_read_again_also_when_it_was_being_read() -> None:
    old, new = np.zeros((4, 4), bool), np.eye(4, dtype=bool)
    truths, drawn = Truths(), [old]

    def true_mask() -> np.ndarray:
        found = drawn[-1]
        if len(drawn) == 1:
            drawn.append(new)
            truths.forget("s")  # it is drawn while it is read
        return found

    sample = Sample("s", "cat", lambda: np.zeros((1, 1, 3), np.uint8), true_mask, lambda: None)
    np.testing.assert_array_equal(truths.of(sample), truth_of(old))
    np.testing.assert_array_equal(truths.of(sample), truth_of(new))
    truths.forget("s")
    assert truths.bytes == 0
