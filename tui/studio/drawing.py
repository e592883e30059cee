"""From arrays to the pictures that are shown. Runs on a thread, never on the event loop."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cliploc.core import compose
from cliploc.core.codes import codes_of, map_of, morphed
from cliploc.core.metrics import Counts, counts_of
from cliploc.core.postprocess import PostProcess
from cliploc.core.regions import Region, region_of
from cliploc.core.stretch import AnyHeatmap
from cliploc.tui.state import View
from cliploc.tui.studio import outlines

Image = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]
DIMMED, TINT = 0.55, 0.65
CROP_MARGIN = 0.35
SHEET_SIZE = 128


@dataclass(frozen=True, eq=False)  # one read is itself alone: arrays do not compare as one
class Decoded:
    """A sample's files, read: the image (H, W, 3), and of its size the true mask and what does not count.

    true_mask: None where nobody has marked it.
    """

    image: Image
    true_mask: Mask | None
    ignored: Mask | None


@dataclass(frozen=True)
class Drawn:
    """The pictures by name, (H, W, 3) uint8 each.

    counts: (T,), where there is a heatmap and a true mask. region: of the predicted mask, where there
    is a heatmap.
    """

    pictures: dict[str, Image]
    counts: Counts | None
    region: Region | None


def drawn(decoded: Decoded, heatmap: AnyHeatmap | None, config: PostProcess, view: View, peek: bool) -> Drawn:
    """All four pictures of a sample. Without a heatmap there are only image and true mask."""
    image, true_mask = decoded.image, decoded.true_mask
    dimmed = compose.blend(image, np.zeros_like(image), DIMMED)
    pictures = {"image": image}
    if true_mask is not None:
        pictures["truth"] = compose.outcome(dimmed, true_mask, true_mask, TINT)
    counts = region = mask = None
    if heatmap is not None:
        map_ = map_of(heatmap, image.shape[:2], config)
        codes = morphed(codes_of(map_), config)
        mask = codes > config.threshold_index
        region = region_of(map_, mask)
        pictures["heatmap"] = compose.overlay(image, map_, view.colours, view.opacity)
        if true_mask is None:
            pictures["mask"] = compose.tinted(dimmed, mask, compose.UNJUDGED, TINT)
        else:
            counts = counts_of(codes, true_mask, decoded.ignored)
            pictures["mask"] = compose.outcome(dimmed, mask, true_mask, TINT)
        if view.outlines:
            pictures |= outlines.outlined(image, mask, true_mask)
    if peek and true_mask is not None:
        truth = pictures["truth"]
        pictures = {
            name: truth if name == "image" else compose.contours(picture, true_mask, (255, 255, 255), 3)
            for name, picture in pictures.items()
        }
    around = true_mask if true_mask is not None else mask
    if view.crop and around is not None:
        pictures = {name: cropped(picture, around) for name, picture in pictures.items()}
    pictures = {name: compose.zoomed(shown, view.zoom, (view.x, view.y)) for name, shown in pictures.items()}
    return Drawn(pictures, counts, region)


def cropped(picture: Image, mask: Mask) -> Image:
    """The surroundings of a mask, with a margin; the whole picture where it is empty."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not len(rows):
        return picture
    bounds = []
    for found, size in ((rows, mask.shape[0]), (columns, mask.shape[1])):
        margin = round(CROP_MARGIN * (found[-1] - found[0] + 1))
        bounds.append(slice(max(found[0] - margin, 0), min(found[-1] + margin + 1, size)))
    return np.ascontiguousarray(picture[bounds[0], bounds[1]])


def sheet(pictures: Sequence[Image], room: tuple[int, int]) -> Image:
    """A contact sheet of the mask pictures of several samples. room: its width and height, in one unit."""
    count, (width, height) = len(pictures), room
    # So many columns that the thumbnails come out largest.
    columns = min(max(1, round(math.sqrt(count * width / height))), count)
    return compose.contact_sheet(pictures, columns, SHEET_SIZE)
