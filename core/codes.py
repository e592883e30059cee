"""Codes: how many thresholds each pixel of a map passes.

Flat morphology commutes with any monotone relabelling, so dilating the codes
once equals thresholding first and dilating every mask: one pass serves all
thresholds exactly.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from cliploc.core.errors import ParameterError
from cliploc.core.postprocess import THRESHOLDS, PostProcess
from cliploc.core.stretch import AnyHeatmap, on_grid, on_map, values_of

Float32 = npt.NDArray[np.float32]
Codes = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]

_INTERPOLATION = {"nearest": cv2.INTER_NEAREST, "bilinear": cv2.INTER_LINEAR, "bicubic": cv2.INTER_CUBIC}
_SHAPE = {"square": cv2.MORPH_RECT, "ellipse": cv2.MORPH_ELLIPSE, "cross": cv2.MORPH_CROSS}
APPLY = {"dilate": cv2.dilate, "erode": cv2.erode}


def map_of(heatmap: AnyHeatmap, shape: tuple[int, int], config: PostProcess) -> Float32:
    """Stretch a heatmap (h, w) float32 and enlarge it to `shape` (H, W), clipped to [0, 1].

    All of the config that acts on the map happens here.

    Bicubic overshoots; the clip is monotone, so it changes no threshold's mask.
    ParameterError for a heatmap that is not finite: a NaN passes or fails thresholds at random.
    """
    if not np.isfinite(values_of(heatmap)).all():
        raise ParameterError("heatmap holds NaN or infinity; normalize it first (constants become 0)")
    small = on_grid(heatmap, config.stretch)
    enlarged = cv2.resize(small, shape[::-1], interpolation=_INTERPOLATION[config.interpolation])
    stretched = on_map(enlarged, config.stretch)
    clipped: Float32 = np.clip(stretched, 0, 1, out=stretched)
    return clipped


def codes_of(map_: Float32) -> Codes:
    """Count the thresholds that each pixel passes, by float64(value) >= threshold.

    map_: (H, W) float32 in [0, 1]. Returns (H, W) uint8 in 0..100; a pixel is
    in the mask of THRESHOLDS[j] when its code > j.
    """
    # The nearest threshold is a guess that is one too low exactly where that threshold is passed.
    guess: Codes = cv2.convertScaleAbs(map_, alpha=len(THRESHOLDS) - 1)
    passed = cv2.compare(map_, cv2.LUT(guess, _CEILINGS), cv2.CMP_GE)
    np.subtract(guess, passed, out=guess)  # passed is 0 or 255, and 255 is -1 in uint8
    return guess


def morphed(codes: npt.NDArray[np.uint8], config: PostProcess) -> npt.NDArray[np.uint8]:
    """Apply the config's dilation and erosion to codes, a map or a mask (H, W), any OpenCV depth.

    Pixels outside the image are ignored by both.
    """
    for name, side in config.steps():
        codes = APPLY[name](codes, kernel_of(config.kernel, side))
    return codes


def kernel_of(shape: str, side: int) -> npt.NDArray[np.uint8]:
    """The structuring element: (side, side) uint8, 1 inside the square, ellipse or cross."""
    kernel: npt.NDArray[np.uint8] = cv2.getStructuringElement(_SHAPE[shape], (side, side))
    return kernel


def codes_for(heatmap: AnyHeatmap, shape: tuple[int, int], config: PostProcess) -> Codes:
    """From a heatmap straight to post-processed codes (H, W) uint8: all 100 masks at once."""
    return morphed(codes_of(map_of(heatmap, shape, config)), config)


def mask_of(heatmap: AnyHeatmap, shape: tuple[int, int], config: PostProcess) -> Mask:
    """The predicted mask (H, W) bool of one config at its threshold."""
    return codes_for(heatmap, shape, config) > config.threshold_index


def _ceilings() -> Float32:
    """The smallest float32 that is >= each threshold: comparing with it is comparing in float64."""
    exact = np.array(THRESHOLDS)
    rounded = exact.astype(np.float32)
    table = np.full(256, np.inf, np.float32)
    table[: len(exact)] = np.where(rounded < exact, np.nextafter(rounded, np.float32(2)), rounded)
    return table


_CEILINGS = _ceilings()
