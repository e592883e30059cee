"""Which samples are listed, in which order, and where a step leads. Pure functions."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from typing import overload

from cliploc.core.datasets import Sample
from cliploc.tui.state import Listing

FAILURE_BELOW = 0.3
SMALL_BELOW, LARGE_FROM = 0.05, 0.25
PAGE = 10
UNKNOWN: Sequence[float] = ()


@dataclass(frozen=True)
class Facts:
    """What is known of the samples so far, by their place in the dataset.

    Each is as long as the dataset, NaN where a sample was not computed, or empty where none was.
    iou: at the present config. best, best_threshold: over all thresholds (an oracle).
    area: the fraction of the image that the true mask covers. disagreement: the standard
    deviation of the IoU over the stored heatmap sets, similarity: to some words or a picture; both
    empty until they are asked for.
    """

    iou: Sequence[float] = UNKNOWN
    best: Sequence[float] = UNKNOWN
    best_threshold: Sequence[float] = UNKNOWN
    area: Sequence[float] = UNKNOWN
    disagreement: Sequence[float] = UNKNOWN
    similarity: Sequence[float] = UNKNOWN

    def by(self, sort: str) -> Sequence[float]:
        """What an order goes by; the IoU for those that go by no number."""
        values = {
            "best IoU": self.best,
            "best threshold": self.best_threshold,
            "mask area": self.area,
            "disagreement": self.disagreement,
            "similarity": self.similarity,
        }
        return values.get(sort, self.iou)


NO_FACTS = Facts()


class Catalogue:
    """The samples of a dataset, and what of their orders never changes: made once, however often one asks."""

    def __init__(self, samples: Sequence[Sample]) -> None:
        self.samples = samples

    @cached_property
    def place(self) -> dict[str, int]:
        """Where a sample stands in the dataset, by id."""
        return {sample.id: place for place, sample in enumerate(self.samples)}

    @cached_property
    def by_table(self) -> Order:
        """Class after class, each in the dataset's order."""
        return self.order(range(len(self.samples)), lambda place: self.samples[place].label)

    @cached_property
    def by_id(self) -> Order:
        """By id."""
        return self.order(range(len(self.samples)), lambda place: self.samples[place].id)

    @cached_property
    def texts(self) -> list[str]:
        """What a filter looks for its words in, by place."""
        return [f"{sample.label} {sample.id}".casefold() for sample in self.samples]

    def order(self, places: Sequence[int], key: Callable[[int], object] | None = None) -> Order:
        """Samples at these places, sorted by a key where one is given."""
        return Order(self, array("L", places if key is None else sorted(places, key=key)))  # type: ignore[arg-type]


class Order(Sequence[Sample]):
    """Samples in the order of a list. places: where they stand in the dataset."""

    def __init__(self, catalogue: Catalogue, places: array[int]) -> None:
        self._catalogue = catalogue
        self.places = places

    def __len__(self) -> int:
        return len(self.places)

    @overload
    def __getitem__(self, index: int) -> Sample: ...
    @overload
    def __getitem__(self, index: slice) -> Order: ...
    def __getitem__(self, index: int | slice) -> Sample | Order:
        if isinstance(index, slice):
            return Order(self._catalogue, self.places[index])
        return self._catalogue.samples[self.places[index]]

    def find(self, id_: str) -> int | None:
        """The place of a sample in this list; None when it is not listed."""
        place = self._catalogue.place.get(id_)
        return None if place is None else self._index.get(place)

    @cached_property
    def classes(self) -> list[tuple[str, int, int]]:
        """Runs of samples of one class: its name, where it begins in the list, how many there are."""
        found, begin = [], 0
        for label, members in groupby(self, key=lambda sample: sample.label):
            count = sum(1 for _ in members)
            found.append((label, begin, count))
            begin += count
        return found

    @cached_property
    def _index(self) -> dict[int, int]:
        return {place: index for index, place in enumerate(self.places)}


