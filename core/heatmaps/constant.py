"""Heatmaps that say nothing: one value everywhere."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from core.heatmaps.store import Heatmap


def constant_heatmaps(heatmaps: Mapping[str, Heatmap]) -> list[str]:
    """The ids of the samples whose heatmap (h, w) has the same value everywhere, in their order."""
    return [id_ for id_, heatmap in heatmaps.items() if heatmap.min() == heatmap.max()]
