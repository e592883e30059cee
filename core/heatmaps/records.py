"""What a stored file of heatmaps holds: an id and a heatmap of one shape in each record."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from cliploc.core.errors import StoreError

Heatmap = npt.NDArray[np.float32]
Records = npt.NDArray[np.void]

LARGEST_VALUE = 1e37  # of a raw heatmap: the span of two such is a float32
OUTSIDE = "values outside [0, 1]"


def allowed(heatmaps: Heatmap, is_raw: bool) -> bool:
    """Whether the values of a heatmap are such: numbers whose differences are numbers, or [0, 1]."""
    low, high = (-LARGEST_VALUE, LARGEST_VALUE) if is_raw else (0, 1)
    return not heatmaps.size or bool(heatmaps.min() >= low and heatmaps.max() <= high)  # NaN is neither


def records_of(heatmaps: Mapping[str, npt.ArrayLike], is_raw: bool) -> Records:
    """Pack id -> (h, w) into records. StoreError unless finite, in [0, 1] where not raw, of one shape."""
    arrays = [np.asarray(heatmap, np.float32) for heatmap in heatmaps.values()]
    shapes = sorted({array.shape for array in arrays})
    if len(shapes) > 1 or len(shapes[0]) != 2 or 0 in shapes[0]:
        raise StoreError(f"found heatmaps of shape {shapes}, expected one shape (h, w)")
    stacked = np.stack(arrays)
    if not allowed(stacked, is_raw):
        raise StoreError(
            f"found heatmaps with values that are no numbers, or beyond {LARGEST_VALUE:g}"
            if is_raw
            else f"found heatmaps with {OUTSIDE}, expected normalized ones"
        )
    records = np.zeros(len(arrays), _record(heatmaps, shapes[0]))
    records["id"] = list(heatmaps)
    records["heatmap"] = stacked
    return records


def _record(ids: Iterable[str], shape: tuple[int, ...]) -> np.dtype[np.void]:
    return np.dtype([("id", f"<U{max(1, *map(len, ids))}"), ("heatmap", "<f4", shape)])


def records_bytes(ids: Sequence[str], shape: tuple[int, int]) -> int:
    """What a set of these samples takes on disk, as one file."""
    return len(ids) * _record(ids, shape).itemsize
