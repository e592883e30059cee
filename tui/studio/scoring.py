"""From exact counts to the scores that the screen shows."""

from __future__ import annotations

from array import array
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from cliploc.core.metrics import SCORES, Counts
from cliploc.core.postprocess import THRESHOLDS, PostProcess
from cliploc.tui.curves import Curves
from cliploc.tui.dataset_scores import DatasetScores
from cliploc.tui.state import Source

Array = npt.NDArray[np.float64]


def scores_of(
    source: Source,
    config: PostProcess,
    heatmaps: str,
    ids: tuple[str, ...],
    labels: tuple[str, ...],
    counts: Counts,
) -> DatasetScores:
    """Score counts (n, T) of the samples `ids`, of the heatmap set of that name."""
    scores = {name: np.atleast_2d(of(counts)) for name, of in SCORES.items()}
    iou = scores["mean_iou"]
    return DatasetScores(
        source,
        config,
        heatmaps,
        ids,
        labels,
        {name: plain(values) for name, values in scores.items()},
        _means(scores, labels),
        plain(iou.max(axis=1) if len(ids) else iou),
        plain(np.asarray(THRESHOLDS)[iou.argmax(axis=1)] if len(ids) else iou),
        plain(counts.area / np.maximum(counts.pixels, 1)),
    )


def curves_of(counts: Counts) -> Curves:
    """The scores of one sample, from its counts (T,)."""
    return Curves(1, {name: plain(of(counts)) for name, of in SCORES.items()})


def plain(values: Array) -> array[float]:
    """Numbers, flat, without numpy."""
    return array("d", np.ascontiguousarray(values, np.float64).tobytes())


def _means(scores: Mapping[str, Array], labels: tuple[str, ...]) -> dict[str | None, Curves]:
    members: dict[str | None, list[int]] = {}
    for row, label in enumerate(labels):
        members.setdefault(label, []).append(row)
    found = {label: _mean(scores, rows) for label, rows in members.items()}
    return found | ({None: _mean(scores, slice(None))} if labels else {})


def _mean(scores: Mapping[str, Array], rows: list[int] | slice) -> Curves:
    chosen = {name: values[rows] for name, values in scores.items()}
    means = {name: plain(values.mean(axis=0)) for name, values in chosen.items()}
    return Curves(len(chosen["mean_iou"]), means)
