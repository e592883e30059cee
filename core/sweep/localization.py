"""Localization without masks: the pointing game, and boxes around predicted masks.

MaxBoxAcc and MaxBoxAccV2 are Choe et al.'s (2020). Boxes need contours at every threshold, which
codes do not give for free; so they are scored for single configs, not for grids. The true boxes
are those given by the caller, or the one box around the true mask. Ours differs from the
published script in one thing, on purpose: thresholds are the 100 of this project on the float
map, where the script rounds the map to 8 bits first.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from cliploc.core.codes import Codes, Float32, Mask
from cliploc.core.metrics import Scores
from cliploc.core.postprocess import THRESHOLDS

OVERLAPS = (0.3, 0.5, 0.7)

Boxes = npt.NDArray[np.int64]


@dataclass(frozen=True)
class BoxAccuracy:
    """Fractions of images whose box is right, at each threshold.

    largest: (T,) the box of the largest contour overlaps a true box by 0.5.
    any_contour: (3, T) some contour's box does, by 0.3, 0.5 and 0.7.
    """

    largest: Scores
    any_contour: Scores

    @property
    def max_box_acc(self) -> float:
        """MaxBoxAcc: `largest` at its best threshold (chosen on the same images)."""
        return float(self.largest.max())

    @property
    def max_box_acc_v2(self) -> float:
        """MaxBoxAccV2: mean over overlaps of `any_contour`, each at its own best threshold."""
        return float(self.any_contour.max(axis=1).mean())


def box_accuracy(images: Iterable[tuple[Codes, Boxes]]) -> BoxAccuracy:
    """Box accuracy over images. Each: codes (H, W) after post-processing, true boxes (n, 4)."""
    largest, any_contour = [], []
    for codes, true_boxes in images:
        best = np.zeros((2, len(THRESHOLDS)))
        for threshold in range(len(THRESHOLDS)):
            boxes = contour_boxes(codes > threshold)
            overlaps = overlap(boxes, true_boxes)
            best[:, threshold] = overlaps[0].max(), overlaps.max()
        largest.append(best[0] >= 0.5)
        any_contour.append([best[1] >= level for level in OVERLAPS])
    return BoxAccuracy(np.mean(largest, axis=0), np.mean(any_contour, axis=0))


def contour_boxes(mask: Mask) -> Boxes:
    """Boxes (n, 4) of the outer contours, the largest first: x0, y0, x1, y1, ends included.

    An empty mask has the box (0, 0, 0, 0), as in the published script.
    """
    contours, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    if not contours:
        return np.zeros((1, 4), np.int64)
    largest = max(range(len(contours)), key=lambda place: cv2.contourArea(contours[place]))
    order = [largest, *(place for place in range(len(contours)) if place != largest)]
    corners = [cv2.boundingRect(contours[place]) for place in order]
    return np.array([(x, y, x + width - 1, y + height - 1) for x, y, width, height in corners], np.int64)


def unignored(codes: Codes, ignored: Mask | None) -> Codes:
    """The codes with ignored pixels (H, W) predicted at no threshold."""
    return codes if ignored is None else np.where(ignored, np.uint8(0), codes)


def mask_box(true_mask: Mask) -> Boxes:
    """The one box (1, 4) around all true pixels."""
    x, y, width, height = cv2.boundingRect(true_mask.astype(np.uint8))
    return np.array([(x, y, x + max(width, 1) - 1, y + max(height, 1) - 1)], np.int64)


def overlap(first: Boxes, second: Boxes) -> Scores:
    """IoU of every pair of boxes, (n, 4) and (m, 4) -> (n, m); areas count both ends."""
    low = np.maximum(first[:, None, :2], second[None, :, :2])
    high = np.minimum(first[:, None, 2:], second[None, :, 2:])
    common = np.prod(np.maximum(high - low + 1, 0), axis=2)
    areas = [np.prod(boxes[:, 2:] - boxes[:, :2] + 1, axis=1) for boxes in (first, second)]
    ratio: Scores = common / (areas[0][:, None] + areas[1][None, :] - common)
    return ratio


TOLERANCES = (0, 15)  # pixels; 15 is the game as published (Zhang et al., 2016; TorchRay)


def hits(map_: Float32, true_mask: Mask, ignored: Mask | None = None) -> dict[int, bool]:
    """Whether the highest pixel hits the true mask, by tolerance.

    map_: (H, W) without morphology; of equal maxima the first in reading order
    points. ignored: pixels (H, W) that cannot be pointed at. Tolerance 0: the pixel is
    in the mask. Tolerance r: some true pixel is nearer than r pixels (strictly, as
    TorchRay does). No true pixel: a miss.
    """
    counted = map_ if ignored is None else np.where(ignored, -np.inf, map_)
    row, column = np.unravel_index(int(np.argmax(counted)), map_.shape)
    distance = _distance(true_mask, int(row), int(column))
    return {tolerance: distance < max(tolerance, 0.5) for tolerance in TOLERANCES}


def _distance(true_mask: Mask, row: int, column: int) -> float:
    """Pixels from a point to the nearest true pixel; infinity when there is none."""
    if true_mask[row, column]:
        return 0.0
    places = cv2.findNonZero(true_mask.astype(np.uint8))
    if places is None:
        return float("inf")
    offsets = places.reshape(-1, 2).astype(np.int64) - (column, row)
    return float(np.sqrt((offsets**2).sum(axis=1).min()))
