"""The pictures people look at, made from an image, a map and masks.

Pure functions of arrays, run off the UI thread. Images are (H, W, 3) uint8 RGB,
maps (H, W) float32 in [0, 1], masks (H, W) bool; a function returns a new array.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from cliploc.core.errors import unknown

Image = NDArray[np.uint8]
Map = NDArray[np.float32]
Mask = NDArray[np.bool_]
Colour = tuple[int, int, int]

# All perceptually uniform: equal steps of the map look equal. cividis also looks the same
# to people with red-green colour blindness.
COLOUR_MAPS = {
    "inferno": cv2.COLORMAP_INFERNO,
    "viridis": cv2.COLORMAP_VIRIDIS,
    "magma": cv2.COLORMAP_MAGMA,
    "plasma": cv2.COLORMAP_PLASMA,
    "cividis": cv2.COLORMAP_CIVIDIS,
    "grey": None,
}

# From Okabe and Ito's palette, told apart with any common colour blindness.
OUTCOME_COLOURS: dict[str, Colour] = {
    "hit": (0, 158, 115),
    "miss": (86, 180, 233),
    "false": (213, 94, 0),
}

# Of a mask that nobody can judge: from the same palette.
UNJUDGED: Colour = (240, 228, 66)


def colour_map(heat: Map, name: str) -> Image:
    """Colour a map by one of COLOUR_MAPS; ParameterError for another name.

    heat: (H, W), clipped to [0, 1]; NaN counts as 0.
    """
    levels = np.rint(np.clip(np.nan_to_num(heat), 0, 1) * 255).astype(np.uint8)
    coloured: Image = _table(name)[levels]
    return coloured


@lru_cache(maxsize=len(COLOUR_MAPS))
def _table(name: str) -> Image:
    """The (256, 3) RGB colours of a map."""
    if name not in COLOUR_MAPS:
        raise unknown("colour map", name, COLOUR_MAPS)
    ramp = np.arange(256, dtype=np.uint8)
    code = COLOUR_MAPS[name]
    if code is None:
        return np.repeat(ramp[:, None], 3, axis=1)
    coloured = cv2.applyColorMap(ramp[:, None], code)[:, 0]
    return np.ascontiguousarray(coloured[:, ::-1])


def blend(image: Image, other: Image, opacity: float) -> Image:
    """`other` over `image`: opacity 0 shows only the image, 1 only the other."""
    blended: Image = cv2.addWeighted(other, opacity, image, 1 - opacity, 0)
    return blended


def overlay(image: Image, heat: Map, name: str, opacity: float) -> Image:
    """A coloured map over the image; the map is stretched to the image's size when it differs."""
    height, width = image.shape[:2]
    if heat.shape != (height, width):
        heat = cv2.resize(heat, (width, height), interpolation=cv2.INTER_LINEAR)
    return blend(image, colour_map(heat, name), opacity)


def outcome(image: Image, mask: Mask, true_mask: Mask, opacity: float) -> Image:
    """The mask against the true mask: hits, misses and false areas in OUTCOME_COLOURS."""
    areas = {"hit": mask & true_mask, "miss": ~mask & true_mask, "false": mask & ~true_mask}
    painted = image
    for name, area in areas.items():
        painted = tinted(painted, area, OUTCOME_COLOURS[name], opacity)
    return painted


def tinted(image: Image, mask: Mask, colour: Colour, opacity: float) -> Image:
    """The mask in one colour."""
    painted = image.copy()
    tint = np.array(colour, np.float32) * opacity
    painted[mask] = np.rint(image[mask] * (1 - opacity) + tint).astype(np.uint8)
    return painted


def contours(image: Image, mask: Mask, colour: Colour, thickness: int = 2) -> Image:
    """The mask's outline, drawn on its inner side, so that a mask at the border stays visible."""
    side = 2 * thickness + 1
    padded = np.pad(mask.astype(np.uint8), 1)
    inner = cv2.erode(padded, np.ones((side, side), np.uint8))[1:-1, 1:-1].astype(bool)
    painted = image.copy()
    painted[mask & ~inner] = colour
    return painted


def side_by_side(images: Sequence[Image], gap: int = 4) -> Image:
    """Images in a row, scaled to the first one's height, with a black gap between."""
    height = images[0].shape[0]
    spacer = np.zeros((height, gap, 3), np.uint8)
    row: list[Image] = []
    for image in images:
        width = max(1, round(image.shape[1] * height / image.shape[0]))
        if image.shape[0] != height:
            image = _resized(image, width, height)
        row += [image, spacer]
    return np.concatenate(row[:-1], axis=1)


def zoomed(image: Image, zoom: float, centre: tuple[float, float]) -> Image:
    """A window of 1/zoom of the image, enlarged to at least its size with crisp square pixels.

    centre: (x, y) in [0, 1] of the image; the window stays inside. zoom <= 1 is the image.
    """
    if zoom <= 1:
        return image
    height, width = image.shape[:2]
    rows, columns = max(1, round(height / zoom)), max(1, round(width / zoom))
    top = min(max(round(centre[1] * height - rows / 2), 0), height - rows)
    left = min(max(round(centre[0] * width - columns / 2), 0), width - columns)
    window = image[top : top + rows, left : left + columns]
    factor = max(1, -(-height // rows))
    return np.ascontiguousarray(window.repeat(factor, axis=0).repeat(factor, axis=1))


def png(image: Image) -> bytes:
    """The image as a PNG file."""
    _, content = cv2.imencode(".png", cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
    return content.tobytes()


def contact_sheet(images: Sequence[Image], columns: int, size: int, gap: int = 4) -> Image:
    """Thumbnails in rows of `columns`, each inside a square of `size` pixels, aspect kept.

    images: at least one; the last row is filled up with black.
    """
    rows = -(-len(images) // columns)
    step = size + gap
    sheet = np.zeros((rows * step - gap, columns * step - gap, 3), np.uint8)
    for index, image in enumerate(images):
        thumbnail = _thumbnail(image, size)
        height, width = thumbnail.shape[:2]
        top = index // columns * step + (size - height) // 2
        left = index % columns * step + (size - width) // 2
        sheet[top : top + height, left : left + width] = thumbnail
    return sheet


def _thumbnail(image: Image, size: int) -> Image:
    scale = size / max(image.shape[:2])
    height, width = (max(1, round(side * scale)) for side in image.shape[:2])
    return _resized(image, width, height)


def _resized(image: Image, width: int, height: int) -> Image:
    """Averaged when it shrinks, crisp when it grows."""
    shrinks = height < image.shape[0]
    resized: Image = cv2.resize(
        image, (width, height), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_NEAREST
    )
    return resized
