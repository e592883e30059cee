"""One config over a dataset: every score at all thresholds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from cliploc.core.codes import codes_of, map_of, morphed
from cliploc.core.datasets import Sample
from cliploc.core.errors import ParameterError
from cliploc.core.metrics import (
    Counts,
    Scores,
    average_precision,
    counts_of,
    iou,
    mean_scores,
    pooled,
    stacked,
    summed_scores,
)
from cliploc.core.postprocess import PostProcess
from cliploc.core.stretch import AnyHeatmap
from cliploc.core.sweep.localization import TOLERANCES, BoxAccuracy, box_accuracy, hits, mask_box, unignored


@dataclass(frozen=True)
class Evaluation:
    """Every score of one config.

    ids: of the n samples scored; those ignored all over are left out. counts: (n, T).
    curves: by column name, (T,). labels: mean IoU by label, (T,).
    average_precision: mean over images; px_ap: over all pixels. pointing: hit
    rate by tolerance over images, pointing_by_label: mean over labels of their
    rates. Pointing uses the map without morphology.
    """

    ids: tuple[str, ...]
    counts: Counts
    curves: dict[str, Scores]
    labels: dict[str, Scores]
    average_precision: float
    px_ap: float
    pointing: dict[int, float]
    pointing_by_label: dict[int, float]
    boxes: BoxAccuracy | None


def evaluate(
    heatmaps: Mapping[str, AnyHeatmap],
    samples: Sequence[Sample],
    config: PostProcess,
    *,
    boxes: bool = False,
) -> Evaluation:
    """Score the samples that have a heatmap (h, w) float32 in [0, 1] under one config.

    boxes: also MaxBoxAcc, which takes far longer than everything else.
    """
    cv2.setNumThreads(1)  # small images: threads cost more than they bring
    present = [sample for sample in samples if sample.id in heatmaps]
    scored, rows, pointed, boxed = [], [], [], []
    for sample in present:
        true_mask, ignored = sample.true_mask(), sample.ignored()
        if ignored is None or not ignored.all():
            map_ = map_of(heatmaps[sample.id], true_mask.shape, config)
            codes = morphed(codes_of(map_), config)
            scored.append(sample)
            rows.append(counts_of(codes, true_mask, ignored))
            pointed.append(hits(map_, true_mask, ignored))
            if boxes:
                boxed.append((unignored(codes, ignored), mask_box(true_mask)))
    if not scored:
        raise ParameterError("no sample is left to score: each is ignored all over, or has no heatmap")
    counts = stacked(rows)
    labels = np.array([sample.label for sample in scored])
    rates = {t: np.array([hit[t] for hit in pointed], float) for t in TOLERANCES}
    return Evaluation(
        ids=tuple(sample.id for sample in scored),
        counts=counts,
        curves={**mean_scores(counts), **summed_scores(pooled(counts))},
        labels={str(label): iou(counts[labels == label]).mean(axis=0) for label in np.unique(labels)},
        average_precision=float(average_precision(counts).mean()),
        px_ap=float(average_precision(pooled(counts))),
        pointing={t: float(rate.mean()) for t, rate in rates.items()},
        pointing_by_label={
            t: float(np.mean([rate[labels == label].mean() for label in np.unique(labels)]))
            for t, rate in rates.items()
        },
        boxes=box_accuracy(boxed) if boxes else None,
    )


def evaluate_boxes(
    heatmaps: Mapping[str, AnyHeatmap], samples: Sequence[Sample], config: PostProcess
) -> BoxAccuracy:
    """MaxBoxAcc of samples that have boxes and a heatmap (h, w), under one config.

    DatasetError for a picture that cannot be read.
    """
    cv2.setNumThreads(1)
    return box_accuracy(
        (
            morphed(codes_of(map_of(heatmaps[sample.id], sample.image().shape[:2], config)), config),
            np.array(sample.boxes, np.int64),
        )
        for sample in samples
        if sample.id in heatmaps
    )
