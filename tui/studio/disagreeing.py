"""Scoring the samples with every stored heatmap set, to see where the sets disagree."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from cliploc.core.metrics import SCORES
from cliploc.core.postprocess import PostProcess
from cliploc.tui.disagreement import Disagreement
from cliploc.tui.studio.scoring import plain
from cliploc.tui.studio.tallies import Tallies

if TYPE_CHECKING:
    from cliploc.core.heatmaps.store import HeatmapSet


def disagreement(
    sets: Sequence[HeatmapSet], tallies: Tallies, config: PostProcess, cancelled: Callable[[], bool]
) -> Disagreement | None:
    """Score the samples with every set; None when cancelled."""
    found: dict[str, list[npt.NDArray[np.float64]]] = {}
    for each in sets if len(sets) > 1 else ():
        tally = tallies.of(each, config, cancelled)
        if cancelled():
            return None
        if tally is not None:
            for id_, iou in zip(tally.ids, np.atleast_2d(SCORES["mean_iou"](tally.counts)), strict=True):
                found.setdefault(id_, []).append(iou)
    spreads = {id_: np.std(values, axis=0) for id_, values in found.items() if len(values) > 1}
    matrix = np.stack(list(spreads.values())) if spreads else np.zeros(0)
    return Disagreement(config, tuple(each.name for each in sets), tuple(spreads), plain(matrix))
