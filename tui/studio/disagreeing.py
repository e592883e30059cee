"""Comparing the samples' masks of all stored heatmap sets, to see where the sets disagree."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from cliploc.core.codes import Codes, codes_for
from cliploc.core.datasets import Dataset, Sample
from cliploc.core.metrics import SCORES, counts_of
from cliploc.core.postprocess import THRESHOLDS, PostProcess
from cliploc.tui.disagreement import Disagreement
from cliploc.tui.studio.tallies import Tallies

if TYPE_CHECKING:
    from cliploc.core.heatmaps.store import HeatmapSet
    from cliploc.core.stretch import AnyHeatmap

Curve = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Spread:
    """How far stored sets are apart about each sample: of their IoUs, the standard deviation (population).

    values: (m, T) at all thresholds, of the samples `ids`, which two or more of the sets have.
    """

    ids: tuple[str, ...]
    values: Curve

    def at(self, index: int, dataset: Dataset) -> Curve:
        """At one threshold index, by the places of the dataset's samples, NaN for those without one."""
        found = np.full(len(dataset.ids), np.nan)
        found[[dataset.places[id_] for id_ in self.ids]] = self.values[:, index]
        return found


def disagreement(
    sets: Sequence[HeatmapSet],
    dataset: Dataset,
    tallies: Tallies,
    config: PostProcess,
    cancelled: Callable[[], bool],
) -> tuple[Disagreement, Spread] | None:
    """Score the samples with every set, or compare their masks without a true one; None when cancelled."""
    if len(sets) < 2:
        spreads: Mapping[str, Curve] | None = {}
    elif len(dataset.without_truth) < len(dataset.samples):
        spreads = _deviations(sets, tallies, config, cancelled)
    else:
        spreads = _distances(sets, dataset.samples, config, cancelled)
    if spreads is None:
        return None
    matrix = np.stack(list(spreads.values())) if spreads else np.zeros((0, len(THRESHOLDS)))
    return Disagreement(config, tuple(each.name for each in sets)), Spread(tuple(spreads), matrix)


def _deviations(
    sets: Sequence[HeatmapSet], tallies: Tallies, config: PostProcess, cancelled: Callable[[], bool]
) -> dict[str, Curve] | None:
    """The standard deviation of each sample's IoU over the sets, at all thresholds."""
    found: dict[str, list[Curve]] = {}
    for each in sets:
        tally = tallies.of(each, config, cancelled)
        if cancelled():
            return None
        if tally is not None:
            for id_, curve in zip(tally.ids, np.atleast_2d(SCORES["mean_iou"](tally.counts)), strict=True):
                found.setdefault(id_, []).append(curve)
    return {id_: np.std(values, axis=0) for id_, values in found.items() if len(values) > 1}


def _distances(
    sets: Sequence[HeatmapSet],
    samples: Sequence[Sample],
    config: PostProcess,
    cancelled: Callable[[], bool],
) -> dict[str, Curve] | None:
    """1 less the IoU between the sets' masks of each sample, over pairs of sets, at all thresholds."""
    found: dict[str, Curve] = {}
    for sample in samples:
        if cancelled():
            return None
        heatmaps = [map_ for each in sets if (map_ := each.read(sample.id)) is not None]
        if len(heatmaps) > 1:
            found[sample.id] = 1 - agreement(heatmaps, sample.image().shape[:2], config)
    return found


def agreement(heatmaps: Sequence[AnyHeatmap], shape: tuple[int, int], config: PostProcess) -> Curve:
    """The IoU between the masks of heatmaps (h, w), the mean over all pairs: (T,); 1 where both are empty."""
    codes = [codes_for(heatmap, shape, config) for heatmap in heatmaps]
    pairs = [_iou_between(one, other) for one, other in combinations(codes, 2)]
    mean: Curve = np.mean(pairs, axis=0)
    return mean


def _iou_between(one: Codes, other: Codes) -> Curve:
    """A pixel is in both masks where its lower code passes, in one of them where its higher one does."""
    nothing = np.zeros(one.shape, bool)
    both, either = (counts_of(each(one, other), nothing).predicted for each in (np.minimum, np.maximum))
    shared: Curve = np.where(either == 0, 1.0, both / np.maximum(either, 1))
    return shared
