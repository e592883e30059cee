"""What a sweep takes, from scoring some of its samples with the workers that it will have.

Everything is the run's own code: shards go to a pool of processes, their sums are added up, and scores
and summary are written to a ledger, over tables that are smaller than those to come. What grows with
the images is measured at two sizes.
"""

from __future__ import annotations

import random
import tempfile
import time
import tracemalloc
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from cliploc.core.cost import BUDGET, Cost, at_size
from cliploc.core.heatmaps.store import HeatmapStore
from cliploc.core.machine import cores, peak_memory, resident_memory, running_seconds
from cliploc.core.metrics import iou
from cliploc.core.postprocess import THRESHOLDS
from cliploc.core.sweep import arrays
from cliploc.core.sweep.baselines import baseline_table
from cliploc.core.sweep.executors import Workers, local_pool, results_of
from cliploc.core.sweep.inputs import Inputs
from cliploc.core.sweep.ledger import Ledger
from cliploc.core.sweep.plan import Plan, Shard
from cliploc.core.sweep.statistics import UNIT, IouTable
from cliploc.core.sweep.summary import summary_of
from cliploc.core.sweep.totals import Totals
from cliploc.core.sweep.work import Result, Task, work

TOTALS = 1 << 25  # numbers in the larger of the tables that are summarized to see how that grows


@dataclass(frozen=True)
class Measured:
    """What was measured of a plan, in seconds and bytes.

    start: until the first shard is begun. shard, image: of a worker. driver: of the driver, for an
    image. finish, finish_memory: of the end of a heatmap set. memory: of the driver until then.
    core: processor time of the driver's start, a worker's start, an image, and an end.
    """

    plan: Plan
    start: float
    shard: float
    image: float
    driver: float
    finish: float
    core: tuple[float, float, float, float]
    memory: int
    finish_memory: int
    worker_memory: int
    disk: int

    def cost(self, workers: int) -> Cost:
        """What the plan takes on so many workers, each a core like one of this machine.

        The plan's own number works here, where the driver needs a core as well; others are elsewhere.
        """
        images = self.plan.images * len(self.plan.sets)
        scoring = len(self.plan.shards()) * self.shard + images * self.image
        driving = images * self.driver
        start, worker, image, finish = self.core
        here = workers == self.plan.workers and not self.plan.executor.startswith("dask://")
        if here and workers >= cores():
            busy = (scoring + driving) / cores()
        else:
            busy = max(scoring / workers, driving)
        return Cost(
            workers=workers,
            seconds=self.start + busy + self.finish * len(self.plan.sets),
            core_seconds=start + workers * worker + images * image + finish * len(self.plan.sets),
            memory=self.memory + self.finish_memory,
            worker_memory=self.worker_memory,
            device_memory=0,
            disk=self.disk,
        )


def measured(plan: Plan, budget: float = BUDGET) -> Measured:
    """Calibrate within about `budget` seconds, from when the workers are ready. Errors as of a run."""
    before, begun = running_seconds(), time.perf_counter()
    inputs = Inputs(plan, HeatmapStore())
    shards = plan.shards()
    random.Random(plan.seed).shuffle(shards)
    inputs.task(replace(shards[0], ids=shards[0].ids[:1]))
    opening, own = time.perf_counter() - begun, time.process_time()
    with tempfile.TemporaryDirectory(prefix="cliploc-plan-") as folder:
        worked = _worked(plan, inputs, shards, budget / 2, Path(folder))
        ended = _ended(plan, inputs, worked, Path(folder))
    return Measured(
        plan=plan,
        start=before + 2 * opening + worked.start,  # twice: the command looks at an image, then works
        shard=worked.shard,
        image=worked.image,
        driver=worked.driver + ended.driver,
        finish=ended.seconds,
        core=(2 * own, worked.worker, worked.core + ended.core, ended.finish_core),
        memory=ended.before,
        finish_memory=ended.memory,
        worker_memory=worked.memory,
        disk=ended.disk,
    )


@dataclass(frozen=True)
class _Worked:
    start: float
    worker: float
    core: float
    shard: float
    image: float
    driver: float
    memory: int
    results: list[tuple[Shard, Result]]


def _worked(plan: Plan, inputs: Inputs, shards: Sequence[Shard], seconds: float, folder: Path) -> _Worked:
    """Rounds of one shard for each worker: of one image, again, then as many images as fit in the time."""
    count = min(plan.workers, cores())
    with local_pool(count) as pool:
        workers = Workers(lambda: pool, count, folder, shut=lambda pool: None)
        first = _round(workers, inputs, shards, 1)
        small = _round(workers, inputs, shards, 1)
        peak, used = (max(each) for each in zip(*pool.map(_state, range(count)), strict=True))
        size = max(1, min(plan.shard_images, int(seconds / 2 / small.seconds)))
        large = _round(workers, inputs, shards[count:] or shards, size)
        peaks = (peak, max(peak for peak, _ in pool.map(_state, range(count))))
    more = max(large.images / large.shards - 1, 0)
    image = max(large.seconds - small.seconds, 0) / more if more else small.seconds
    return _Worked(
        start=max(first.seconds - small.seconds, 0),
        worker=max(used - (first.core + small.core) / count, 0),
        core=(large.core + large.making_core) / large.images,
        shard=max(small.seconds - image, 0),
        image=image,
        driver=large.making / large.images,
        memory=int(at_size((1, size), peaks, plan.shard_images)),
        results=large.results,
    )


