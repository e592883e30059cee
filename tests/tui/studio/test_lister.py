"""What the list shows is said by the studio, again whenever more is known."""

from __future__ import annotations

from dataclasses import replace
from math import isnan

import numpy as np
import pytest

from cliploc.core.datasets import Dataset
from cliploc.core.postprocess import THRESHOLDS, PostProcess
from cliploc.tui.answers import Listed
from cliploc.tui.state import Listing, Source
from cliploc.tui.studio.disagreeing import Spread
from cliploc.tui.studio.lister import Facts, Lister


@pytest.fixture
def said() -> list[Listed]:
    return []


@pytest.fixture
def lister(toy: Dataset, said: list[Listed]) -> Lister:
    """Half of the nine samples are scored."""
    made = Lister(toy, said.append)
    iou = np.array([0.1, np.nan, 0.9, 0.2, np.nan, 0.8, np.nan, 0.3, np.nan])
    made.scores = Facts(Source(stored="good"), PostProcess(), iou=iou)
    return made


def test_the_mean_is_of_those_listed_that_are_scored(
    toy: Dataset, lister: Lister, said: list[Listed]
) -> None:
    lister.listing = Listing(text="star")
    lister.tell()
    (found,) = said
    known = [value for place in found.order.places if not isnan(value := found.values[place])]
    assert {toy.label_column[place] for place in found.order.places} == {"star"}
    assert found.mean == pytest.approx(sum(known) / len(known))
    assert found.known == len(known)
    assert [found.values[found.order.places[at]] < 0.3 for at in found.order.failures] == [True, True]
    assert (found.source, found.config) == (lister.scores.source, lister.scores.config)


def test_where_sets_disagree_is_read_at_the_threshold_that_is_asked_for(
    toy: Dataset, lister: Lister, said: list[Listed]
) -> None:
    lister.spread = Spread(toy.ids[1:3], np.arange(2.0)[:, None] + np.arange(len(THRESHOLDS)))
    lister.listing, lister.index = Listing(sort="disagreement"), 40
    lister.tell()
    assert said[0].disagreement[1:3].tolist() == [40, 41]
    assert isnan(said[0].disagreement[0])
    assert said[0].order.places[:2].tolist() == [2, 1]


def test_similarities_are_those_to_the_words_that_are_asked_for(
    toy: Dataset, lister: Lister, said: list[Listed]
) -> None:
    lister.listing = Listing(sort="similarity", like="a ring")
    lister.alike = (("a ring", ""), np.arange(9.0))
    lister.tell()
    assert said[-1].order.places.tolist() == [*range(9)][::-1]
    lister.listing = replace(lister.listing, like="a star")
    lister.tell()
    assert not said[-1].values
    assert [toy.ids[place] for place in said[-1].order.places] == sorted(toy.ids)


def test_a_sheet_has_the_first_of_the_class_that_are_listed(toy: Dataset, lister: Lister) -> None:
    stars = [sample.id for sample in toy.samples if sample.label == "star"]
    assert lister.members("star", 3) == tuple(stars[:3])
    lister.listing = Listing(sort="IoU", facet="failures")
    lister.tell()
    low = [id_ for id_ in stars if lister.scores.iou[toy.places[id_]] < 0.3]
    assert lister.members("star", 3) == tuple(sorted(low, key=lambda id_: lister.scores.iou[toy.places[id_]]))
