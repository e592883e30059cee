"""Sweep benchmarks: print a table, assert exactness, never a time."""

from __future__ import annotations

import resource
import time
from pathlib import Path

import numpy as np
import pytest

from cliploc.core.datasets import open_dataset
from cliploc.core.heatmaps.exchange import import_npz
from cliploc.core.heatmaps.store import HeatmapStore
from cliploc.core.metrics import truth_of
from cliploc.core.postprocess import PostProcess
from cliploc.core.sweep.arrays import read_counts
from cliploc.core.sweep.driver import drive
from cliploc.core.sweep.engine import Engine
from cliploc.core.sweep.grid import Grid
from cliploc.core.sweep.ledger import Ledger
from cliploc.core.sweep.live import LiveScores
from cliploc.core.sweep.planning import planned
from cliploc.core.sweep.shard_files import counts_file
from tests.benchmarks.sweep_costs import agrees, copy_bandwidth, engine_cost, inputs, obvious_loop, step_costs

pytestmark = pytest.mark.benchmark


def test_cost_of_an_image_and_config(cocoglide: Path) -> None:
    found, grid, rng = inputs(cocoglide), Grid(), np.random.default_rng(0)
    samples = [found.samples[i] for i in rng.choice(len(found.samples), 12, replace=False)]
    plain, fast, loop = [], [], []
    for part in range(3):  # interleaved, so that other work on the machine hits all alike
        some = samples[part * 4 : part * 4 + 4]
        for place in range(10):
            sample, index = some[place % 4], int(rng.integers(len(grid.configs)))
            mask, heatmap = sample.true_mask(), found.heatmaps[sample.id]
            started = time.process_time()
            row = obvious_loop(heatmap, mask, grid.configs[index])
            loop.append(time.process_time() - started)
            counts = Engine([grid.configs[index]]).counts(heatmap, truth_of(mask))
            assert agrees(row, counts, 0)
        plain.append(engine_cost(found, grid, some, "opencv"))
        fast.append(engine_cost(found, grid, some, "numba"))
    naive, required, accelerated = np.mean(loop), np.mean(plain), np.mean(fast)
    print("\nCPU time per (image, config), all 100 thresholds, all scores")
    print(f"  obvious loop      {naive * 1e6:10,.0f} us")
    print(f"  numpy + OpenCV    {required * 1e6:10,.1f} us  {naive / required:6,.0f} times less")
    print(f"  with numba        {accelerated * 1e6:10,.1f} us  {naive / accelerated:6,.0f} times less")
    print("Steps, us")
    for name, cost in step_costs(found, samples[:6]).items():
        print(f"  {name:32} {cost:8.1f}")
    bounds = copy_bandwidth()
    print("Reading and writing one plane of codes (64 KiB), us: the bound for one morphology step")
    for name, cost in bounds.items():
        print(f"  {name:32} {cost:8.1f}")
    print(
        f"Distance: required {required * 1e6 / bounds['memory']:.1f} x memory, "
        f"{required * 1e6 / bounds['cache']:.1f} x cache; with numba "
        f"{accelerated * 1e6 / bounds['memory']:.1f} x and {accelerated * 1e6 / bounds['cache']:.1f} x"
    )


@pytest.mark.parametrize("engine", ["opencv", "numba"])
def test_the_whole_grid(cocoglide: Path, tmp_path: Path, engine: str) -> None:
    found, dataset = inputs(cocoglide), open_dataset(str(cocoglide))
    path = tmp_path / "stand-ins.npz"
    np.savez(path, ids=np.array(list(found.heatmaps)), heatmaps=np.stack(list(found.heatmaps.values())))
    import_npz(HeatmapStore(), path, dataset, "stand-ins")
    ledger = Ledger()
    run = ledger.create(planned(["stand-ins"], Grid(), engine=engine, workers=2))
    wall, cpu = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    own = time.process_time()
    assert drive(ledger, run) == "done"
    wall = time.perf_counter() - wall
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    workers = after.ru_utime + after.ru_stime - cpu.ru_utime - cpu.ru_stime
    own = time.process_time() - own
    row = ledger.run(run)
    print(f"\n{engine}: {row.cells * row.images:,} cells in {wall:.1f} s wall on 2 workers")
    print(f"  CPU: workers {workers:.1f} s, driver (with statistics) {own:.1f} s")
    print(f"  peak memory: worker {after.ru_maxrss / 1e6:.2f} GB, driver {_own_peak():.2f} GB")
    plan, rng = ledger.plan(run), np.random.default_rng(1)
    shards = plan.shards()
    for _ in range(500):
        shard = shards[rng.integers(len(shards))]
        place, index = int(rng.integers(len(shard.ids))), int(rng.integers(len(plan.grid.configs)))
        counts = read_counts(counts_file(ledger, run, shard.position), ledger.shards(run)[shard.position])
        mask = dataset.by_id(shard.ids[place]).true_mask()
        j = int(rng.integers(100))
        tp, predicted = one_cell(found.heatmaps[shard.ids[place]], mask, plan.grid.configs[index], j)
        assert (counts.tp[place, index, j], counts.predicted[place, index, j]) == (tp, predicted)
    print("  500 random cells are the naive ones, bit for bit")


def one_cell(heatmap: np.ndarray, mask: np.ndarray, config: PostProcess, j: int) -> tuple[int, int]:
    """TP and predicted pixels of one cell, from the naive oracle."""
    from cliploc.core.postprocess import THRESHOLDS
    from tests.oracles import naive_counts

    tp, predicted = naive_counts(heatmap, mask, config, (THRESHOLDS[j],))
    return tp[0], predicted[0]


def _own_peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


def test_live_scores(cocoglide: Path) -> None:
    found = inputs(cocoglide)
    live = LiveScores(found.heatmaps, found.samples, threads=2)
    start = PostProcess(dilate=41, erode=41)
    walk = {
        "first config, with masks and codes": PostProcess(),
        "any config from cached codes (41, 41)": start,
        "one step of erosion (45)": start.with_(erode=45),
        "one step back (41)": start.with_(erode=37),
        "one step of dilation (45)": start.with_(dilate=45, erode=37),
        "one step of dilation back (37)": start.with_(dilate=37, erode=37),
        "another threshold": start.with_(dilate=37, erode=37, threshold=0.8),
        "both far away (61, 61)": start.with_(dilate=61, erode=61),
        "another interpolation": start.with_(interpolation="bicubic"),
        "ellipses of 21": start.with_(kernel="ellipse", dilate=21, erode=21),
    }
    print(f"\n{len(live.ids)} images, all 100 thresholds, 2 threads: wall ms (CPU ms)")
    for name, config in walk.items():
        wall, cpu = time.perf_counter(), time.process_time()
        assert live.counts(config) is not None
        print(
            f"  {name:40} {(time.perf_counter() - wall) * 1e3:7.1f} ({(time.process_time() - cpu) * 1e3:.1f})"
        )
    live.close()