def listed(catalogue: Catalogue, listing: Listing, facts: Facts, marks: frozenset[str]) -> Order:
    """The samples that pass filter and facet, in the listing's order.

    By table order, samples stay grouped by class; any other order is flat. Samples
    without a value for the order come last.
    """
    base = catalogue.by_table if listing.sort == "table" else catalogue.by_id
    words, texts = listing.text.casefold().split(), catalogue.texts
    keeps = _facet(listing.facet, facts, {catalogue.place[id_] for id_ in marks if id_ in catalogue.place})
    if not words and keeps is None:
        chosen: Sequence[int] = base.places
    else:
        chosen = [
            place
            for place in base.places
            if all(word in texts[place] for word in words) and (keeps is None or keeps(place))
        ]
    if listing.sort not in ("table", "id") and (values := facts.by(listing.sort)):
        # The most disputed, or the most alike, first; where values are equal the order by id stays.
        known = [place for place in chosen if values[place] == values[place]]
        known.sort(key=values.__getitem__, reverse=listing.sort in ("disagreement", "similarity"))
        chosen = known + [place for place in chosen if values[place] != values[place]]
    return base if chosen is base.places else catalogue.order(chosen)


def first_of(samples: Sequence[Sample]) -> str:
    """The id of the sample that is listed first when nothing is asked for."""
    return min(samples, key=lambda sample: sample.label).id


def _facet(name: str, facts: Facts, marks: set[int]) -> Callable[[int], bool] | None:
    """Whether the sample at a place is listed; None where all are."""
    area, iou = facts.area, facts.iou
    if name == "all":
        return None
    if name == "marked":
        return marks.__contains__
    if not (iou if name == "failures" else area):
        return lambda _: False
    return {
        "small": lambda place: area[place] < SMALL_BELOW,
        "medium": lambda place: SMALL_BELOW <= area[place] < LARGE_FROM,
        "large": lambda place: area[place] >= LARGE_FROM,
        "failures": lambda place: iou[place] < FAILURE_BELOW,
    }[name]


def stepped(order: Order, present: str, where: str, count: int, facts: Facts) -> str:
    """The id that a walk leads to, stopping at the ends; `present` where there is nothing to go to.

    where: next, previous, page_down, page_up, first, last, next_class, previous_class,
    next_match, previous_match, next_failure, previous_failure. count: how many
    times, 0 for none given (`first` and `last` with a count go to that position).
    """
    if not order:
        return present
    index = position_of(order, present)
    if where in ("first", "last"):
        place = count or (1 if where == "first" else len(order))
        return order[min(place, len(order)) - 1].id
    if where in ("next_class", "previous_class"):
        return _class_step(order, index, 1 if where == "next_class" else -1, count or 1)
    if where in ("next_failure", "previous_failure"):
        iou, steps = facts.iou, -(count or 1) if where.startswith("previous") else count or 1
        return next_in(order, present, lambda place: bool(iou) and iou[place] < FAILURE_BELOW, steps)
    sign = -1 if where in ("previous", "page_up", "previous_match") else 1
    steps = (count or 1) * (PAGE if where.startswith("page") else 1)
    return order[min(max(index + sign * steps, 0), len(order) - 1)].id


def position_of(order: Order, id_: str) -> int:
    """The place of a sample in the list; 0 when it is not listed."""
    return order.find(id_) or 0


def next_in(order: Order, present: str, wanted: Callable[[int], bool], steps: int) -> str:
    """The wanted one of the listed samples that many steps on, or back where negative, going round."""
    index, sign, found = position_of(order, present), 1 if steps > 0 else -1, list[int]()
    for n in range(1, len(order)):
        at = (index + sign * n) % len(order)
        if wanted(order.places[at]):
            found.append(at)
            if len(found) == abs(steps):
                break
    return order[found[(abs(steps) - 1) % len(found)]].id if found else present


def _class_step(order: Order, index: int, sign: int, count: int) -> str:
    for _ in range(count):
        label = order[index].label
        other = index
        while 0 <= other < len(order) and order[other].label == label:
            other += sign
        if not 0 <= other < len(order):
            break
        index = other
        if sign < 0:  # the first sample of the class above
            while index > 0 and order[index - 1].label == order[index].label:
                index -= 1
    return order[index].id
