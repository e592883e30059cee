"""Which samples to show: the best, the middle, the worst, and how a method fails."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cliploc.core.codes import codes_for, mask_of
from cliploc.core.datasets import Dataset, Sample
from cliploc.core.errors import ClipLocError, clean
from cliploc.core.heatmaps.store import HeatmapStore
from cliploc.core.metrics import SCORES, Scores, counts_of, stacked
from cliploc.core.report.findings import SetFindings
from cliploc.core.report.pictures import example

EACH = 3  # examples of a kind

# Kinds of failure, the first that applies.
FAILURES = {
    "nothing found": "the mask is empty",
    "elsewhere": "the mask misses the object: IoU below 0.1",
    "too much": "the object is found (recall above 0.8), but with three times its area or more (precision "
    "below 1/3)",
    "too little": "what is found is right (precision above 0.8), but it is a third of the object or less",
}


@dataclass(frozen=True)
class Example:
    """One sample under one method's best cell, with its picture (JPEG)."""

    method: str
    id: str
    label: str
    iou: float
    picture: bytes


@dataclass(frozen=True)
class Gallery:
    """Examples of one method by rank, and its failures by kind with how many there are of each."""

    method: str
    ranked: dict[str, tuple[Example, ...]]
    failures: dict[str, tuple[Example, ...]]
    counts: dict[str, int]
    images: int


def gallery(found: SetFindings, dataset: Dataset, ids: Sequence[str]) -> Gallery | None:
    """Pictures of one heatmap set; None when its heatmaps are not in this store (an imported run)."""
    try:
        heatmaps = HeatmapStore().find(found.key).read_all()
    except ClipLocError:
        return None
    samples = [sample for sample in dataset.samples if sample.id in set(ids) & heatmaps.keys()]
    config = found.best.config
    counts = stacked(
        counts_of(codes_for(heatmaps[s.id], s.true_mask().shape, config), s.true_mask(), s.ignored())
        for s in samples
    )
    scores = {name: of(counts)[:, config.threshold_index] for name, of in SCORES.items()}
    order = np.argsort(scores["mean_iou"], kind="stable")
    kinds = failure_kinds(scores, counts.predicted[:, config.threshold_index] == 0)

    def shown(places: Sequence[int]) -> tuple[Example, ...]:
        return tuple(
            _example(found, samples[place], heatmaps[samples[place].id], float(scores["mean_iou"][place]))
            for place in places
        )

    return Gallery(
        found.title,
        {name: shown(places) for name, places in ranks(order.tolist()).items()},
        {kind: shown([int(p) for p in order if kinds[p] == kind][:EACH]) for kind in FAILURES},
        {kind: kinds.count(kind) for kind in FAILURES},
        len(samples),
    )


def ranks(order: list[int]) -> dict[str, list[int]]:
    """From places by ascending score: the best, those around the median, the worst; none of them twice."""
    each = min(EACH, len(order) // 3 or 1)
    middle = (len(order) - each) // 2
    return {
        "best": order[::-1][:each],
        "median": order[middle : middle + each][::-1],
        "worst": order[:each],
    }


def failure_kinds(scores: dict[str, Scores], empty: np.ndarray) -> list[str]:
    """The kind of failure of each image by its scores (n,); "" for an image that is none."""
    tests = {
        "nothing found": empty,
        "elsewhere": scores["mean_iou"] < 0.1,
        "too much": (scores["recall"] > 0.8) & (scores["precision"] < 1 / 3),
        "too little": (scores["precision"] > 0.8) & (scores["recall"] < 1 / 3),
    }
    kinds = np.select([tests[kind] for kind in FAILURES], list(FAILURES), default="")
    return [str(kind) for kind in kinds]


def _example(found: SetFindings, sample: Sample, heatmap: np.ndarray, score: float) -> Example:
    true_mask = sample.true_mask()
    mask = mask_of(heatmap, true_mask.shape, found.best.config)
    picture = example(sample.image(), heatmap, mask, true_mask, found.best.config)
    return Example(found.title, clean(sample.id), clean(sample.label), score, picture)
