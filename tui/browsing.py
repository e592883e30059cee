"""Which samples are listed, in which order, and where a step leads. Pure functions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from cliploc.core.datasets import Sample
from cliploc.tui.state import Listing

FAILURE_BELOW = 0.3
SMALL_BELOW, LARGE_FROM = 0.05, 0.25
PAGE = 10


@dataclass(frozen=True)
class Facts:
    """What is known of the samples so far, by id; empty where nothing was computed.

    iou: at the present config. best, best_threshold: over all thresholds (an oracle).
    area: the fraction of the image that the true mask covers. disagreement: the standard
    deviation of the IoU over the stored heatmap sets, similarity: to some words or a picture; both
    empty until they are asked for.
    """

    iou: Mapping[str, float]
    best: Mapping[str, float]
    best_threshold: Mapping[str, float]
    area: Mapping[str, float]
    disagreement: Mapping[str, float] = field(default_factory=dict)
    similarity: Mapping[str, float] = field(default_factory=dict)

    def by(self, sort: str) -> Mapping[str, float]:
        """What an order goes by; the IoU for those that go by no number."""
        values = {
            "best IoU": self.best,
            "best threshold": self.best_threshold,
            "mask area": self.area,
            "disagreement": self.disagreement,
            "similarity": self.similarity,
        }
        return values.get(sort, self.iou)


NO_FACTS = Facts({}, {}, {}, {})


def listed(
    samples: Sequence[Sample], listing: Listing, facts: Facts, marks: frozenset[str]
) -> tuple[Sample, ...]:
    """The samples that pass filter and facet, in the listing's order.

    By table order, samples stay grouped by class; any other order is flat. Samples
    without a value for the order come last.
    """
    words = listing.text.casefold().split()
    keeps = _facet(listing.facet, facts, marks)
    chosen = [s for s in samples if _matches(s, words) and keeps(s.id)]
    if listing.sort == "table":
        position = {label: n for n, label in enumerate(sorted({s.label for s in samples}))}
        return tuple(sorted(chosen, key=lambda s: position[s.label]))
    if listing.sort == "id":
        return tuple(sorted(chosen, key=lambda s: s.id))
    values = facts.by(listing.sort)
    # The most disputed, or the most alike, first.
    sign = -1 if listing.sort in ("disagreement", "similarity") else 1
    return tuple(sorted(chosen, key=lambda s: (s.id not in values, sign * values.get(s.id, 0.0), s.id)))


def first_of(samples: Sequence[Sample]) -> str:
    """The id of the sample that is listed first when nothing is asked for."""
    return listed(samples, Listing(), NO_FACTS, frozenset())[0].id


def _matches(sample: Sample, words: list[str]) -> bool:
    text = f"{sample.label} {sample.id}".casefold()
    return all(word in text for word in words)


def _facet(name: str, facts: Facts, marks: frozenset[str]) -> Callable[[str], bool]:
    area, iou = facts.area, facts.iou
    return {
        "all": lambda _: True,
        "small": lambda id_: id_ in area and area[id_] < SMALL_BELOW,
        "medium": lambda id_: id_ in area and SMALL_BELOW <= area[id_] < LARGE_FROM,
        "large": lambda id_: id_ in area and area[id_] >= LARGE_FROM,
        "failures": lambda id_: id_ in iou and iou[id_] < FAILURE_BELOW,
        "marked": lambda id_: id_ in marks,
    }[name]


def stepped(order: Sequence[Sample], present: str, where: str, count: int, facts: Facts) -> str:
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
        failing = {id_ for id_, value in facts.iou.items() if value < FAILURE_BELOW}
        steps = count or 1
        return next_in(order, present, failing, -steps if where.startswith("previous") else steps)
    sign = -1 if where in ("previous", "page_up", "previous_match") else 1
    steps = (count or 1) * (PAGE if where.startswith("page") else 1)
    return order[min(max(index + sign * steps, 0), len(order) - 1)].id


def position_of(order: Sequence[Sample], id_: str) -> int:
    """The place of a sample in the list; 0 when it is not listed."""
    return next((n for n, sample in enumerate(order) if sample.id == id_), 0)


def next_in(order: Sequence[Sample], present: str, wanted: set[str] | frozenset[str], steps: int) -> str:
    """The listed sample among `wanted` that many steps on, or back where negative, going round."""
    index, sign = position_of(order, present), 1 if steps > 0 else -1
    around = [order[(index + sign * n) % len(order)].id for n in range(1, len(order))]
    found = [id_ for id_ in around if id_ in wanted]
    return found[(abs(steps) - 1) % len(found)] if found else present


def _class_step(order: Sequence[Sample], index: int, sign: int, count: int) -> str:
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
