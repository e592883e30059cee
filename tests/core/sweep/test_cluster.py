"""A Dask cluster with something wrong: the run ends well, or is paused with a sentence; no wait for ever.

Scheduler and workers are processes of their own on loopback; a worker on a machine without cliploc, or
with another version, is one whose path has a stand-in first.
"""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from cliploc.core.errors import ResourceError
from cliploc.core.sweep import cluster
from cliploc.core.sweep.driver import drive
from cliploc.core.sweep.executors import workers_for
from cliploc.core.sweep.ledger import Ledger
from tests.sweeping import heatmap_set, left_by, small_plan

pytest.importorskip("distributed")
PATIENCE = 120.0


class Site:
    """A scheduler and its workers, started one by one."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self._folder, self._stack = folder, stack
        self.port = _free_port()
        self.scheduler = self._started(
            "distributed.cli.dask_scheduler",
            "--host",
            "127.0.0.1",
            "--port",
            str(self.port),
            "--no-dashboard",
        )

    def worker(self, stand_in: str = "") -> subprocess.Popen[bytes]:
        """A worker that has a `cliploc` of its own, if any."""
        place = self._folder / f"site{len(list(self._folder.iterdir()))}"
        place.mkdir()
        if stand_in:
            (place / "sitecustomize.py").write_text(stand_in)
        return self._started(
            "distributed.cli.dask_worker", f"tcp://127.0.0.1:{self.port}", "--nthreads", "1", "--no-nanny",
            "--no-dashboard", "--host", "127.0.0.1", path=str(place),
        )  # fmt: skip

    def _started(self, module: str, *arguments: str, path: str = "") -> subprocess.Popen[bytes]:
        log = open(self._folder / f"log-{time.monotonic_ns()}", "wb")  # noqa: SIM115  closed with the process
        process = subprocess.Popen(
            [sys.executable, "-c", f"from {module} import main; main()", *arguments],
            stdout=log, stderr=subprocess.STDOUT, cwd=self._folder, env={**os.environ, "PYTHONPATH": path},
        )  # fmt: skip
        self._stack.callback(log.close)
        self._stack.callback(process.wait)
        self._stack.callback(process.kill)
        return process

    @property
    def executor(self) -> str:
        return f"dask://127.0.0.1:{self.port}"

    def wait_for_workers(self, count: int) -> None:
        import distributed

        end = time.monotonic() + PATIENCE
        while True:
            try:
                with distributed.Client(f"tcp://127.0.0.1:{self.port}", timeout="2s") as client:
                    if count:
                        client.wait_for_workers(count, timeout=max(1.0, end - time.monotonic()))
                return
            except OSError:
                assert time.monotonic() < end, "the scheduler never answers"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    folder = tmp_path / "site"
    folder.mkdir()
    with ExitStack() as stack:
        yield Site(folder, stack)


@pytest.fixture
def ledger(make_folder: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> Ledger:
    monkeypatch.setattr(cluster, "ANSWER_SECONDS", 4.0)
    monkeypatch.setattr(cluster, "STOP_SECONDS", 2.0)
    heatmap_set(make_folder)
    return Ledger()


def planned(ledger: Ledger, executor: str) -> str:
    return ledger.create(small_plan("toy", shard_images=1, executor=executor))


def is_paused(ledger: Ledger, run: str, why: str) -> None:
    found = ledger.run(run)
    assert found.state == "paused"
    assert re.search(why, found.message), found.message
    assert f"runs resume {run}" in found.message


def resumed_is_whole(ledger: Ledger, run: str) -> None:
    """Gone on with elsewhere, it is what a run is that nothing happened to."""
    whole = ledger.create(replace(ledger.plan(run), executor="threads"))
    drive(ledger, whole)
    ledger.employ(run, "threads", 1)
    assert drive(ledger, run) == "done"
    assert left_by(ledger, run) == left_by(ledger, whole)


# A worker whose shards take for ever while there is a file that says so: what `work` calls first waits.
STUCK = """
import cv2, pathlib, time
plain = cv2.setNumThreads
def wait(count):
    while pathlib.Path({flag!r}).exists():
        time.sleep(0.05)
    plain(count)
cv2.setNumThreads = wait
"""


@pytest.mark.parametrize(
    ("stand_in", "why"),
    [
        ("import sys; sys.modules['cliploc'] = None", "cliploc missing there, .* here"),
        ("import cliploc.core.version as v; v.VERSION = '0.0.7'", "cliploc 0.0.7 there, .* here"),
        ("import cv2; cv2.__version__ = '4.0.9'", "OpenCV 4.0.9 there, .* here"),
    ],
)
def test_a_worker_that_is_unlike_this_machine_is_named(
    site: Site, ledger: Ledger, stand_in: str, why: str
) -> None:
    site.worker()
    site.worker(stand_in)
    site.wait_for_workers(2)
    run = planned(ledger, site.executor)
    with pytest.raises(ResourceError, match=why):
        drive(ledger, run)
    is_paused(ledger, run, why)


def test_a_scheduler_that_dies(site: Site, ledger: Ledger) -> None:
    site.worker()
    site.wait_for_workers(1)
    run = planned(ledger, site.executor)
    with pytest.raises(ResourceError, match="no longer answers"):
        drive(ledger, run, progress=lambda done, total: done == 2 and site.scheduler.kill())
    is_paused(ledger, run, "no longer answers")
    resumed_is_whole(ledger, run)


def test_a_network_that_is_cut(site: Site, ledger: Ledger) -> None:
    """Nothing is refused and nothing comes: the scheduler stands still, its connections stay."""
    site.worker()
    site.wait_for_workers(1)
    run = planned(ledger, site.executor)
    with pytest.raises(ResourceError, match="no longer answers"):
        drive(
            ledger, run, progress=lambda done, total: done == 2 and site.scheduler.send_signal(signal.SIGSTOP)
        )
    is_paused(ledger, run, "no longer answers")
    resumed_is_whole(ledger, run)


def test_the_last_worker_dies(site: Site, ledger: Ledger) -> None:
    worker = site.worker()
    site.wait_for_workers(1)
    run = planned(ledger, site.executor)
    with pytest.raises(ResourceError, match="lost all its workers"):
        drive(ledger, run, progress=lambda done, total: done == 2 and worker.kill())
    is_paused(ledger, run, "lost all its workers")
    resumed_is_whole(ledger, run)


def test_there_is_no_worker(site: Site, ledger: Ledger, tmp_path: Path) -> None:
    site.wait_for_workers(0)
    with pytest.raises(ResourceError, match="has no workers"), workers_for(site.executor, 1, tmp_path):
        pass


@pytest.mark.parametrize("asked", ["cancel", "signal"])
def test_shards_that_never_end_do_not_hold_who_wants_to_stop(
    site: Site, ledger: Ledger, tmp_path: Path, asked: str
) -> None:
    flag = tmp_path / "stuck"
    site.worker(STUCK.format(flag=str(flag)))
    site.wait_for_workers(1)
    run = planned(ledger, site.executor)
    stop = threading.Event()

    def ask() -> None:
        if asked == "cancel":
            ledger.ask(run, "cancel")
        else:
            stop.set()

    def hang(done: int, total: int) -> None:
        if done == 2:
            flag.touch()
            threading.Timer(1.0, ask).start()  # by then shards that do not end are out

    try:
        with pytest.raises(ResourceError, match="did not end within"):
            drive(ledger, run, progress=hang, stop=stop.is_set)
    finally:
        flag.unlink(missing_ok=True)
    is_paused(ledger, run, "did not end within")
    resumed_is_whole(ledger, run)
