"""The mean over all images from those that came first in a random order, and how sure it is.

Samples are taken in a seeded random order of their source images, all samples of one
image together: what is done so far is then a simple random sample of images without
replacement, and the mean over its samples a ratio estimate (Cochran, Sampling
Techniques, 2.11 and 6.3). The interval narrows to nothing as the rest comes in.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cliploc.core.metrics import Scores
from cliploc.core.sweep.doubts import WORTH_FROM
from cliploc.core.sweep.student import quantile

Places = npt.NDArray[np.int64]
LEVEL = 0.95


@dataclass(frozen=True)
class Order:
    """In which order samples are taken.

    places: (n,) the samples' places. ends: (sources,) how many samples are done with each source.
    """

    places: Places
    ends: Places

    def until(self, done: int) -> int:
        """How many sources are whole among the first `done` samples."""
        return int(np.searchsorted(self.ends, done, "right"))


def order_of(sources: Sequence[str], seed: int = 0) -> Order:
    """The samples of these sources, source after source, the sources in a random order of this seed."""
    _, of_sample, sizes = np.unique(np.asarray(sources), return_inverse=True, return_counts=True)
    ranks = np.random.default_rng(seed).permutation(len(sizes))
    ends = np.cumsum(sizes[np.argsort(ranks)])
    return Order(np.argsort(ranks[of_sample], kind="stable"), ends)


def reach(values: Scores, order: Order) -> float | None:
    """How far the mean of `values` may be from that over all samples: half the width of the 95 % interval.

    values: (m,), of the first m samples of the order; the last of them ends a source. 0 when these are
    all; None below WORTH_FROM sources, where an interval means nothing.
    """
    done, sources = order.until(len(values)), len(order.ends)
    if done == sources:
        return 0.0
    if done < WORTH_FROM:
        return None
    starts = np.concatenate(([0], order.ends[: done - 1]))
    sizes = np.diff(order.ends[:done], prepend=0)
    residuals = np.add.reduceat(values, starts) - sizes * values.mean()
    spread = (residuals**2).sum() / (done - 1) * done / len(values) ** 2
    return quantile(LEVEL, done - 1) * math.sqrt(spread * (1 - done / sources))
