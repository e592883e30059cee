"""True masks that are drawn: shapes into the dataset's store, and pictures of them. Runs on threads."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from pycocotools import mask as coco_mask

from cliploc.core import compose
from cliploc.core.datasets import Dataset
from cliploc.core.datasets.drawn import Drawing, Segmentation
from cliploc.core.errors import DatasetError
from cliploc.tui.answers import MarkingReady, TruthChanged
from cliploc.tui.marking import BOX, BRUSH, POLYGON, Marking, Shape
from cliploc.tui.studio.drawing import Image, Mask
from cliploc.tui.studio.picture_cache import PictureCache

TINT = 0.45
CURSOR = (255, 255, 255)


class Marks:
    """forget: told of a sample whose true mask is another one."""

    def __init__(
        self,
        dataset: Dataset,
        picture_cache: PictureCache,
        post: Callable[[object], object],
        forget: Callable[[str], None],
    ) -> None:
        self._dataset = dataset
        self._picture_cache = picture_cache
        self._post = post
        self._forget = forget
        self._decoded: tuple[str, Image] | None = None

    @property
    def _drawing(self) -> Drawing:
        if self._dataset.drawing is None:
            raise DatasetError(f"{self._dataset.name} has true masks of its own")
        return self._dataset.drawing

    def draw(self, generation: int, id_: str, marking: Marking | None) -> None:
        """The picture with its true mask, what is begun and the cursor; answers MarkingReady."""
        image = self._image(id_)
        height, width = image.shape[:2]
        is_marked = id_ not in self._dataset.without_truth
        mask = self._dataset.by_id(id_).true_mask() if is_marked else None
        shown = self._picture_cache.add(painted(image, mask, marking))
        self._post(MarkingReady(generation, id_, shown, width, height, self._drawing.count(id_)))

    def add(self, id_: str, shape: Shape) -> None:
        """Keep one more shape; answers TruthChanged."""
        height, width = self._image(id_).shape[:2]
        self._drawing.add(id_, segmentation_of(shape, width, height), (width, height))
        self._changed(id_)

    def undo(self, id_: str) -> None:
        """Take the last shape away; answers TruthChanged."""
        self._drawing.undo(id_)
        self._changed(id_)

    def clear(self, id_: str) -> None:
        """Take all shapes away; answers TruthChanged."""
        self._drawing.clear(id_)
        self._changed(id_)

    def _changed(self, id_: str) -> None:
        self._dataset.forget_truth()
        self._forget(id_)
        self._post(TruthChanged(id_))

    def _image(self, id_: str) -> Image:
        if self._decoded is None or self._decoded[0] != id_:
            self._decoded = (id_, self._dataset.by_id(id_).image())
        return self._decoded[1]


def segmentation_of(shape: Shape, width: int, height: int) -> Segmentation:
    """A shape as COCO has it: a polygon, and run lengths for a brush."""
    if shape.tool == BRUSH:
        runs = coco_mask.encode(np.asfortranarray(_brushed(shape, width, height), dtype=np.uint8))
        return {"size": [height, width], "counts": runs["counts"].decode("ascii")}
    if shape.tool == BOX:
        (x, y), (u, v) = shape.points[0], shape.points[-1]
        left, right, top, bottom = min(x, u), max(x, u) + 1, min(y, v), max(y, v) + 1
        return [[float(each) for each in (left, top, right, top, right, bottom, left, bottom)]]
    # The middle of each pixel.
    return [[each + 0.5 for point in shape.points for each in point]]


def painted(image: Image, mask: Mask | None, marking: Marking | None) -> Image:
    """The picture with the true mask tinted, the shape that is begun outlined, and a cross at the cursor."""
    shown = image if mask is None else compose.tinted(image, mask, compose.OUTCOME_COLOURS["hit"], TINT)
    if marking is None:
        return shown
    shown = shown.copy()
    height, width = shown.shape[:2]
    thickness = max(1, round(min(height, width) / 200))
    if marking.points:
        _outline(shown, marking.shape, thickness)
    reach = max(3, min(height, width) // 20)
    for colour, across in (((0, 0, 0), thickness + 2), (CURSOR, thickness)):
        for dx, dy in ((reach, 0), (0, reach)):
            ends = ((marking.x - dx, marking.y - dy), (marking.x + dx, marking.y + dy))
            cv2.line(shown, *ends, colour, across)
    if marking.tool == BRUSH:
        cv2.circle(shown, (marking.x, marking.y), marking.radius, CURSOR, thickness)
    return shown


def _outline(shown: Image, shape: Shape, thickness: int) -> None:
    if shape.tool == BRUSH:
        mask = _brushed(shape, shown.shape[1], shown.shape[0])
        shown[mask] = np.rint(0.5 * shown[mask] + 0.5 * np.array(compose.UNJUDGED)).astype(np.uint8)
    elif shape.tool == BOX:
        cv2.rectangle(shown, shape.points[0], shape.points[-1], compose.UNJUDGED, thickness)
    elif shape.tool == POLYGON:
        cv2.polylines(
            shown, [np.array(shape.points, np.int32)], len(shape.points) > 2, compose.UNJUDGED, thickness
        )


def _brushed(shape: Shape, width: int, height: int) -> Mask:
    """The pixels within the radius of the stroke."""
    plane = np.zeros((height, width), np.uint8)
    points = shape.points
    for (x, y), (u, v) in zip(points, (*points[1:], points[-1]), strict=True):
        cv2.line(plane, (x, y), (u, v), 1, max(2 * shape.radius, 1))
    for point in points:
        cv2.circle(plane, point, shape.radius, 1, -1)
    return plane.astype(bool)
