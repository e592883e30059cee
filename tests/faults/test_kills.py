"""`kill -9` at any moment: what was acknowledged is there, and resuming ends as if nothing had happened."""

from __future__ import annotations

import contextlib
import os
import random
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from cliploc.core.sweep.driver import drive
from cliploc.core.sweep.ledger import Ledger
from tests.sweeping import children_of, heatmap_set, left_by, small_plan, start_process, until


@pytest.fixture
def expected(make_folder: Callable[..., Path]) -> dict[str, object]:
    """What an uninterrupted run leaves, by what is kept."""
    heatmap_set(make_folder)
    found = {}
    for keep in ("counts", "sums"):
        ledger = Ledger()
        run = ledger.create(small_plan("toy", keep=keep, shard_images=1))
        drive(ledger, run)
        found[keep] = left_by(ledger, run)
    return found


def kill_and_resume(ledger: Ledger, run: str, kills: int, seed: int) -> int:
    """Kill the driver or one of its workers at random moments. Returns how many drivers were started."""
    dice = random.Random(seed)
    started = 0
    while kills:
        process = start_process(ledger, run)
        started += 1
        target = ledger.run(run).shards_done + dice.randint(0, 2)
        until(
            lambda process=process, target=target: (
                process.poll() is not None  # type: ignore[misc]
                or (ledger.run(run).state == "running" and ledger.run(run).shards_done >= target)
            ),
            "the run to get on",
        )
        workers = children_of(process.pid)
        victim = dice.choice([process.pid, *workers]) if process.poll() is None else process.pid
        with contextlib.suppress(ProcessLookupError):
            os.kill(victim, signal.SIGKILL)
        kills -= 1
        if victim == process.pid:
            process.wait(30)
            until(lambda workers=workers: not any(alive(w) for w in workers), "orphans to end")  # type: ignore[misc]
            continue
        process.wait(120)
        if ledger.run(run).state == "done":
            return started
    return started


def alive(pid: int) -> bool:
    try:
        return " Z " not in Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False


def finish(ledger: Ledger, run: str) -> None:
    process = start_process(ledger, run)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors.decode()


@pytest.mark.parametrize("keep", ["counts", "sums"])
def test_a_killed_run_resumes_to_the_same_bits(expected: dict[str, object], keep: str) -> None:
    ledger = Ledger()
    run = ledger.create(small_plan("toy", keep=keep, shard_images=1, executor="local"))
    kill_and_resume(ledger, run, kills=2, seed=4)
    finish(ledger, run)
    assert left_by(ledger, run) == expected[keep]


def test_a_killed_worker_is_replaced(expected: dict[str, object]) -> None:
    ledger = Ledger()
    run = ledger.create(small_plan("toy", shard_images=1, executor="local"))
    process = start_process(ledger, run)
    until(lambda: ledger.run(run).shards_done >= 2, "some shards")
    for worker in children_of(process.pid):
        os.kill(worker, signal.SIGKILL)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors.decode()
    assert left_by(ledger, run) == expected["counts"]


def test_a_dead_driver_leaves_an_interrupted_run_and_no_orphans(expected: dict[str, object]) -> None:
    ledger = Ledger()
    run = ledger.create(small_plan("toy", shard_images=1, executor="local"))
    process = start_process(ledger, run)
    until(lambda: ledger.run(run).shards_done >= 1, "a shard")
    workers = children_of(process.pid)
    assert ledger.run(run).state == "running"
    process.kill()
    process.wait(30)
    assert ledger.run(run).state == "interrupted"
    until(lambda: not any(alive(worker) for worker in workers), "orphans to end")


def test_hanging_up_does_not_touch_it_and_terminating_is_polite(expected: dict[str, object]) -> None:
    ledger = Ledger()
    run = ledger.create(small_plan("toy", shard_images=1, executor="local"))
    process = start_process(ledger, run)
    until(lambda: ledger.run(run).shards_done >= 1, "a shard")
    process.send_signal(signal.SIGHUP)
    before = ledger.run(run).shards_done
    until(lambda: ledger.run(run).shards_done > before, "another shard")
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors.decode()
    row = ledger.run(run)
    assert row.state in ("paused", "done")
    finish(ledger, run)
    assert left_by(ledger, run) == expected["counts"]


@pytest.mark.soak
@pytest.mark.parametrize("keep", ["counts", "sums"])
def test_twenty_kills(expected: dict[str, object], keep: str) -> None:
    ledger = Ledger()
    kills = 0
    for seed in range(100):
        run = ledger.create(small_plan("toy", keep=keep, shard_images=1, executor="local"))
        kills += kill_and_resume(ledger, run, kills=5, seed=seed)
        finish(ledger, run)
        assert left_by(ledger, run) == expected[keep], seed
        if kills >= 20:
            return
    pytest.fail("the run ended before it could be killed often enough")
