"""In how many parts a mask falls, and how many holes they have: before post-processing and after.

What parts and holes are is in `cliploc.core.regions`. Ignored pixels are predicted like any
others, and counted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cliploc.core.codes import mask_of
from cliploc.core.datasets import Dataset, Sample
from cliploc.core.errors import ClipLocError
from cliploc.core.heatmaps.store import HeatmapStore
from cliploc.core.metrics import Integers
from cliploc.core.postprocess import PostProcess
from cliploc.core.regions import parts_and_holes
from cliploc.core.report.findings import SetFindings
from cliploc.core.report.morphology import TUNED
from cliploc.core.report.tables import Cell, Estimate, Number, Table, interval
from cliploc.core.stretch import AnyHeatmap
from cliploc.core.sweep.statistics import Average, average

TRUE, RAW, BEFORE, AFTER = "true masks", "no morphology", "closing, before it", "closing, after it"


@dataclass(frozen=True)
class Parts:
    """Parts and holes of one method's masks, per image on average.

    stages: by TRUE, RAW (the best cell without morphology), AFTER (the best of dilation,
    then erosion) and BEFORE (the very same cell without its morphology). extra: how many
    parts RAW has more than TRUE; joined, covered: parts and holes that are fewer AFTER
    than BEFORE. Those of closing are absent where it was not tried.
    """

    method: str
    stages: dict[str, Stage]
    extra: Average
    joined: Average | None
    covered: Average | None


@dataclass(frozen=True)
class Stage:
    """parts, holes: per image; several: the share of images whose mask falls in two parts or more."""

    parts: Average
    holes: Average
    several: float


def parts_of(
    found: SetFindings, dataset: Dataset, ids: Sequence[str], sources: Sequence[str]
) -> Parts | None:
    """Count one heatmap set's masks. None when its heatmaps are not in this store, or it has no raw cell.

    sources: the source image of each of `ids`.
    """
    try:
        heatmaps = HeatmapStore().find(found.key).read_all(ids)
    except ClipLocError:
        return None
    cells = _cells(found)
    if RAW not in cells or not heatmaps.keys() >= set(ids):
        return None
    rows = np.array([_counted(dataset.by_id(id_), heatmaps[id_], cells) for id_ in ids])
    counts = dict(zip((TRUE, *cells), np.moveaxis(rows, 1, 0), strict=True))
    closed = AFTER in counts
    fewer = counts[BEFORE] - counts[AFTER] if closed else np.zeros((len(ids), 2))
    return Parts(
        found.title,
        {name: _stage(values, sources) for name, values in counts.items()},
        extra=average((counts[RAW] - counts[TRUE])[:, 0], sources),
        joined=average(fewer[:, 0], sources) if closed else None,
        covered=average(fewer[:, 1], sources) if closed else None,
    )


def _cells(found: SetFindings) -> dict[str, PostProcess]:
    cells = {RAW: found.raw.config} if found.raw is not None else {}
    closing = found.order("dilate-erode")
    if closing is not None:
        after = PostProcess.from_dict(closing["config"])
        cells |= {BEFORE: after.with_(order="none"), AFTER: after}
    return cells


def _counted(sample: Sample, heatmap: AnyHeatmap, cells: dict[str, PostProcess]) -> list[tuple[int, int]]:
    mask = sample.true_mask()
    predicted = (mask_of(heatmap, mask.shape, config) for config in cells.values())
    return [parts_and_holes(each) for each in (mask, *predicted)]


def _stage(counts: Integers, sources: Sequence[str]) -> Stage:
    parts, holes = counts.T
    return Stage(average(parts, sources), average(holes, sources), float((parts > 1).mean()))


def parts_table(found: Sequence[Parts]) -> Table:
    """Parts and holes of every method's masks, stage by stage, under those of the true masks."""
    rows: list[tuple[Cell, ...]] = [_row(None, TRUE, found[0].stages[TRUE])]
    for each in found:
        rows += [_row(each.method, name, stage) for name, stage in each.stages.items() if name != TRUE]
    caption = (
        "Per image on average, with 95 % intervals over source images. Parts touch over sides or corners (8 "
        "neighbours); a hole is background, connected over sides alone (4), that touches no border. "
        f"{RAW}: the best cell without any; closing: the best cell of dilation, then erosion, and before it "
        f"the same cell without its morphology; all {TUNED}."
    )
    columns = ("method", "masks", "parts", "holes", "images with two parts or more", "images")
    return Table("parts", "Parts and holes.", caption, columns, tuple(rows)).without_empty_columns()


def _row(method: str | None, name: str, stage: Stage) -> tuple[Cell, ...]:
    return (
        method,
        name,
        _mean(stage.parts),
        _mean(stage.holes),
        Number(100 * stage.several, 1, " %"),
        Number(stage.parts["images"], 0),
    )


def _mean(found: Average) -> Cell:
    return Estimate(Number(found["mean"], 2), interval(found["low"], found["high"], digits=2))
