"""A mean over images that needed no choice, and how sure it is. The units are source images."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TypedDict

import numpy as np

from cliploc.core.metrics import Integers, Scores
from cliploc.core.sweep.choosing import WORTH_FROM
from cliploc.core.sweep.statistics import UNIT, variance_of_mean
from cliploc.core.sweep.student import quantile, two_sided


class Average(TypedDict):
    """A mean over images. low, high: its 95 % interval, p: two-sided, of a mean of 0.

    All three are None below WORTH_FROM source images.
    """

    mean: float
    low: float | None
    high: float | None
    p: float | None
    images: int
    sources: int


def average(values: Integers | Scores, names: Sequence[str]) -> Average:
    """Average (n,) values over images. names: the source of each."""
    _, places = np.unique(np.asarray(names), return_inverse=True)
    totals, sizes = np.bincount(places, weights=values), np.bincount(places)
    mean, units = float(np.mean(values)), len(sizes)
    found = Average(mean=mean, low=None, high=None, p=None, images=len(values), sources=units)
    if units >= WORTH_FROM:
        error = math.sqrt(float(variance_of_mean(totals[None, :] * UNIT, sizes)[0]))
        reach = quantile(0.95, units - 1) * error
        certain = 0.0 if mean else 1.0  # every image has the same value
        found["low"], found["high"] = mean - reach, mean + reach
        found["p"] = two_sided(mean / error, units - 1) if error else certain
    return found
