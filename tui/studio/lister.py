"""Which samples are listed and in which order: filtered and sorted here, so that no key waits for it."""

from __future__ import annotations

from array import array
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from cliploc.core.datasets import Dataset
from cliploc.core.metrics import Scores
from cliploc.core.postprocess import PostProcess
from cliploc.core.sweep.estimate import Places
from cliploc.tui.answers import Listed
from cliploc.tui.browsing import FAILURE_BELOW, Order, in_table_order
from cliploc.tui.state import Listing, Source
from cliploc.tui.studio.disagreeing import Spread
from cliploc.tui.studio.scoring import plain

SMALL_BELOW, LARGE_FROM = 0.05, 0.25
UNKNOWN: Scores = np.zeros(0)
Wanted = npt.NDArray[np.bool_]


def _unknown() -> Scores:
    return UNKNOWN


@dataclass(frozen=True, eq=False)
class Facts:
    """What is known of the samples so far, by their place in the dataset.

    Each is as long as the dataset, NaN where a sample was not computed, or empty where none was.
    iou: at the threshold of `config`, which is what was scored, of `source`. best, best_threshold: over all
    thresholds (an oracle). area: the fraction of the image that the true mask covers. disagreement: how far
    stored heatmap sets are apart, similarity: to some words or a picture; both empty until asked for.
    """

    source: Source | None = None
    config: PostProcess | None = None
    iou: Scores = field(default_factory=_unknown)
    best: Scores = field(default_factory=_unknown)
    best_threshold: Scores = field(default_factory=_unknown)
    area: Scores = field(default_factory=_unknown)
    disagreement: Scores = field(default_factory=_unknown)
    similarity: Scores = field(default_factory=_unknown)

    def by(self, sort: str) -> Scores:
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
    """A dataset's samples, and what of their orders never changes: made once, however often one asks."""

    def __init__(self, dataset: Dataset) -> None:
        self.dataset = dataset

    @cached_property
    def by_table(self) -> Order:
        """Class after class, each in the dataset's order."""
        return in_table_order(self.dataset)

    @cached_property
    def by_id(self) -> Places:
        """All places, by id."""
        ids = self.dataset.ids
        return np.array(sorted(range(len(ids)), key=ids.__getitem__), np.int64)

    @cached_property
    def texts(self) -> list[str]:
        """What a filter looks for its words in, by place."""
        pairs = zip(self.dataset.label_column, self.dataset.ids, strict=True)
        return [f"{label} {id_}".casefold() for label, id_ in pairs]

    def having(self, text: str) -> Wanted:
        """Which samples have all of a text's words."""
        words = text.casefold().split()
        return np.array([all(word in each for word in words) for each in self.texts], bool)


def listed(catalogue: Catalogue, listing: Listing, facts: Facts, marks: frozenset[str]) -> Order:
    """The samples that pass filter and facet, in the listing's order.

    By table order, samples stay grouped by class; any other order is flat. Samples
    without a value for the order come last.
    """
    table, codes = catalogue.by_table, catalogue.dataset.label_column.codes
    places = np.asarray(table.places, np.int64) if listing.sort == "table" else catalogue.by_id
    if listing.text:
        places = places[catalogue.having(listing.text)[places]]
    if listing.facet != "all":
        places = places[_facet(listing.facet, facts, marks, catalogue.dataset)[places]]
    values = facts.by(listing.sort)
    if listing.sort not in ("table", "id") and len(values):
        # The most disputed, or the most alike, first; where values are equal the order by id stays.
        sign = -1 if listing.sort in ("disagreement", "similarity") else 1
        places = places[np.argsort(sign * values[places], kind="stable")]  # NaN comes last
    low = np.flatnonzero(facts.iou[places] < FAILURE_BELOW) if len(facts.iou) else np.zeros(0, np.int64)
    failures = array("i", low.astype(np.intc).tobytes())
    if listing.sort == "table" and len(places) == len(table):
        return replace(table, failures=failures)
    return Order.of(places.tolist(), codes, failures)


def _facet(name: str, facts: Facts, marks: frozenset[str], dataset: Dataset) -> Wanted:
    """Which samples a facet lists; what needs a number that is not there lists none."""
    wanted = np.zeros(len(dataset.ids), bool)
    if name == "marked":
        wanted[[dataset.places[id_] for id_ in marks if id_ in dataset.places]] = True
        return wanted
    area, iou = facts.area, facts.iou
    if not len(iou if name == "failures" else area):
        return wanted
    found: dict[str, Wanted] = {
        "small": area < SMALL_BELOW,
        "medium": (area >= SMALL_BELOW) & (area < LARGE_FROM),
        "large": area >= LARGE_FROM,
        "failures": iou < FAILURE_BELOW,
    }
    return found[name]


class Lister:
    """What the screen's list shows, said again whenever more is known. `tell` from one thread at a time.

    listing, marks: as the screen has them. scores: what was scored last; spread: how far stored sets are
    apart, read at `index`; alike: similarities, and to which words or picture.
    """

    def __init__(self, dataset: Dataset, post: Callable[[object], object]) -> None:
        self._catalogue, self._post = Catalogue(dataset), post
        self.listing, self.marks = Listing(), frozenset[str]()
        self.scores, self.index = NO_FACTS, 0
        self.spread: Spread | None = None
        self.alike: tuple[object, Scores] = ((), UNKNOWN)
        self._order: Order | None = None

    def tell(self) -> None:
        """Answers Listed."""
        listing, facts = self.listing, self._facts()
        self._order = order = listed(self._catalogue, listing, facts, self.marks)
        known = facts.iou[np.asarray(order.places)] if len(facts.iou) else UNKNOWN
        known = known[~np.isnan(known)]
        self._post(
            Listed(
                listing,
                order,
                facts.source,
                facts.config,
                plain(facts.by(listing.sort)),
                float(known.mean()) if len(known) else None,
                len(known),
                plain(facts.disagreement),
            )
        )

    def members(self, label: str, limit: int) -> tuple[str, ...]:
        """The first listed samples of a class; those of the dataset before anything is listed."""
        dataset = self._catalogue.dataset
        places = np.asarray((self._order or self._catalogue.by_table).places)
        code = dataset.label_column.names.index(label)
        of_class = np.asarray(dataset.label_column.codes)[places] == code
        return tuple(dataset.ids[place] for place in places[of_class][:limit])

    def _facts(self) -> Facts:
        spread, (key, values) = self.spread, self.alike
        found = self.scores
        if spread is not None:
            found = replace(found, disagreement=spread.at(self.index, self._catalogue.dataset))
        if key == (self.listing.like, self.listing.near):
            found = replace(found, similarity=values)
        return found
