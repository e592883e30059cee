"""Whether one driver feeds 256 workers, on a machine that has no 256 cores.

Run with `CLIPLOC_BENCH_LOAD=FOLDER pytest -m benchmark -s tests/benchmarks/test_many_workers.py`; the set
coco-40000 of `make load` is made there where it is not yet. Everything is real but the counting: a worker is
a thread that sleeps as long as its shard takes (measured here, on one shard) and answers with the sums of
another shard. With Dask, tasks and results go through a scheduler and worker processes that share this
machine's cores with the driver. Prints how many shards a second came of those that would keep all workers
busy; asserts no time.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import fields
from functools import cache, partial
from pathlib import Path

import numpy as np
import pytest

from cliploc.core.heatmaps.store import HeatmapStore
from cliploc.core.sweep import driver
from cliploc.core.sweep.grid import Grid
from cliploc.core.sweep.inputs import Inputs
from cliploc.core.sweep.ledger import Ledger
from cliploc.core.sweep.plan import Plan
from cliploc.core.sweep.planning import planned
from cliploc.core.sweep.sums import Sums
from cliploc.core.sweep.work import Result, Task, work
from tests.benchmarks.test_settled_keys import FOLDER, prepared

pytestmark = [
    pytest.mark.benchmark,
    pytest.mark.skipif(not FOLDER, reason="CLIPLOC_BENCH_LOAD"),
]
WORKERS = int(os.environ.get("CLIPLOC_BENCH_WORKERS", "256"))
PROCESSES = 4  # of Dask's workers
ROUNDS = 4  # shards a worker
SET = "coco-40000"
ROOT = Path(__file__).parents[2]


def slept(task: Task, seconds: float, answer: Path) -> Result:
    """What a worker does instead of counting. seconds: of a sample. answer: where `ready` left one."""
    time.sleep(len(task.truths) * seconds)
    return Result(_read(answer), None, len(task.truths) * seconds)


@cache
def _read(answer: Path) -> Sums:
    return Sums(**np.load(answer))


@contextmanager
def cluster(port: int = 8799) -> Iterator[str]:
    """A scheduler and worker processes with as many threads as there are workers."""
    pytest.importorskip("distributed")
    address = f"127.0.0.1:{port}"
    threads = ["--nthreads", str(WORKERS // PROCESSES), "--no-nanny", "--memory-limit", "0"]
    commands = [["scheduler", "--host", "127.0.0.1", "--port", str(port)]]
    commands += [["worker", f"tcp://{address}", *threads]] * PROCESSES
    with ExitStack() as stack:
        for name, *arguments in commands:
            code = f"from distributed.cli.dask_{name} import main; main()"
            process = subprocess.Popen(
                [sys.executable, "-c", code, *arguments, "--no-dashboard"],
                env={**os.environ, "PYTHONPATH": str(ROOT)},
                stderr=subprocess.DEVNULL,
            )
            stack.callback(process.wait)
            stack.callback(process.kill)
        yield f"dask://{address}"


def ready(plan: Plan, answer: Path) -> float:
    """Seconds that a core needs for one sample and the whole grid; the sums of the first shard are left."""
    found = work(Inputs(plan, HeatmapStore()).task(plan.shards()[0]))
    sums = found.summed()
    np.savez(answer, **{field.name: getattr(sums, field.name) for field in fields(Sums)})
    return found.seconds / int(sums.images[0])


@pytest.mark.parametrize("executor", ["threads", "dask"])
def test_workers_seldom_wait(executor: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, home = prepared(SET)
    monkeypatch.setenv("CLIPLOC_HOME", str(home))
    answer = tmp_path / "answer.npz"
    seconds = ready(planned(["load"], Grid(), keep="sums", workers=1), answer)
    monkeypatch.setattr(driver, "work", partial(slept, seconds=seconds, answer=answer))
    with ExitStack() as stack:
        where = stack.enter_context(cluster()) if executor == "dask" else executor
        plan = planned(["load"], Grid(), keep="sums", executor=where, workers=WORKERS)
        ledger = Ledger()
        run = ledger.create(plan)
        seen: list[tuple[float, float]] = []

        def note(done: int, total: int) -> None:
            seen.append((time.monotonic(), time.process_time()))

        # Paused before the end, where every mask is drawn again for labels and baselines: that is no feeding.
        last = ROUNDS * WORKERS
        assert driver.drive(ledger, run, progress=note, stop=lambda: len(seen) > last) == "paused"
        # From the first answer on, while all workers had something to do.
        (begun, began), (ended, end) = seen[1], seen[last]
        wall, cpu, shard = ended - begun, (end - began) / (last - 1), plan.shard_images * seconds
        print(f"\n{executor}, {WORKERS} workers, shards of {shard:.1f} core seconds")
        print(f"  {(last - 1) / wall:.1f} shards a second; {WORKERS / shard:.1f} keep all workers busy")
        print(f"  driver's process: {cpu * 1000:.0f} ms a shard, as many as {shard / cpu:.0f} workers do")
        ledger.delete(run)
