"""A list on places says what a naive one over ids would, and walks the same way."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import groupby
from math import inf, isnan, nan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cliploc.core.datasets import Content, Dataset, Sample
from cliploc.tui.browsing import PAGE, Order, first_of, in_table_order, next_in, stepped
from cliploc.tui.state import FACETS, Listing
from cliploc.tui.studio.lister import NO_FACTS, Catalogue, Facts, listed
from cliploc.tui.widgets.sample_list import Row, Rows

NOTHING = frozenset[str]()


def dataset_of(samples: Sequence[Sample]) -> Dataset:
    return Dataset("some", "some", samples, Content(str, str, str))


def sample(id_: str, label: str) -> Sample:
    return Sample(id_, label, lambda: np.zeros((1, 1, 3), np.uint8), lambda: np.zeros((1, 1), bool))


SAMPLES = tuple(sample(f"{n * 7 % 12:02}", label) for n, label in enumerate("catdogcatdog"))
DATASET = dataset_of(SAMPLES)
CATALOGUE = Catalogue(DATASET)
NUMBERS = st.lists(st.sampled_from([nan, 0.0, 0.2, 0.5, 0.9]), min_size=len(SAMPLES), max_size=len(SAMPLES))
LISTS = st.permutations(range(len(SAMPLES))).flatmap(lambda all_: st.integers(0, 12).map(lambda n: all_[:n]))


def ids(order: Order) -> list[str]:
    return [SAMPLES[place].id for place in order.places]


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
    facts = Facts(iou=np.array(iou), area=np.array(area))
    found = listed(CATALOGUE, Listing(facet=facet, text=text), facts, marks)
    assert ids(found) == [each.id for each in sorted(wanted, key=lambda each: each.label)]
    assert [*found.failures] == [at for at, place in enumerate(found.places) if iou[place] < 0.3]


@given(NUMBERS)
def test_an_order_by_numbers_has_the_unknown_last_and_equals_by_id(values: list[float]) -> None:
    by = {"IoU": (Facts(iou=np.array(values)), 1), "disagreement": (Facts(disagreement=np.array(values)), -1)}
    for sort, (facts, sign) in by.items():
        keys = {each.id: inf if isnan(v) else sign * v for each, v in zip(SAMPLES, values, strict=True)}
        found = listed(CATALOGUE, Listing(sort=sort), facts, NOTHING)
        assert ids(found) == sorted(DATASET.ids, key=lambda id_: (keys[id_], id_))


def test_without_numbers_an_order_by_them_is_that_by_id() -> None:
    assert ids(listed(CATALOGUE, Listing(sort="IoU"), NO_FACTS, NOTHING)) == sorted(DATASET.ids)


def test_the_screens_first_list_is_the_table_and_begins_with_the_first_sample() -> None:
    assert in_table_order(DATASET) == listed(CATALOGUE, Listing(), NO_FACTS, NOTHING)
    assert first_of(DATASET) == ids(in_table_order(DATASET))[0]


@given(LISTS)
def test_an_order_knows_where_samples_stand_and_classes_begin(places: list[int]) -> None:
    order = Order.of(places, DATASET.label_column.codes)
    index = {place: at for at, place in enumerate(places)}
    assert [*order.index] == [index.get(place, -1) for place in range(len(SAMPLES))]
    classes = [(label, len([*run])) for label, run in groupby(SAMPLES[place].label for place in places)]
    assert [SAMPLES[places[at]].label for at in order.begins] == [label for label, _ in classes]
    assert np.diff([*order.begins, len(places)]).tolist() == [count for _, count in classes]


@pytest.mark.parametrize(("steps", "to"), [(1, 2), (2, 4), (3, 2), (-1, 4), (-2, 2), (-3, 4)])
def test_the_next_that_is_wanted_goes_round(steps: int, to: int) -> None:
    order = in_table_order(dataset_of([sample(id_, "x") for id_ in "abcde"]))
    assert next_in(order, 1, [2, 4], steps) == to
    assert next_in(order, 1, [], steps) == 1


@given(LISTS, st.integers(0, 11), st.sets(st.integers(0, 11)), st.integers(1, 30), st.booleans())
def test_the_next_one_is_found_as_if_each_was_looked_at(
    places: list[int], present: int, wanted: set[int], count: int, back: bool
) -> None:
    order = Order.of(places, DATASET.label_column.codes)
    at, sign = order.position(present), -1 if back else 1
    round_ = [places[(at + sign * n) % len(places)] for n in range(1, len(places))]
    found = [place for place in round_ if place in wanted]
    positions = sorted(n for n, place in enumerate(places) if place in wanted)
    expected = found[(count - 1) % len(found)] if found else present
    assert next_in(order, present, positions, sign * count) == expected


@given(LISTS, st.integers(0, 11), st.integers(0, 5))
def test_steps_are_those_of_somebody_who_looks_at_each_line(
    places: list[int], present: int, count: int
) -> None:
    order = Order.of(places, DATASET.label_column.codes)
    at, times = order.position(present), count or 1
    ways: dict[str, Callable[[], int]] = {
        "next": lambda: min(at + times, len(places) - 1),
        "previous": lambda: max(at - times, 0),
        "page_down": lambda: min(at + PAGE * times, len(places) - 1),
        "page_up": lambda: max(at - PAGE * times, 0),
        "first": lambda: min(max(count - 1, 0), len(places) - 1),
        "last": lambda: min(count - 1, len(places) - 1) if count else len(places) - 1,
        "next_class": lambda: looked_for_class(places, at, 1, times),
        "previous_class": lambda: looked_for_class(places, at, -1, times),
    }
    for where, target in ways.items():
        assert stepped(order, present, where, count) == (places[target()] if places else present)


def looked_for_class(places: list[int], at: int, sign: int, count: int) -> int:
    """Where the class begins that is so many on, one line after the other."""
    labels = [SAMPLES[place].label for place in places]
    for _ in range(count):
        other = at
        while 0 <= other < len(labels) and labels[other] == labels[at]:
            other += sign
        if not 0 <= other < len(labels):
            break
        while sign < 0 and other > 0 and labels[other - 1] == labels[other]:
            other -= 1
        at = other
    return at


def test_failures_are_found_only_among_what_was_scored() -> None:
    catalogue = Catalogue(dataset_of([sample(id_, "x") for id_ in "abc"]))
    unknown = listed(catalogue, Listing(), NO_FACTS, NOTHING)
    assert stepped(unknown, 0, "next_failure", 0) == 0
    known = listed(catalogue, Listing(), Facts(iou=np.array([0.1, nan, 0.2])), NOTHING)
    assert stepped(known, 0, "next_failure", 0) == 2


@given(st.booleans(), st.booleans(), st.one_of(st.none(), st.integers(0, 11)))
def test_lines_are_those_of_a_list_written_out(grouped: bool, opened: bool, here: int | None) -> None:
    order, values = in_table_order(DATASET), [n / 12 for n in range(12)]
    rows = Rows(DATASET, order, here, grouped=grouped, opened=opened, values=values, class_values={"c": 0.5})
    label = None if here is None else SAMPLES[here].label
    wanted, seen = [], set()
    for place in order.places:
        each = SAMPLES[place]
        is_open = opened or each.label == label
        if grouped and each.label not in seen:
            seen.add(each.label)
            count = sum(other.label == each.label for other in SAMPLES)
            value = 0.5 if each.label == "c" else None
            wanted.append(Row(each.label, "", count, value, False, is_open))
        if is_open or not grouped:
            wanted.append(Row(each.label, each.id, 0, values[place]))
    assert list(rows) == wanted
    for place, each in enumerate(SAMPLES):
        assert rows.line_of(place) == next((n for n, row in enumerate(wanted) if row.id == each.id), 0)
