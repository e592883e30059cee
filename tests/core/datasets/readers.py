"""Readers and writers of masks that share nothing with ours: Pillow, and arithmetic by hand."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image


def saved(path: Path, image: Image.Image, **options: object) -> Path:
    """Save a Pillow image, making its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path, **options)  # type: ignore[arg-type]
    return path


def disc(height: int, width: int, seed: int = 0) -> np.ndarray:
    """A true mask (H, W) bool: an ellipse somewhere, never empty and never everything."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width]
    cy, cx = rng.uniform(0.3, 0.7) * height, rng.uniform(0.3, 0.7) * width
    ry, rx = rng.uniform(0.15, 0.3) * height, rng.uniform(0.15, 0.3) * width
    return ((y - cy) / ry) ** 2 + ((x - cx) / rx) ** 2 <= 1


def inside(points: Sequence[tuple[float, float]], height: int, width: int) -> np.ndarray:
    """Pixels whose middle is inside a polygon, by counting crossings: (H, W) bool."""
    mask = np.zeros((height, width), bool)
    ends = [*points[1:], points[0]]
    for row in range(height):
        for column in range(width):
            x, y = column + 0.5, row + 0.5
            crossings = sum(
                (y0 > y) != (y1 > y) and x < (x1 - x0) * (y - y0) / (y1 - y0) + x0
                for (x0, y0), (x1, y1) in zip(points, ends, strict=True)
            )
            mask[row, column] = crossings % 2 == 1
    return mask


def runs_of(mask: np.ndarray) -> list[int]:
    """COCO's uncompressed run lengths of a mask: down the columns, background first."""
    runs, value, length = [], False, 0
    for pixel in mask.T.ravel().tolist():
        if pixel != value:
            runs.append(length)
            value, length = pixel, 0
        length += 1
    return [*runs, length]


def compressed(runs: Sequence[int]) -> str:
    """COCO's compressed form of run lengths: base 32, differences to two before from the third on."""
    text = ""
    for place, run in enumerate(runs):
        number = run - runs[place - 2] if place > 2 else run
        more = True
        while more:
            digit = number & 31
            number >>= 5
            more = number != -1 if digit & 16 else number != 0
            text += chr(48 + (digit | 32 if more else digit))
    return text
