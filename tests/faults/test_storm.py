"""Readers, sweepers and a canceller on one ledger: nobody meets a lock, nobody sees half a thing."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from cliploc.core.postprocess import THRESHOLDS
from cliploc.core.sweep.ledger import Ledger
from tests.sweeping import REPOSITORY, SMALL, heatmap_set, small_plan, start_process, until

READER = """
import sys, time
from pathlib import Path
from cliploc.core.postprocess import THRESHOLDS
from cliploc.core.sweep.ledger import Ledger
ledger, deadline, reads = Ledger(Path(sys.argv[1])), time.monotonic() + float(sys.argv[2]), 0
while time.monotonic() < deadline:
    for row in ledger.runs():
        assert 0 <= row.shards_done <= row.shards, row
        assert row.best is None or 0 <= row.best.mean_iou <= 1, row
        for index in ledger.finished_sets(row.id):
            summary = ledger.summary(row.id, index)
            values = ledger.scores(row.id, index, "mean_iou")
            assert len(values) == row.configs and all(len(v) == len(THRESHOLDS) for v in values)
            assert max(max(v) for v in values) == summary["best"]["mean_iou"]
        reads += 1
print(reads)
"""


def storm(ledger: Ledger, seconds: float) -> int:
    """Four readers, two sweepers, one canceller for a while. Returns how often runs were read."""
    readers = [
        subprocess.Popen(
            [sys.executable, "-c", READER, str(ledger.path), str(seconds)],
            cwd=REPOSITORY,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        for _ in range(4)
    ]
    deadline, sweepers, cancelled = time.monotonic() + seconds, [], 0
    while time.monotonic() < deadline or any(p.poll() is None for p, _ in sweepers):
        alive = [run for process, run in sweepers if process.poll() is None]
        if len(alive) < 2 and time.monotonic() < deadline:
            run = ledger.create(small_plan("toy", shard_images=1))
            sweepers.append((start_process(ledger, run), run))
        elif alive and cancelled < len(sweepers) // 2:
            ledger.ask(alive[0], "cancel")
            cancelled += 1
        time.sleep(0.05)
    for process, run in sweepers:
        _, errors = process.communicate(timeout=60)
        assert process.returncode == 0, errors.decode()
        assert ledger.run(run).state in ("done", "cancelled")
    reads = 0
    for reader in readers:
        output, errors = reader.communicate(timeout=120)
        assert reader.returncode == 0, errors.decode()
        reads += int(output)
    assert not [run for run in ledger.runs() if run.state not in ("done", "cancelled")]
    return reads


def started(make_folder: Callable[..., Path]) -> Ledger:
    heatmap_set(make_folder)
    ledger = Ledger()
    run = ledger.create(small_plan("toy"))
    process = start_process(ledger, run)
    until(lambda: process.poll() is not None, "a first run")
    assert len(ledger.scores(run, 0, "mean_iou")) == len(SMALL.configs)
    assert len(ledger.scores(run, 0, "mean_iou")[0]) == len(THRESHOLDS)
    return ledger


def test_a_short_storm(make_folder: Callable[..., Path]) -> None:
    assert storm(started(make_folder), 6) > 4


@pytest.mark.soak
def test_two_minutes_of_storm(make_folder: Callable[..., Path]) -> None:
    assert storm(started(make_folder), 120) > 100
