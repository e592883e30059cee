"""Masks that need no network: what any heatmap has to beat.

Each is a map of the image's size, thresholded like a heatmap: the whole image at
every threshold; boxes and ellipses in the centre, the smaller the higher the
threshold; random pixels.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache

import numpy as np

from cliploc.core.codes import Codes, Float32, codes_of
from cliploc.core.datasets import Sample
from cliploc.core.metrics import Counts, counts_of, iou
from cliploc.core.postprocess import THRESHOLDS
from cliploc.core.sweep.choosing import chosen, folds_of, worth
from cliploc.core.sweep.doubts import NO_NETWORK
from cliploc.core.sweep.statistics import UNIT, IouTable
from cliploc.core.sweep.summary import BaselineEntry

_T = len(THRESHOLDS)
_SIGMA = 0.5  # of the Gaussian, where 1 is from the centre to the border; the threshold decides the size


def _whole(shape: tuple[int, int]) -> Float32:
    return np.ones(shape, np.float32)


def _box(shape: tuple[int, int]) -> Float32:
    y, x = _from_centre(shape)
    near: Float32 = 1 - np.maximum(np.abs(y), np.abs(x))
    return near


def _gaussian(shape: tuple[int, int]) -> Float32:
    y, x = _from_centre(shape)
    near: Float32 = np.exp(-(y**2 + x**2) / (2 * _SIGMA**2))
    return near


def _random(shape: tuple[int, int]) -> Float32:
    return np.random.default_rng(0).random(shape, np.float32)


BASELINES: dict[str, Callable[[tuple[int, int]], Float32]] = dict(
    zip(NO_NETWORK, (_whole, _box, _gaussian, _random), strict=True)
)


def baseline_table(samples: Sequence[Sample]) -> IouTable:
    """IoU of every baseline at every threshold: (images, baselines x T). Decodes the true masks."""
    rows = []
    for sample in samples:
        scores = [iou(counts) for counts in baseline_counts(sample)]
        rows.append(np.rint(np.concatenate(scores) * UNIT).astype(np.uint16))
    return IouTable(np.stack(rows), np.ones(len(rows), np.int64))


def baseline_counts(sample: Sample) -> list[Counts]:
    """Counts (T,) of every baseline on one sample, in the order of BASELINES. Decodes the true mask."""
    mask, ignored = sample.true_mask(), sample.ignored()
    height, width = mask.shape
    return [counts_of(codes, mask, ignored) for codes in _codes((height, width))]


def parted(table: IouTable) -> dict[str, IouTable]:
    """A table of `baseline_table` as one of each baseline, by name."""
    return {
        name: IouTable(table.totals[:, place * _T : (place + 1) * _T], table.sizes)
        for place, name in enumerate(BASELINES)
    }


def baselines_of(table: IouTable, seed: int) -> list[BaselineEntry]:
    """The best of every baseline, tuned and cross-validated as a heatmap set is.

    table: of `baseline_table`, by source. seed: of the folds.
    """
    folds = folds_of(len(table.sizes), seed) if len(table.sizes) > 1 else None
    found = []
    for name, alone in parted(table).items():
        means = alone.totals.sum(axis=0, dtype=np.int64) / UNIT / alone.images
        best = int(np.argmax(means))
        found.append(
            BaselineEntry(
                name=name,
                mean_iou=float(means[best]),
                threshold=None if name == "whole image" else THRESHOLDS[best],
                cross_validated=None if folds is None else worth(chosen(alone, folds), alone.sizes)["mean"],
            )
        )
    return found


@lru_cache(maxsize=8)  # images of one size come together, or each has its own: planes are large
def _codes(shape: tuple[int, int]) -> tuple[Codes, ...]:
    return tuple(codes_of(make(shape)) for make in BASELINES.values())


def _from_centre(shape: tuple[int, int]) -> tuple[Float32, Float32]:
    """Row and column distances of pixel centres from the image's centre, 1 at the border."""
    y, x = (((2 * np.arange(side) + 1) / side - 1).astype(np.float32) for side in shape)
    return y[:, None], x[None, :]
