"""Two candidates over the samples that both have: who is better, where, and how sure that is. Arrays only."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from cliploc.core.metrics import SCORES, Scores
from cliploc.core.sweep.doubts import COMPARED_FROM
from cliploc.core.sweep.estimate import Places
from cliploc.core.sweep.student import quantile
from cliploc.tui.comparison import Difference, Versus
from cliploc.tui.studio.scoring import Classes, column
from cliploc.tui.studio.tallies import Tally


@dataclass(frozen=True)
class Columns:
    """What a candidate scores at its threshold. places: (n,) of its samples in the dataset, ascending.

    scores: (n,) of each of SCORES.
    """

    places: Places
    scores: Mapping[str, Scores]

    @classmethod
    def of(cls, tally: Tally, places: Mapping[str, int], index: int) -> Columns:
        """From counts at all thresholds. places: of every sample of the dataset, by id."""
        found = np.array([places[id_] for id_ in tally.ids], np.int64)
        order = np.argsort(found)
        return cls(found[order], {name: column(tally.counts, name, index)[order] for name in SCORES})

    @property
    def coverage(self) -> str:
        """The same for the same samples."""
        return hashlib.sha256(self.places.tobytes()).hexdigest()[:16]


def both(mine: Columns, other: Columns, score: str) -> tuple[Places, Scores, Scores]:
    """The places that both have, and what each of the two scores there."""
    places, first, second = np.intersect1d(mine.places, other.places, assume_unique=True, return_indices=True)
    return places, mine.scores[score][first], other.scores[score][second]


def versus(gains: Scores, images: Places) -> Versus | None:
    """How one does that is better by these gains (n,); None without any.

    images: (n,) the number of each sample's source image: samples of one are not independent.
    """
    if not len(gains):
        return None
    mean = math.fsum(gains) / len(gains)
    won, lost = int(np.count_nonzero(gains > 0)), int(np.count_nonzero(gains < 0))
    return Versus(won, lost, mean, _margin(gains - mean, images))


def _margin(residuals: Scores, images: Places) -> float | None:
    """Half the width of Student's 95 % interval of the mean, over source images; None for too few."""
    _, of_sample = np.unique(images, return_inverse=True)
    by_image = np.bincount(of_sample, residuals)
    units = len(by_image)
    if units < COMPARED_FROM:
        return None
    spread = math.fsum(by_image**2) * units / (units - 1)
    return quantile(0.95, units - 1) * math.sqrt(spread) / len(residuals)


def by_sample(places: Places, mine: Scores, other: Scores, ids: Sequence[str]) -> list[Difference]:
    """Differences by sample, the largest gain first. ids: of every sample of the dataset, by place."""
    order = np.argsort(mine - other, kind="stable")
    columns = (places[order].tolist(), mine[order].tolist(), other[order].tolist())
    return [Difference(ids[at], 1, a, b, ids[at]) for at, a, b in zip(*columns, strict=True)]


def by_class(
    places: Places, mine: Scores, other: Scores, ids: Sequence[str], classes: Classes
) -> list[Difference]:
    """Differences by class, each averaged over its samples, the largest gain first."""
    of_sample, count = classes.of_sample[places], len(classes.names)
    size = np.bincount(of_sample, minlength=count)
    means = [np.bincount(of_sample, each, count) / np.maximum(size, 1) for each in (mine, other)]
    begins = np.unique(classes.of_sample, return_index=True)[1]
    columns = (classes.names, size.tolist(), *(each.tolist() for each in (*means, begins)))
    found = [Difference(name, n, a, b, ids[at]) for name, n, a, b, at in zip(*columns, strict=True) if n]
    return sorted(found, key=lambda each: -each.gain)
