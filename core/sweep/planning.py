"""From what somebody asks for to a plan in the ledger, with its cost said beforehand."""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from dataclasses import replace

from cliploc.core.datasets import READING
from cliploc.core.datasets.spec import lasting
from cliploc.core.errors import ParameterError
from cliploc.core.heatmaps.store import HeatmapStore
from cliploc.core.postprocess import THRESHOLDS
from cliploc.core.sweep.accelerator import engine_for
from cliploc.core.sweep.executors import check_spec
from cliploc.core.sweep.grid import Grid
from cliploc.core.sweep.inputs import Inputs, open_sets
from cliploc.core.sweep.plan import (
    FOLDS,
    GROUPS,
    KEPT_BYTES,
    Plan,
    SetName,
    dealt,
    kept_bytes,
    streaming_bytes,
)
from cliploc.core.sweep.work import work

KEEP = ("auto", "counts", "sums")
SHARD_IMAGES = {True: 8, False: 64}  # by whether counts of every image are kept


def planned(
    heatmaps: Sequence[str],
    grid: Grid,
    *,
    dataset: str | None = None,
    keep: str = "auto",
    engine: str = "auto",
    executor: str = "local",
    workers: int | None = None,
    seed: int = 0,
    only: Collection[str] | None = None,
) -> Plan:
    """Decide everything about a run. ParameterError, StoreError or DatasetError when it cannot be.

    only: ids of the samples to score, None for all that have a heatmap in every set. keep:
    `counts` of every image, only `sums`, or `auto` by their size. workers: None for one per core.
    """
    if keep not in KEEP:
        raise ParameterError(f"keep: found {keep!r}, expected {', '.join(KEEP)}")
    if workers is not None and workers < 1:
        raise ParameterError(f"workers: found {workers}, expected at least 1")
    check_spec(executor)
    sets, opened, ids = open_sets(heatmaps, dataset, HeatmapStore())
    if only is not None:
        ids = [id_ for id_ in ids if id_ in only]
        if not ids:
            raise ParameterError("none of the samples that are to be scored has a heatmap in every set")
    size = kept_bytes(len(ids), grid, len(sets))
    known = opened.sources
    sources = {id_: known[id_] for id_ in ids}
    counts = keep == "counts" or (keep == "auto" and size <= KEPT_BYTES)
    return Plan(
        dataset=lasting(opened.spec),
        dataset_name=opened.name,
        truth=opened.truth,
        reading=READING,
        sets=tuple(
            SetName(key=found.key, name=found.name, identity=found.identity.to_dict()) for found in sets
        ),
        grid=grid,
        groups=dealt(ids, sources, FOLDS if counts else GROUPS, seed),
        keep=counts,
        shard_images=SHARD_IMAGES[counts],
        seed=seed,
        engine=engine_for(engine),
        executor=executor,
        workers=workers or os.cpu_count() or 1,
        sources=sources,
    )


def seconds_expected(plan: Plan) -> float:
    """How long the run will take, from scoring one image here and now."""
    inputs = Inputs(plan, HeatmapStore())
    shard = plan.shards()[0]
    result = work(inputs.task(replace(shard, ids=shard.ids[:1])))
    return result.seconds * plan.images * len(plan.sets) / plan.workers


def described(plan: Plan, samples: int, labels: int) -> list[str]:
    """The size of a run in sentences. samples: in the dataset that can be scored, with or without heatmap."""
    grid = plan.grid
    lines = [
        f"{len(grid.configs):,} configs x {len(THRESHOLDS)} thresholds x {len(plan.sets)} heatmap sets "
        f"= {plan.cells:,} cells, each over {plan.images:,} images of {plan.dataset_name}"
    ]
    if grid.merged:
        lines.append(
            f"{grid.merged:,} of {grid.requested:,} combinations are the same computation as another"
        )
    if plan.images < samples:
        lines.append(f"{samples - plan.images:,} of {samples:,} samples have no heatmap and are left out")
    if plan.keep:
        size = kept_bytes(plan.images, grid, len(plan.sets))
        lines.append(f"counts of every image are kept: {_megabytes(size)} on disk")
    else:
        lines.append(
            f"counts of every image would take {_megabytes(kept_bytes(plan.images, grid, len(plan.sets)))} "
            f"(the limit is {_megabytes(KEPT_BYTES)}, see --keep): only sums are kept, "
            f"{_megabytes(streaming_bytes(grid, labels))} of memory"
        )
    return lines


def _megabytes(size: int) -> str:
    return f"{size / 1e6:,.0f} MB" if size >= 1e6 else f"{size / 1e3:,.0f} kB"
