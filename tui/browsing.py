"""Which samples are listed, in which order, and where a step leads.

Pure functions on places in the dataset; no step takes longer in a longer list.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from cliploc.core.datasets import Dataset

FAILURE_BELOW = 0.3
PAGE = 10


@dataclass(frozen=True)
class Order:
    """Samples in the order of a list, as plain numbers that travel between processes.

    places: where each stands in the dataset. index: of every sample of the dataset, where it stands in the
    list, -1 where it is not listed. begins: where in the list a class begins, other than the one before.
    failures: where in the list an IoU is below FAILURE_BELOW.
    """

    places: array[int]
    index: array[int]
    begins: array[int]
    failures: array[int]

    @classmethod
    def of(cls, places: Sequence[int], codes: array[int], failures: array[int] | None = None) -> Order:
        """Samples at these places. codes: the number of every sample's label."""
        index = array("i", [-1]) * len(codes)
        for number, place in enumerate(places):
            index[place] = number
        labels = [codes[place] for place in places]
        pairs = enumerate(pairwise(labels), 1)
        begins = [0] * bool(labels) + [number for number, (one, other) in pairs if one != other]
        return cls(array("i", places), index, array("i", begins), failures or array("i"))

    def __len__(self) -> int:
        return len(self.places)

    def position(self, place: int) -> int:
        """Where a sample of the dataset stands in the list; 0 when it is not listed."""
        return max(self.index[place], 0)


def in_table_order(dataset: Dataset) -> Order:
    """Class after class, each in the dataset's order."""
    column = dataset.label_column
    ranks = {label: rank for rank, label in enumerate(dataset.labels)}
    by_code = [ranks.get(name, 0) for name in column.names]
    keys = [by_code[code] for code in column.codes]
    return Order.of(sorted(range(len(keys)), key=keys.__getitem__), column.codes)


def first_of(dataset: Dataset) -> str:
    """The id of the sample that is listed first when nothing is asked for."""
    column = dataset.label_column
    return dataset.ids[column.codes.index(column.names.index(dataset.labels[0]))]


def stepped(order: Order, present: int, where: str, count: int) -> int:
    """The place that a walk leads to, stopping at the ends; `present` where there is nothing to go to.

    where: next, previous, page_down, page_up, first, last, next_class, previous_class,
    next_match, previous_match, next_failure, previous_failure. count: how many
    times, 0 for none given (`first` and `last` with a count go to that position).
    """
    if not order.places:
        return present
    at, end = order.position(present), len(order) - 1
    if where in ("first", "last"):
        return order.places[min(count - 1, end) if count else 0 if where == "first" else end]
    sign = -1 if where in ("previous", "page_up") or where.startswith("previous_") else 1
    steps = sign * (count or 1)
    if where.endswith("_failure"):
        return next_in(order, present, order.failures, steps)
    if where.endswith("_class"):
        return order.places[_class_step(order.begins, at, steps)]
    steps *= PAGE if where.startswith("page") else 1
    return order.places[min(max(at + steps, 0), end)]


def next_in(order: Order, present: int, wanted: Sequence[int], steps: int) -> int:
    """The place of the wanted one that many steps on, or back where negative, going round.

    wanted: where in the list they stand, sorted.
    """
    at = order.position(present) if order.places else 0
    before = bisect_left(wanted, at)
    here = before < len(wanted) and wanted[before] == at
    if len(wanted) == here:
        return present
    turn = (abs(steps) - 1) % (len(wanted) - here)
    number = before + here + turn if steps > 0 else before - 1 - turn
    return order.places[wanted[number % len(wanted)]]


def _class_step(begins: Sequence[int], at: int, steps: int) -> int:
    """Where the class begins that is so many on, or back; `at` where there is none."""
    run = bisect_right(begins, at) - 1
    other = min(max(run + steps, 0), len(begins) - 1)
    return at if other == run else begins[other]
