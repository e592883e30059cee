"""Raw heatmaps, and how their values are brought to [0, 1].

A method's scores have any range: cosines, logits, weighted sums. Thresholds are of [0, 1].
Enlarging keeps affine maps (its weights sum to 1), so that stretching before it and again
after it, as some packages do, is stretching after it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Float32 = npt.NDArray[np.float32]

PERCENTILES = (1, 99)


@dataclass(frozen=True, eq=False)
class Raw:
    """A heatmap as the method made it. low, high: the least and the most of its set, in its own unit.

    values: (h, w) float32, finite.
    """

    values: Float32
    low: float
    high: float


# An array is a heatmap that its maker brought to [0, 1].
AnyHeatmap = Float32 | Raw


def values_of(heatmap: AnyHeatmap) -> Float32:
    """What a heatmap holds, (h, w), in whatever unit."""
    return heatmap.values if isinstance(heatmap, Raw) else heatmap


def raw(heatmaps: Mapping[str, Float32], ranged: Iterable[str] | None = None) -> dict[str, AnyHeatmap]:
    """The heatmaps (h, w) of one set. ranged: those that give all of them their range, by default all."""
    ids = heatmaps.keys() if ranged is None else heatmaps.keys() & set(ranged)
    low = min((float(heatmaps[id_].min()) for id_ in ids), default=0.0)
    high = max((float(heatmaps[id_].max()) for id_ in ids), default=0.0)
    return {id_: Raw(each, low, high) for id_, each in heatmaps.items()}


def of_itself(values: Float32) -> Raw:
    """A raw heatmap that belongs to no set."""
    return Raw(values, float(values.min()), float(values.max()))


def on_grid(heatmap: AnyHeatmap, stretch: str) -> Float32:
    """What a stretch does before a heatmap is enlarged; `map` and `positive` hardly anything yet.

    `grid`: by the heatmap's own ends, `none` by those of its set, `percentile` by its own 1st and
    99th percentile. What its maker brought to [0, 1] stays as it is under `grid` and `none`.
    """
    values = values_of(heatmap)
    if stretch in ("map", "positive"):
        # Enlarged, a constant is no longer quite one, and its rounding would be stretched to [0, 1].
        return np.zeros_like(values) if values.min() == values.max() else values
    if stretch == "percentile":
        low, high = np.percentile(values, PERCENTILES).astype(np.float32)
        return np.clip(between(values, low, high), 0, 1) if low < high else between(values)
    if not isinstance(heatmap, Raw):
        return values
    return between(values) if stretch == "grid" else between(values, heatmap.low, heatmap.high)


def on_map(enlarged: Float32, stretch: str) -> Float32:
    """What a stretch does once the heatmap is enlarged (H, W); only `map` and `positive` do anything then.

    `map`: by the map's own ends, `positive` likewise once what is below 0 is 0.
    """
    if stretch == "positive":
        return between(np.maximum(enlarged, 0))
    return between(enlarged) if stretch == "map" else enlarged


def between(values: Float32, low: float | None = None, high: float | None = None) -> Float32:
    """Take values from [low, high], by default their own ends, to [0, 1] in float32; 0 where that is a point.

    >>> between(np.array([[-1, 3], [1, 0]], np.float32)).tolist()
    [[0.0, 1.0], [0.5, 0.25]]
    """
    least = values.min() if low is None else np.float32(low)
    span = (values.max() if high is None else np.float32(high)) - least
    if span == 0:
        return np.zeros_like(values)
    taken: Float32 = ((values - least) / span).astype(np.float32, copy=False)
    return taken
