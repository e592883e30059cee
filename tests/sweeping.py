"""What sweep tests share: a small dataset with heatmaps in the store, plans of it, and what a run left."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from cliploc.core.datasets import open_dataset
from cliploc.core.heatmaps.exchange import import_npz
from cliploc.core.heatmaps.store import HeatmapStore
from cliploc.core.sweep.database import reading
from cliploc.core.sweep.grid import Grid
from cliploc.core.sweep.ledger import Ledger
from cliploc.core.sweep.plan import Plan
from cliploc.core.sweep.planning import planned

SMALL = Grid(("nearest", "bilinear"), dilates=(1, 5, 9), erodes=(1, 5))
REPOSITORY = Path(__file__).resolve().parent.parent


def heatmap_set(
    make_folder: Callable[..., Path], name: str = "toy", images: int = 24, seed: int = 0, folder: str = "toy"
) -> str:
    """Import seeded heatmaps (the true mask, blurred and noisy) for a toy dataset. Returns the set's name."""
    counts = {"cat": images // 2, "red car": images // 3, "dog": images - images // 2 - images // 3}
    dataset = open_dataset(str(make_folder(counts, name=folder)))
    rng = np.random.default_rng(seed)
    heatmaps = []
    for sample in dataset.samples:
        pooled = sample.true_mask().reshape(6, 8, 8, 8).mean(axis=(1, 3))
        heatmap = pooled * (rng.random(pooled.shape) < 0.8) + 0.6 * rng.random(pooled.shape)
        heatmaps.append((heatmap / heatmap.max()).astype(np.float32))
    path = dataset.spec + f"-{name}.npz"
    np.savez(path, ids=np.array([sample.id for sample in dataset.samples]), heatmaps=np.stack(heatmaps))
    return import_npz(HeatmapStore(), Path(path), dataset, name).name


def small_plan(
    *names: str, grid: Grid = SMALL, shard_images: int = 2, keep: str = "counts", executor: str = "threads"
) -> Plan:
    """A plan with many small shards, worked on in this process."""
    plan = planned(names, grid, keep=keep, engine="opencv", executor=executor, workers=2)
    return replace(plan, shard_images=shard_images)


def left_by(ledger: Ledger, run: str) -> dict[str, object]:
    """Everything a run left that must not depend on its history: rows without times, and array files."""
    with reading(ledger.path) as db:
        rows = {
            table: [
                tuple(row)[1:]
                for row in db.execute(f"SELECT * FROM {table} WHERE run = ? ORDER BY 2, 3", (run,))
            ]
            for table in ("scores", "summaries")
        }
    folder = ledger.folder(run)
    files = {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.glob("counts/*.npz"))
    }
    row = ledger.run(run)
    return {
        **rows,
        "shards": ledger.shards(run) if files else sorted(ledger.shards(run)),
        "files": files,
        "best": row.best,
        "state": row.state,
        "message": row.message,
    }


def start_process(ledger: Ledger, run: str, **options: object) -> subprocess.Popen[bytes]:
    """Work on a run in a process of its own, in a session of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "cliploc.core.sweep.process", run, str(ledger.path)],
        cwd=REPOSITORY,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
        **options,  # type: ignore[call-overload]
    )


def children_of(pid: int) -> list[int]:
    """The processes whose parent is `pid`, from /proc."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        if int(fields[1]) == pid:
            found.append(int(folder.name))
    return found


def until(condition: Callable[[], bool], what: str, seconds: float = 60.0) -> None:
    """Wait for something to become true; fail after a while."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"waited {seconds} s for {what}"
        time.sleep(0.01)
