"""A list on places says what a naive one over ids would, and walks the same way."""

from __future__ import annotations

from math import inf, isnan, nan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cliploc.core.datasets import Sample
from cliploc.tui.browsing import NO_FACTS, Catalogue, Facts, first_of, listed, next_in, position_of, stepped
from cliploc.tui.state import FACETS, Listing
from cliploc.tui.widgets.sample_list import Row, Rows


def sample(id_: str, label: str) -> Sample:
    return Sample(id_, label, lambda: np.zeros((1, 1, 3), np.uint8), lambda: np.zeros((1, 1), bool))


SAMPLES = tuple(sample(f"{n * 7 % 12:02}", label) for n, label in enumerate("catdogcatdog"))
CATALOGUE = Catalogue(SAMPLES)
NUMBERS = st.lists(st.sampled_from([nan, 0.0, 0.2, 0.5, 0.9]), min_size=len(SAMPLES), max_size=len(SAMPLES))


def ids(found: object) -> list[str]:
    return [each.id for each in found]  # type: ignore[attr-defined]


@given(NUMBERS, NUMBERS, st.sampled_from(list(FACETS)), st.sampled_from(["", "a", "T 0", "none"]))
def test_the_table_is_grouped_by_class_and_keeps_what_facet_and_filter_say(
    iou: list[float], area: list[float], facet: str, text: str
) -> None:
    marks = frozenset({"03", "05", "not here"})
    keeps = {
        "all": lambda n: True,
        "small": lambda n: area[n] < 0.05,
        "medium": lambda n: 0.05 <= area[n] < 0.25,
        "large": lambda n: area[n] >= 0.25,
        "failures": lambda n: iou[n] < 0.3,
        "marked": lambda n: SAMPLES[n].id in marks,
    }[facet]
    wanted = [
        each
        for n, each in enumerate(SAMPLES)
        if keeps(n) and all(word in f"{each.label} {each.id}" for word in text.casefold().split())
    ]
    found = listed(CATALOGUE, Listing(facet=facet, text=text), Facts(iou, area=area), marks)
    assert list(found) == sorted(wanted, key=lambda each: each.label)


@given(NUMBERS)
def test_an_order_by_numbers_has_the_unknown_last_and_equals_by_id(values: list[float]) -> None:
    by = {"IoU": (Facts(values), 1), "disagreement": (Facts(disagreement=values), -1)}
    for sort, (facts, sign) in by.items():
        keys = {each.id: inf if isnan(v) else sign * v for each, v in zip(SAMPLES, values, strict=True)}
        found = listed(CATALOGUE, Listing(sort=sort), facts, frozenset())
        assert ids(found) == sorted(ids(SAMPLES), key=lambda id_: (keys[id_], id_))


def test_without_numbers_an_order_by_them_is_that_by_id() -> None:
    assert ids(listed(CATALOGUE, Listing(sort="IoU"), NO_FACTS, frozenset())) == sorted(ids(SAMPLES))


def test_the_first_one_is_the_first_of_the_table() -> None:
    assert first_of(SAMPLES) == CATALOGUE.by_table[0].id


def test_the_table_is_made_once() -> None:
    every = [listed(CATALOGUE, Listing(), NO_FACTS, frozenset()) for _ in range(2)]
    assert every[0] is every[1]


@pytest.mark.parametrize(("steps", "to"), [(1, "c"), (2, "e"), (3, "c"), (-1, "e"), (-2, "c"), (-3, "e")])
def test_the_next_that_is_wanted_goes_round(steps: int, to: str) -> None:
    order = Catalogue([sample(id_, "x") for id_ in "abcde"]).by_table
    assert next_in(order, "b", lambda place: place in (2, 4), steps) == to
    assert next_in(order, "b", lambda _: False, steps) == "b"


def test_failures_are_found_only_among_what_was_scored() -> None:
    order = Catalogue([sample(id_, "x") for id_ in "abc"]).by_table
    assert stepped(order, "a", "next_failure", 0, NO_FACTS) == "a"
    assert stepped(order, "a", "next_failure", 0, Facts([0.1, nan, 0.2])) == "c"


@given(st.booleans(), st.booleans(), st.sampled_from([*ids(SAMPLES), "", "no such"]))
def test_lines_are_those_of_a_list_written_out(grouped: bool, opened: bool, here: str) -> None:
    order, values = CATALOGUE.by_table, [n / 12 for n in range(12)]
    rows = Rows(order, here, grouped=grouped, opened=opened, values=values, class_values={"c": 0.5})
    label = next((each.label for each in order if each.id == here), None)
    wanted, seen = [], set()
    for each in order:
        is_open = opened or each.label == label
        if grouped and each.label not in seen:
            seen.add(each.label)
            count = sum(other.label == each.label for other in order)
            value = 0.5 if each.label == "c" else None
            wanted.append(Row(each.label, "", count, value, False, is_open))
        if is_open or not grouped:
            wanted.append(Row(each.label, each.id, 0, values[CATALOGUE.place[each.id]]))
    assert list(rows) == wanted
    assert rows.line_of(here) == next((n for n, row in enumerate(wanted) if row.id and row.id == here), 0)
    assert position_of(order, here) == next((n for n, each in enumerate(order) if each.id == here), 0)
