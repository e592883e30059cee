"""What the ledger and its statistics cost at a size that nobody reaches in a day: prints, asserts no time."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from cliploc.core.machine import peak_memory
from cliploc.core.postprocess import THRESHOLDS
from cliploc.core.sweep.database import kept_open
from cliploc.core.sweep.export import export
from cliploc.core.sweep.grid import Grid
from cliploc.core.sweep.ledger import Ledger
from cliploc.core.sweep.plan import Plan, dealt
from cliploc.core.sweep.statistics import UNIT, IouTable
from cliploc.core.sweep.summary import Scored, summary_of
from cliploc.core.sweep.sums import NAMES

pytestmark = pytest.mark.benchmark
SETS = 13  # of 76,800 cells each


def plan_of(images: int, sets: int) -> Plan:
    """A plan of the whole grid; nothing of it is there."""
    ids = [f"dining table_{number:06d}" for number in range(images)]
    sources = {id_: id_.rsplit("_", 1)[-1] for id_ in ids}
    names = tuple({"key": f"{n:016d}", "name": f"set {n}", "identity": {}} for n in range(sets))
    return Plan(
        dataset="/data/toy", dataset_name="toy", truth="", reading=2, sets=names, grid=Grid(),  # type: ignore[arg-type]
        groups=dealt(ids, sources, 5, 0), keep=True, shard_images=8, seed=0, engine="opencv",
        executor="local", workers=2, sources=sources,
    )  # fmt: skip


def took(name: str, work: Callable[[], object]) -> None:
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    print(f"  {name:44} {cpu:8.2f} s CPU {wall:8.2f} s wall, peak {peak_memory() / 1e9:.2f} GB")


def test_a_thousand_runs_are_listed() -> None:
    ledger, plan = Ledger(), plan_of(512, 1)
    with kept_open(ledger.path):
        for _ in range(1000):
            run = ledger.create(plan)
            ledger.start(run, dict.fromkeys(range(65), "c" * 64))
            ledger.set_state(run, "done")
    print()
    took("1,000 runs of 512 images listed, ten times", lambda: [ledger.runs() for _ in range(10)])


def test_a_million_cells_go_to_parquet(tmp_path: Path) -> None:
    ledger, plan, random = Ledger(), plan_of(8, SETS), np.random.default_rng(0)
    run = ledger.create(plan)
    columns = {
        name: [row.tobytes() for row in random.random((len(plan.grid.configs), len(THRESHOLDS)))]
        for name in [*NAMES, *(f"other_{number}" for number in range(9))]  # as many as a run has
    }
    for place in range(SETS):
        ledger.finish_set(run, place, columns, {}, (0, [np.zeros(len(THRESHOLDS))]))
    print()
    out = tmp_path / "cells.parquet"
    took(f"{plan.cells:,} cells to Parquet", lambda: export(ledger, run, "parquet", out, None))  # type: ignore[arg-type]
    print(f"  {out.stat().st_size / plan.cells:.0f} bytes a cell")


def test_seven_thousand_images_are_summarized() -> None:
    images, grid, random = 7000, Grid(), np.random.default_rng(0)
    totals, row = np.empty((images, grid.cells), np.uint16), random.integers(0, UNIT, grid.cells, np.uint16)
    for place in range(images):
        totals[place] = np.roll(row, 37 * place)
    names, none = [str(place) for place in range(images)], np.zeros(grid.cells, np.int64)
    means = totals.sum(axis=0, dtype=np.int64) / UNIT / images
    scored = Scored(IouTable(totals, np.ones(images, np.int64)), names, means, none, none, {"a": images})
    print()
    took("7,000 images and the whole grid summarized", lambda: summary_of(scored, grid.configs, 0))
