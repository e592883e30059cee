"""Executors: whoever does the work, all of it is done, once for the record."""

from __future__ import annotations

import errno
import os
import pickle
import signal
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest

from cliploc.core.errors import ParameterError, ResourceError
from cliploc.core.sweep import executors
from cliploc.core.sweep.driver import drive
from cliploc.core.sweep.executors import Workers, results_of, workers_for
from cliploc.core.sweep.ledger import Ledger
from tests.sweeping import heatmap_set, left_by, small_plan


def double(number: int) -> int:
    return 2 * number


def double_unless_unlucky(path: str) -> bytes:
    """Dies at the first try of a task that says so."""
    place = Path(path)
    if place.read_text() == "unlucky":
        place.write_text("lucky")
        os.kill(os.getpid(), signal.SIGKILL)
    return bytes(1_000_000)


def always_die(number: int) -> int:
    os.kill(os.getpid(), signal.SIGKILL)
    return number


def fail(number: int) -> int:
    raise ParameterError(f"task {number} is wrong")


def pool() -> ProcessPoolExecutor:
    return ProcessPoolExecutor(2, mp_context=get_context("spawn"))


def done(workers: Workers, work: Callable, tasks: list) -> dict:
    found = results_of(workers, work, [(key, lambda task=task: task) for key, task in enumerate(tasks)])
    return dict(pair for pair in found if pair is not None)


def test_everything_is_done_once() -> None:
    workers = Workers(lambda: ThreadPoolExecutor(3), 3)
    assert done(workers, double, list(range(20))) == {n: 2 * n for n in range(20)}


def test_what_a_dead_worker_took_along_is_done_again(tmp_path: Path) -> None:
    paths = []
    for number in range(6):
        path = tmp_path / f"task{number}"
        path.write_text("unlucky" if number in (1, 4) else "lucky")
        paths.append(str(path))
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    assert sorted(done(Workers(pool, 2, scratch), double_unless_unlucky, paths)) == list(range(6))
    assert not list(scratch.iterdir()) or len(list(scratch.iterdir())) <= 4  # results of the dead may remain


def test_workers_that_keep_dying_are_given_up_with_advice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cliploc.core.sweep.executors.LOST_IN_A_ROW", 2)
    with pytest.raises(ResourceError, match="--workers"):
        done(Workers(pool, 2), always_die, [1, 2, 3])


def test_a_failing_task_is_the_callers_error() -> None:
    with pytest.raises(ParameterError, match="task 7"):
        done(Workers(lambda: ThreadPoolExecutor(1), 1), fail, [7])


def test_waiting_gives_the_driver_time_to_look_up() -> None:
    workers = Workers(lambda: ThreadPoolExecutor(1), 1)
    ticks = [found for found in results_of(workers, time.sleep, [(0, lambda: 0.6)]) if found is None]
    assert ticks


def test_an_unknown_executor_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match="dask://host:port"), workers_for("ray", 2, tmp_path):
        pass


def test_nobody_answering_is_an_error_in_words(tmp_path: Path) -> None:
    pytest.importorskip("distributed")
    with (
        pytest.raises(ResourceError, match="no Dask scheduler answers"),
        workers_for("dask://127.0.0.1:9", 2, tmp_path),
    ):
        pass


def test_a_dask_cluster_gives_the_same_ledger_even_when_a_worker_is_killed(
    make_folder: Callable[..., Path],
) -> None:
    distributed = pytest.importorskip("distributed")
    heatmap_set(make_folder)
    ledger = Ledger()
    whole = ledger.create(small_plan("toy", shard_images=1))
    drive(ledger, whole)
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        address = cluster.scheduler_address.replace("tcp://", "dask://")
        run = ledger.create(small_plan("toy", shard_images=1, executor=address))
        victims = [worker.process.process.pid for worker in cluster.workers.values()]

        def kill_one(done: int, total: int) -> None:
            if done == 3 and victims:
                os.kill(victims.pop(), signal.SIGKILL)

        assert drive(ledger, run, progress=kill_one) == "done"
        assert len(victims) == 1
    assert left_by(ledger, run) == left_by(ledger, whole)


def test_a_result_that_cannot_be_cleared_away_is_still_a_result(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = executors._to_file(abs, -7, tmp_path)

    def broken(path: Path, missing_ok: bool = False) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(Path, "unlink", broken)
    assert executors._from_file(name) == 7
    monkeypatch.undo()
    Path(name).unlink()
    with pytest.raises(ResourceError, match="cannot read"):
        executors._from_file(name)


class _Evil:
    def __reduce__(self) -> tuple[object, ...]:
        return os.system, ("echo owned",)


def test_a_result_that_somebody_else_put_there_is_never_run(tmp_path: Path) -> None:
    (tmp_path / "evil").write_bytes(pickle.dumps(_Evil()))
    with pytest.raises(pickle.UnpicklingError, match="is no result of a worker"):
        executors._from_file(str(tmp_path / "evil"))
