"""Slow and plain: what the fast paths must equal, in loops that a reader can check by eye."""

from __future__ import annotations

import math

import cv2
import numpy as np

from cliploc.core.postprocess import THRESHOLDS, PostProcess
from cliploc.core.stretch import AnyHeatmap, Raw

INTERPOLATION = {"nearest": cv2.INTER_NEAREST, "bilinear": cv2.INTER_LINEAR, "bicubic": cv2.INTER_CUBIC}


def naive_map(heatmap: AnyHeatmap, shape: tuple[int, int], config: PostProcess) -> np.ndarray:
    """The heatmap at image size, stretched as the config says, clipped to [0, 1]."""
    height, width = shape
    way, how = config.stretch, INTERPOLATION[config.interpolation]
    values = heatmap.values if isinstance(heatmap, Raw) else heatmap
    if values.min() == values.max() and (
        isinstance(heatmap, Raw) or way in ("map", "positive", "percentile")
    ):
        # A constant says nothing, but under `none`, where others of its set say more or less.
        low, high = (heatmap.low, heatmap.high) if way == "none" else (0, 0)
        values = naive_stretch(values, low, high)
    elif way == "percentile":
        low, high = np.percentile(values, 1), np.percentile(values, 99)
        if np.float32(low) == np.float32(high):
            low, high = values.min(), values.max()
        values = np.clip(naive_stretch(values, low, high), 0, 1)
    elif isinstance(heatmap, Raw) and way == "grid":
        values = naive_stretch(values, values.min(), values.max())
    elif isinstance(heatmap, Raw) and way == "none":
        values = naive_stretch(values, heatmap.low, heatmap.high)
    large = cv2.resize(values, (width, height), interpolation=how)
    if way == "positive":
        large = np.where(large < 0, np.float32(0), large)
    if way in ("map", "positive"):
        large = naive_stretch(large, large.min(), large.max())
    return np.clip(large, 0, 1)


def naive_stretch(values: np.ndarray, low: float, high: float) -> np.ndarray:
    """In float32: what lies between low and high becomes 0 to 1, and 0 where that is one point."""
    low, high = np.float32(low), np.float32(high)
    return np.zeros(values.shape, np.float32) if high == low else (values - low) / (high - low)


def naive_codes(map_: np.ndarray) -> np.ndarray:
    """How many thresholds each pixel passes, one pixel and one threshold at a time, in float64."""
    codes = np.zeros(map_.shape, np.uint8)
    for place, value in np.ndenumerate(map_):
        codes[place] = sum(float(value) >= threshold for threshold in THRESHOLDS)
    return codes


def naive_kernel(shape: str, side: int) -> np.ndarray:
    """The kernel (side, side), place by place from its middle; an ellipse's rows end at whole pixels."""
    half = side // 2
    kernel = np.zeros((side, side), np.uint8)
    for y in range(-half, half + 1):
        width = {
            "square": half,
            "cross": half if y == 0 else 0,
            "ellipse": round(half * math.sqrt(1 - y * y / (half * half))) if half else 0,
        }[shape]
        kernel[half + y, half - width : half + width + 1] = 1
    return kernel


def naive_morphology(plane: np.ndarray, name: str, kernel: np.ndarray) -> np.ndarray:
    """Dilate or erode: the max or min over the pixels under the kernel that are inside the image."""
    pick = {"dilate": max, "erode": min}[name]
    half = kernel.shape[0] // 2
    offsets = [(row - half, column - half) for row, column in np.argwhere(kernel)]
    height, width = plane.shape
    result = np.empty_like(plane)
    for y in range(height):
        for x in range(width):
            result[y, x] = pick(
                plane[y + dy, x + dx] for dy, dx in offsets if 0 <= y + dy < height and 0 <= x + dx < width
            )
    return result


def naive_counts(
    heatmap: AnyHeatmap,
    true_mask: np.ndarray,
    config: PostProcess,
    thresholds: tuple[float, ...] = THRESHOLDS,
) -> tuple[list[int], list[int]]:
    """TP and predicted pixels at each threshold, everything done anew for each threshold."""
    tp, predicted = [], []
    for threshold in thresholds:
        map_ = naive_map(heatmap, true_mask.shape, config)
        mask = (map_.astype(np.float64) >= threshold).astype(np.uint8)
        for name, side in config.steps():
            kernel = naive_kernel(config.kernel, side)
            mask = cv2.dilate(mask, kernel) if name == "dilate" else cv2.erode(mask, kernel)
        tp.append(int(np.count_nonzero(mask & true_mask)))
        predicted.append(int(np.count_nonzero(mask)))
    return tp, predicted


def naive_scores(tp: int, predicted: int, area: int, pixels: int) -> dict[str, float]:
    """The five scores of one image at one threshold, from their definitions."""
    fp, fn = predicted - tp, area - tp
    nothing_to_find = area == 0
    return {
        "mean_iou": tp / (tp + fp + fn) if tp + fp + fn else 1.0,
        "precision": tp / predicted if predicted else float(nothing_to_find),
        "recall": tp / area if area else 1.0,
        "f1": 2 * tp / (2 * tp + fp + fn) if tp + fp + fn else 1.0,
        "pixel_accuracy": (pixels - fp - fn) / pixels,
    }
