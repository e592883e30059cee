"""Which samples to show: the best, the middle, the worst, and how a method fails."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from cliploc.core.codes import Float32, Mask, codes_for, map_of, mask_of
from cliploc.core.datasets import Dataset, Sample
from cliploc.core.errors import ClipLocError, ResourceError, clean
from cliploc.core.heatmaps.store import HeatmapStore
from cliploc.core.metrics import SCORES, Scores, counts_of, stacked
from cliploc.core.postprocess import PostProcess
from cliploc.core.report.findings import SetFindings
from cliploc.core.stretch import AnyHeatmap

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
        heatmaps = HeatmapStore().find(found.key).read_all(ids)
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


def _example(found: SetFindings, sample: Sample, heatmap: AnyHeatmap, score: float) -> Example:
    true_mask = sample.true_mask()
    mask = mask_of(heatmap, true_mask.shape, found.best.config)
    picture = example(sample.image(), heatmap, mask, true_mask, found.best.config)
    return Example(found.title, clean(sample.id), clean(sample.label), score, picture)


Picture = npt.NDArray[np.uint8]

HEIGHT = 200  # pixels of each part
_QUALITY = 84
_RIGHT, _TOO_MUCH, _MISSED = (0, 158, 115), (213, 94, 0), (0, 114, 178)


def example(image: Picture, heatmap: AnyHeatmap, mask: Mask, true_mask: Mask, config: PostProcess) -> bytes:
    """JPEG of three parts: the image with the true outline, the heatmap over it, the mask judged.

    image: (H, W, 3) uint8 RGB. heatmap: (h, w) float32 in [0, 1]. In the third part
    green is right, orange too much, blue missed.
    """
    map_ = map_of(heatmap, true_mask.shape, config)
    gap = np.full((HEIGHT, 4, 3), 255, np.uint8)
    parts = [
        _scaled(_outlined(image, true_mask)),
        gap,
        _scaled(_heated(image, map_)),
        gap,
        _scaled(_judged(image, mask, true_mask)),
    ]
    joined = cv2.cvtColor(np.hstack(parts), cv2.COLOR_RGB2BGR)
    done, content = cv2.imencode(".jpg", joined, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    if not done:
        raise ResourceError("this OpenCV cannot write JPEG; pip install opencv-python-headless")
    return content.tobytes()


def data_uri(jpeg: bytes) -> str:
    """A picture inside the page."""
    return f"data:image/jpeg;base64,{base64.b64encode(jpeg).decode('ascii')}"


def _outlined(image: Picture, true_mask: Mask) -> Picture:
    contours, _ = cv2.findContours(true_mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    width = max(2, round(image.shape[0] / 110))
    outlined = image.copy()
    cv2.drawContours(outlined, contours, -1, (0, 0, 0), width + 2)
    cv2.drawContours(outlined, contours, -1, (255, 255, 255), width)
    return outlined


def _heated(image: Picture, map_: Float32) -> Picture:
    levels = np.rint(map_ * 255).astype(np.uint8)
    colours = cv2.cvtColor(cv2.applyColorMap(levels, cv2.COLORMAP_INFERNO), cv2.COLOR_BGR2RGB)
    heated: Picture = cv2.addWeighted(_grey(image), 0.35, colours, 0.65, 0)
    return heated


def _judged(image: Picture, mask: Mask, true_mask: Mask) -> Picture:
    judged = _grey(image)
    for part, colour in (
        (mask & true_mask, _RIGHT),
        (mask & ~true_mask, _TOO_MUCH),
        (~mask & true_mask, _MISSED),
    ):
        judged[part] = np.rint(0.45 * judged[part] + 0.55 * np.array(colour)).astype(np.uint8)
    return judged


def _grey(image: Picture) -> Picture:
    grey: Picture = cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    return grey


def _scaled(picture: Picture) -> Picture:
    height, width = picture.shape[:2]
    size = (max(1, round(width * HEIGHT / height)), HEIGHT)
    scaled: Picture = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    return scaled
