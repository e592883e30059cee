"""What is left of many images: sums of scores, exact whatever the order.

Scores are summed as integers, in units of 2^-40. So shards may finish in any
order, on any machine, before or after a kill, and the totals have the same
bits; the rounding is far below anything a score can mean.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np

from cliploc.core.metrics import SCORES, Counts, Integers, Scores, average_precision, summed_scores
from cliploc.core.postprocess import THRESHOLDS

UNIT = 1 << 40
NAMES = tuple(SCORES)
_IOU = NAMES.index("mean_iou")
_BLOCK = 64  # configs whose arrays stay in the cache and are not handed back to the system each time


@dataclass
class Sums:
    """Sums over images under C configs.

    scores: (S, C, T) in the order of NAMES. squares: (C, T) of squared IoU.
    precision: (C,) of average precision. These in units of 2^-40.
    tp, predicted: (C, T) pixels. everything, nothing: (C, T) images of which all pixels,
    or none, are predicted. images, area, pixels: scalars, as (1,) arrays.
    """

    images: Integers
    area: Integers
    pixels: Integers
    scores: Integers
    squares: Integers
    precision: Integers
    tp: Integers
    predicted: Integers
    everything: Integers
    nothing: Integers

    @classmethod
    def zero(cls, configs: int) -> Sums:
        """Of no image."""
        shape = (configs, len(THRESHOLDS))
        return cls(
            images=np.zeros(1, np.int64),
            area=np.zeros(1, np.int64),
            pixels=np.zeros(1, np.int64),
            scores=np.zeros((len(NAMES), *shape), np.int64),
            squares=np.zeros(shape, np.int64),
            precision=np.zeros(configs, np.int64),
            tp=np.zeros(shape, np.int64),
            predicted=np.zeros(shape, np.int64),
            everything=np.zeros(shape, np.int64),
            nothing=np.zeros(shape, np.int64),
        )

    @classmethod
    def of(cls, images: Sequence[Counts]) -> Sums:
        """Of images' counts (C, T), one or more."""
        sums = cls.zero(len(images[0].tp))
        for counts in images:
            sums.add(counts)
        return sums

    def add(self, counts: Counts) -> Integers:
        """Add one image's counts (C, T); area and pixels are those of its one true mask, (C or 1, 1).

        Returns its IoU (C, T) in units.
        """
        self.images += 1
        self.area += counts.area[0]
        self.pixels += counts.pixels[0]
        iou = np.empty_like(self.squares)
        for first in range(0, len(iou), _BLOCK):
            block = slice(first, first + _BLOCK)
            part = Counts(counts.tp[block], counts.predicted[block], counts.area[:1], counts.pixels[:1])
            iou[block] = self._add_block(block, part)
        return iou

    def _add_block(self, block: slice, counts: Counts) -> Integers:
        values = {name: SCORES[name](counts) for name in NAMES}
        units = {name: in_units(value) for name, value in values.items()}
        for total, name in zip(self.scores, NAMES, strict=True):
            total[block] += units[name]
        self.squares[block] += in_units(values["mean_iou"] ** 2)
        self.precision[block] += in_units(average_precision(counts))
        self.tp[block] += counts.tp
        self.predicted[block] += counts.predicted
        self.everything[block] += counts.predicted == counts.pixels
        self.nothing[block] += counts.predicted == 0
        return units["mean_iou"]

    def small(self) -> Sums:
        """The same sums in the smallest types that hold them, for the way from a worker."""
        return Sums(*(smallest(getattr(self, field.name)) for field in fields(self)))

    def __iadd__(self, other: Sums) -> Sums:
        for field in fields(self):
            getattr(self, field.name).__iadd__(getattr(other, field.name))
        return self

    @property
    def iou(self) -> Integers:
        """Sum of the images' IoU, (C, T) in units."""
        total: Integers = self.scores[_IOU]
        return total

    def columns(self) -> dict[str, Scores]:
        """Every aggregate score by column name: (C, T), or (C, 1) where thresholds are integrated over."""
        images = int(self.images[0])
        table = {name: self.scores[i] / UNIT / images for i, name in enumerate(NAMES)}
        variance = np.maximum(self.squares / UNIT / images - table["mean_iou"] ** 2, 0)
        table["standard_error"] = np.sqrt(variance / max(images - 1, 1))
        micro = Counts(self.tp, self.predicted, self.area[:, None], self.pixels[:, None])
        table |= summed_scores(micro)
        table["average_precision"] = (self.precision / UNIT / images)[:, None]
        table["px_ap"] = average_precision(micro)[:, None]
        return table


def smallest(values: Integers) -> Integers:
    """The same numbers from 0 up, in as few bytes each as hold them; what none holds stays as it is."""
    most = int(values.max(initial=0))
    for kind in (np.uint8, np.uint16, np.uint32):
        if most <= np.iinfo(kind).max:
            return values.astype(kind)
    return values


def in_units(score: Scores) -> Integers:
    """A score in [0, 1] as an integer number of 2^-40."""
    return np.rint(score * UNIT).astype(np.int64)
