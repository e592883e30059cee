"""The pointing game: does the map's highest pixel lie on the object?"""

from __future__ import annotations

import cv2
import numpy as np

from cliploc.core.codes import Float32, Mask

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