@dataclass(frozen=True)
class _Round:
    """seconds: of the wall, core: of the processors that worked; making: of the tasks, by the driver."""

    making: float
    making_core: float
    seconds: float
    core: float
    images: int
    shards: int
    results: list[tuple[Shard, Result]]


def _round(workers: Workers, inputs: Inputs, shards: Sequence[Shard], size: int) -> _Round:
    some = [replace(shard, ids=shard.ids[:size]) for shard in shards[: workers.count]]
    begun, own = time.perf_counter(), time.process_time()
    tasks = [(shard, partial(_same, inputs.task(shard))) for shard in some]
    made, making = time.perf_counter(), time.process_time() - own
    results = [found for found in results_of(workers, work, tasks) if found is not None]
    return _Round(
        making=made - begun,
        making_core=making,
        seconds=time.perf_counter() - made,
        core=sum(result.seconds for _, result in results),
        images=sum(len(shard.ids) for shard in some),
        shards=len(some),
        results=results,
    )


def _same(task: Task) -> Task:
    return task


def _state(_: int) -> tuple[int, float]:
    return peak_memory(), time.process_time()


@dataclass(frozen=True)
class _Ended:
    driver: float
    core: float
    finish_core: float
    before: int
    seconds: float
    memory: int
    disk: int


def _ended(plan: Plan, inputs: Inputs, worked: _Worked, folder: Path) -> _Ended:
    """What is done with results: added up, kept, read again, and in the end summarized."""
    sizes = tuple(len(group) for group in plan.groups)
    totals = Totals.zero(len(plan.grid.configs), inputs.label_sizes(), sizes)
    images, kept, begun, own = 0, 0, time.perf_counter(), time.process_time()
    for shard, result in worked.results:
        images += len(shard.ids)
        totals.add(shard.group, result.summed())
        if result.counts is not None:
            path = folder / f"{shard.position}.npz"
            np.rint(iou(arrays.read_counts(path, arrays.write_counts(path, result.counts))) * UNIT)
            kept += path.stat().st_size
    ids = [id_ for shard, _ in worked.results for id_ in shard.ids]
    baseline_table([inputs.dataset.by_id(id_) for id_ in ids])
    inputs.iou_by_label(worked.results[0][0].set_index, plan.grid.configs[-1], ids)
    driver, core = (time.perf_counter() - begun) / images, (time.process_time() - own) / images
    inputs.ground(0)
    before = max(peak_memory(), resident_memory())
    ledger = Ledger(folder / "runs.db")
    run = ledger.create(plan)
    wanted = plan.images if plan.keep else len(plan.groups)
    most = min(wanted, max(16, TOTALS // plan.grid.cells))
    rows = (-(-most // 2), most)
    ways = [_finished(plan, totals, ledger, run, count) for count in rows]
    times, used, peaks = zip(*ways, strict=True)
    disk = kept * plan.images // images + ledger.path.stat().st_size
    if not plan.keep:
        disk += sum(each.nbytes for each in totals.arrays("").values())  # its checkpoint
    return _Ended(
        driver=driver,
        core=core,
        finish_core=at_size(rows, used, wanted),
        before=before,
        seconds=at_size(rows, times, wanted),
        memory=int(at_size(rows, peaks, wanted)),
        disk=disk * len(plan.sets),
    )


def _finished(plan: Plan, totals: Totals, ledger: Ledger, run: str, rows: int) -> tuple[float, float, int]:
    """Seconds, processor time and bytes of summarizing so many images, or groups, and writing it down."""

    def finish() -> None:
        values = np.random.default_rng(0).integers(0, UNIT, (rows, plan.grid.cells), np.uint16)
        table = IouTable(values, np.ones(rows, np.int64))
        sources = max(1, rows * len(set(plan.sources.values())) // plan.images)
        units = [str(row % sources) for row in range(rows)] if plan.keep else None
        summary = summary_of(totals.scored(table, units), plan.grid.configs, plan.seed)
        labels = [np.zeros(len(THRESHOLDS))] * len(totals.label_sizes)
        ledger.finish_set(run, 0, totals.columns(), summary, (0, labels))

    begun, own = time.perf_counter(), time.process_time()
    finish()
    seconds, used = time.perf_counter() - begun, time.process_time() - own
    tracemalloc.start()
    try:
        finish()
        return seconds, used, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
