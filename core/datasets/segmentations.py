"""COCO segmentations to masks, each looked at before it is drawn.

pycocotools reads memory that was never written where runs stop early, allocates what a size
asks for, and takes a polygon of two points for a box. So run lengths are read here, and
polygons reach it only when they enclose something, at coordinates that it can draw.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
from pycocotools import mask as coco_mask

from cliploc.core.datasets.annotations import rings_of

Mask = npt.NDArray[np.bool_]

_CORNERS = 3
# pycocotools walks along an outline in steps of a fifth of a pixel, inside the image or not.
_LONGEST_OUTLINE = 10_000_000
_FIRST, _BITS, _MORE, _MINUS = 48, 0x1F, 0x20, 0x10  # of COCO's compressed run lengths
_LONGEST_NUMBER = 7  # characters of a run below 2 ** 32


def drawn(segmentation: object, height: int, width: int) -> Mask:
    """The mask (height, width) bool of polygons or run lengths. ValueError says what is wrong with them.

    Polygons by COCO's own rasterization, clipped at the image; those of fewer than three
    points enclose nothing. Run lengths go down the columns, background first.
    """
    if isinstance(segmentation, list):
        runs = _of_polygons(segmentation, height, width)
        mask: Mask = coco_mask.decode(runs).astype(bool) if runs else np.zeros((height, width), bool)
        return mask
    counts = _counts(segmentation, height, width)
    values = np.arange(len(counts)) % 2 == 1
    columns: Mask = np.repeat(values, np.array(counts, np.int64))
    return np.ascontiguousarray(columns.reshape(width, height).T)


def covers(segmentation: object, height: int, width: int) -> bool:
    """Whether what would be drawn has a pixel; nothing is drawn for it. ValueError as for `drawn`."""
    if isinstance(segmentation, list):
        runs = _of_polygons(segmentation, height, width)
        return bool(runs) and bool(coco_mask.area(runs))
    return any(_counts(segmentation, height, width)[1::2])


def encoded(mask: Mask) -> dict[str, object]:
    """COCO's compressed run lengths of a mask (H, W) bool, ready for JSON."""
    runs = coco_mask.encode(np.asfortranarray(mask, dtype=np.uint8))
    return {"size": [int(side) for side in runs["size"]], "counts": runs["counts"].decode("ascii")}


def _of_polygons(segmentation: list[object], height: int, width: int) -> dict[str, object]:
    """Polygons as pycocotools' run lengths; {} where none encloses anything."""
    polygons = [_checked(ring) for ring in rings_of(segmentation)]
    polygons = [ring for ring in polygons if len(ring) >= 2 * _CORNERS]
    if not polygons:
        return {}
    outline = sum(_outline(ring) for ring in polygons)
    if outline > _LONGEST_OUTLINE:
        raise ValueError(
            f"polygons with an outline of {outline:.0f} pixels for an image of {width} x {height}"
        )
    runs: dict[str, object] = coco_mask.merge(coco_mask.frPyObjects(polygons, height, width))
    return runs


def _checked(ring: object) -> list[float]:
    if not isinstance(ring, list) or len(ring) % 2:
        raise ValueError("a polygon that is no list of x, y pairs")
    if not all(isinstance(each, int | float) and math.isfinite(each) for each in ring):
        raise ValueError("a polygon with something that is no number")
    return [float(each) for each in ring]


def _outline(ring: Sequence[float]) -> float:
    points = list(zip(ring[::2], ring[1::2], strict=True))
    ends = [*points[1:], points[0]]
    along = sum(max(abs(x - u), abs(y - v)) for (x, y), (u, v) in zip(points, ends, strict=True))
    return along + max(map(abs, ring), default=0.0)


def _counts(segmentation: object, height: int, width: int) -> list[int]:
    """Run lengths as plain counts, background first."""
    if not isinstance(segmentation, Mapping):
        raise ValueError(f"found {type(segmentation).__name__}, expected polygons or run lengths")
    size, counts = segmentation.get("size"), segmentation.get("counts")
    if size != [height, width]:
        raise ValueError(f"run lengths of size {str(size)[:60]}, expected [{height}, {width}], height first")
    if isinstance(counts, str | bytes):
        counts = _decompressed(counts)
    if not isinstance(counts, list) or not all(_is_count(run) for run in counts):
        raise ValueError("run lengths that are no counts from 0 up")
    counts = [int(run) for run in counts]
    covered = sum(counts)
    if covered != height * width:
        raise ValueError(
            f"run lengths that cover {covered:,} of {height * width:,} pixels: they end too early or too late"
        )
    return counts


def _is_count(run: object) -> bool:
    """Whether it counts pixels; some writers have no whole numbers and write 12.0."""
    is_number = isinstance(run, int | float) and not isinstance(run, bool)
    return is_number and run >= 0 and float(run).is_integer()  # type: ignore[operator, arg-type]


def _decompressed(text: str | bytes) -> list[int]:
    """COCO's compressed counts: base 32, low digits first, from the third on as differences to two before."""
    codes = text.encode("utf-8", "replace") if isinstance(text, str) else text
    runs: list[int] = []
    digits: list[int] = []
    for code in codes:
        digit = code - _FIRST
        digits.append(digit)
        if not 0 <= digit < 2 * _MORE or len(digits) > _LONGEST_NUMBER:
            raise ValueError("compressed run lengths that are damaged")
        if not digit & _MORE:
            runs.append(_number(digits) + (runs[-2] if len(runs) > 2 else 0))
            digits = []
    if digits:
        raise ValueError("compressed run lengths that are cut short")
    return runs


def _number(digits: Sequence[int]) -> int:
    number = sum((digit & _BITS) << 5 * place for place, digit in enumerate(digits))
    return number - (1 << 5 * len(digits)) if digits[-1] & _MINUS else number


def union(masks: Sequence[Mask], height: int, width: int) -> Mask:
    """All of the masks as one; empty where there is none."""
    found = np.zeros((height, width), bool)
    for mask in masks:
        found |= mask
    return found
