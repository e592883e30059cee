"""From arrays to the pictures that are shown. Runs on a thread, never on the event loop."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cliploc.core import compose
from cliploc.core.codes import codes_of, map_of, morphed
from cliploc.core.metrics import Counts, counts_of
from cliploc.core.postprocess import PostProcess
from cliploc.tui.state import View
from cliploc.tui.studio import outlines

Image = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]
Heatmap = npt.NDArray[np.float32]
DIMMED, TINT = 0.55, 0.65
CROP_MARGIN = 0.35
SHEET_SIZE = 128


@dataclass(frozen=True)
class Decoded:
    """A sample's files, read: the image (H, W, 3), and of its size the true mask and what does not count."""

    image: Image
    true_mask: Mask
    ignored: Mask | None


@dataclass(frozen=True)
class Drawn:
    """The pictures by name, (H, W, 3) uint8 each, and the counts (T,) where there is a heatmap."""

    pictures: dict[str, Image]
    counts: Counts | None


def drawn(decoded: Decoded, heatmap: Heatmap | None, config: PostProcess, view: View, peek: bool) -> Drawn:
    """All four pictures of a sample. Without a heatmap there are only image and true mask."""
    image, true_mask = decoded.image, decoded.true_mask
    dimmed = compose.blend(image, np.zeros_like(image), DIMMED)
    truth = compose.outcome(dimmed, true_mask, true_mask, TINT)
    pictures = {"image": image, "truth": truth}
    counts = None
    if heatmap is not None:
        map_ = map_of(heatmap, true_mask.shape, config)
        codes = morphed(codes_of(map_), config)
        counts = counts_of(codes, true_mask, decoded.ignored)
        pictures["heatmap"] = compose.overlay(image, map_, view.colours, view.opacity)
        mask = codes > config.threshold_index
        pictures["mask"] = compose.outcome(dimmed, mask, true_mask, TINT)
        if view.outlines:
            pictures |= outlines.outlined(image, mask, true_mask)
    if peek:
        pictures = {
            name: truth if name == "image" else compose.contours(picture, true_mask, (255, 255, 255), 3)
            for name, picture in pictures.items()
        }
    if view.crop:
        pictures = {name: cropped(picture, true_mask) for name, picture in pictures.items()}
    pictures = {name: compose.zoomed(shown, view.zoom, (view.x, view.y)) for name, shown in pictures.items()}
    return Drawn(pictures, counts)


def cropped(picture: Image, true_mask: Mask) -> Image:
    """The surroundings of the true mask, with a margin; the whole picture where it is empty."""
    rows, columns = np.flatnonzero(true_mask.any(axis=1)), np.flatnonzero(true_mask.any(axis=0))
    if not len(rows):
        return picture
    bounds = []
    for found, size in ((rows, true_mask.shape[0]), (columns, true_mask.shape[1])):
        margin = round(CROP_MARGIN * (found[-1] - found[0] + 1))
        bounds.append(slice(max(found[0] - margin, 0), min(found[-1] + margin + 1, size)))
    return np.ascontiguousarray(picture[bounds[0], bounds[1]])


def sheet(pictures: Sequence[Image], columns: int) -> Image:
    """A contact sheet of the mask pictures of several samples."""
    return compose.contact_sheet(pictures, columns, SHEET_SIZE)
