"""Ids are unique by construction, and files named by them never overwrite each other."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from cliploc.core.datasets.ids import LONGEST, file_name, unique

LADDERS = st.lists(st.lists(st.text(max_size=8), min_size=1, max_size=3), max_size=12)


@given(LADDERS)
def test_no_two_are_alike_even_where_case_is_folded(ladders: list[list[str]]) -> None:
    found = unique(ladders)
    assert len(found) == len(ladders)
    assert len({id_.casefold() for id_ in found}) == len(found)


@given(st.text(max_size=400))
def test_an_id_is_a_file_name(text: str) -> None:
    name = file_name(text)
    assert name
    assert not set(name) & set("/\\\0\n\x1b")
    assert not name.startswith(".")
    assert len(name.encode()) <= LONGEST


def test_the_first_name_is_taken_where_it_is_unique() -> None:
    assert unique([["cat_1", "x/cat_1"], ["cat_2", "x/cat_2"]]) == ["cat_1", "cat_2"]


def test_all_that_clash_climb_together() -> None:
    ladders = [["0001", "day/0001"], ["0001", "night/0001"], ["0002", "day/0002"]]
    assert unique(ladders) == ["day_0001", "night_0001", "0002"]


def test_slashes_and_cases_that_a_file_system_would_merge_are_told_apart() -> None:
    assert unique([["cat/dog_a", "1"], ["cat_dog_a", "2"]]) == ["1", "2"]
    assert unique([["Cat", "Cat 1"], ["cat", "cat 2"]]) == ["Cat 1", "cat 2"]


def test_many_alike_take_no_longer_than_many_apart() -> None:
    found = unique([["a", "b"]] * 30_000)
    assert found[0] == "b"
    assert found[-1] == "b~30000"
    assert len(set(found)) == 30_000


def test_what_clashes_to_the_end_is_numbered_in_order() -> None:
    assert unique([["a"], ["a"], ["a~2"]]) == ["a", "a~3", "a~2"]
