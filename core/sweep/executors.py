"""Where shards are worked on: local processes, a Dask cluster, or any `concurrent.futures.Executor`.

No scheduler of our own: the driver submits, waits, and submits again what a
dead worker lost. Shards are idempotent, so doing one twice does no harm.
"""

from __future__ import annotations

import os
import pickle
import shutil
import signal
import tempfile
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import (
    FIRST_COMPLETED,
    BrokenExecutor,
    CancelledError,
    Executor,
    Future,
    ProcessPoolExecutor,
    ThreadPoolExecutor,
    wait,
)
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from io import BytesIO
from multiprocessing import connection, get_context, parent_process
from pathlib import Path
from typing import Any, Generic, TypeVar

from cliploc.core.errors import ParameterError, ResourceError, clean
from cliploc.core.paths import make_folder
from cliploc.core.sweep.cluster import connected

TICK_SECONDS = 0.25  # how often the driver looks up while it waits
LOST_IN_A_ROW = 4  # broken pools without a single result before giving up

K = TypeVar("K")
Task = TypeVar("Task")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Workers:
    """Who does the work. open: makes a fresh executor. count: how many work at once.

    scratch: a folder through which results come back, where the executor's own way is not safe.
    check: asked at every tick, whether the run is to stop; raises ResourceError when nothing more
    will come. shut: ends an executor.
    """

    open: Callable[[], Executor]
    count: int
    scratch: Path | None = None
    check: Callable[[bool], None] = lambda stopping: None
    shut: Callable[[Executor], None] = lambda pool: pool.shutdown(wait=True)


@contextmanager
def workers_for(spec: str, count: int, scratch: Path) -> Iterator[Workers]:
    """The workers of `local`, `threads`, `dask` (a cluster on this machine) or `dask://host:port`.

    scratch: a folder of our own for results of local processes; it is emptied before and removed after.
    ParameterError for another spec, ResourceError when the extra is missing or nobody answers.
    """
    check_spec(spec)
    if spec == "local":
        shutil.rmtree(scratch, ignore_errors=True)
        make_folder(scratch)
        try:
            yield Workers(lambda: local_pool(count), count, scratch)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
    elif spec == "threads":
        yield Workers(lambda: ThreadPoolExecutor(count), count)
    else:
        with connected(spec, count) as cluster:
            yield Workers(cluster.executor, cluster.cores, check=cluster.check, shut=_let_go)


def check_spec(spec: str) -> None:
    """ParameterError for an executor that does not exist."""
    if spec not in ("local", "threads", "dask") and not spec.startswith("dask://"):
        raise ParameterError(
            f"executor: found {clean(spec)!r}, expected local, threads, dask or dask://host:port"
        )


def local_pool(count: int) -> Executor:
    """A process pool whose workers die with their parent and leave Ctrl-C to it.

    Spawned, not forked: a forked worker would inherit the run's lock and keep
    a dead run looking alive.
    """
    return ProcessPoolExecutor(count, mp_context=get_context("spawn"), initializer=_prepare_worker)


def results_of(
    workers: Workers,
    work: Callable[[Task], Result],
    tasks: Iterable[tuple[K, Callable[[], Task]]],
    stopping: Callable[[], bool] = lambda: False,
) -> Iterator[tuple[K, Result] | None]:
    """Do all tasks, yielding (key, result) as they come and None at every tick without one.

    tasks: pairs of a key and a maker of the task, made when its turn comes. stopping: whether `tasks`
    gives no more because the run is to end. Work that a dead worker took along is done again.
    Exceptions of `work` are raised here; ResourceError when workers keep dying without finishing
    anything, or are gone for good.
    """
    queue: _Queue[K, Task, Result] = _Queue(iter(tasks), workers.scratch)
    lost_in_a_row = 0
    with ExitStack() as pools:
        pool = pools.enter_context(_shut(workers))
        pools.callback(queue.cancel)
        while queue.fill(pool, work, 2 * workers.count):
            done, _ = wait(queue.pending, TICK_SECONDS, FIRST_COMPLETED)
            if not done:
                workers.check(stopping())
                yield None
            for future in done:
                found = queue.take(future)
                if found is not None:
                    lost_in_a_row = 0
                    yield found
            if queue.broken:
                lost_in_a_row += 1
                if lost_in_a_row >= LOST_IN_A_ROW:
                    raise ResourceError(
                        f"workers died {lost_in_a_row} times without finishing a shard; out of memory? "
                        "Try fewer of them (--workers 1), then `cliploc runs resume`"
                    )
                workers.check(stopping())
                queue.give_back()
                pools.close()
                pool = pools.enter_context(_shut(workers))
                pools.callback(queue.cancel)


class _Queue(Generic[K, Task, Result]):
    """What waits, what is out, and whether the pool broke."""

    def __init__(self, source: Iterator[tuple[K, Callable[[], Task]]], scratch: Path | None) -> None:
        self._source = source
        self._scratch = scratch
        self._again: deque[tuple[K, Task]] = deque()
        self.pending: dict[Future[Any], tuple[K, Task]] = {}
        self.broken = False

    def fill(self, pool: Executor, work: Callable[[Task], Result], window: int) -> bool:
        """Submit until `window` tasks are out; whether anything is out."""
        while len(self.pending) < window and not self.broken:
            item = self._next()
            if item is None:
                break
            try:
                self.pending[self._submitted(pool, work, item[1])] = item
            except Exception as error:
                if not _is_loss(error):
                    raise
                self._again.append(item)
                self.broken = True
        return bool(self.pending) or self.broken

    def take(self, future: Future[Any]) -> tuple[K, Result] | None:
        """The result of a finished future; None if it was lost with its worker."""
        item = self.pending.pop(future)
        try:
            return item[0], self._received(future.result())
        except Exception as error:
            if not _is_loss(error):
                raise
            self._again.append(item)
            self.broken = True
            return None

    def _submitted(self, pool: Executor, work: Callable[[Task], Result], task: Task) -> Future[Any]:
        if self._scratch is None:
            return pool.submit(work, task)
        return pool.submit(_to_file, work, task, self._scratch)

    def _received(self, returned: Any) -> Result:  # noqa: ANN401  a path or the result itself
        result: Result = returned if self._scratch is None else _from_file(returned)
        return result

    def give_back(self) -> None:
        """After a break: everything that is out waits again."""
        self._again.extend(self.pending.values())
        self.pending.clear()
        self.broken = False

    def cancel(self) -> None:
        """Before a pool is shut: what has not begun need not begin."""
        for future in self.pending:
            future.cancel()

    def _next(self) -> tuple[K, Task] | None:
        if self._again:
            return self._again.popleft()
        item = next(self._source, None)
        return None if item is None else (item[0], item[1]())


def _to_file(work: Callable[[Task], Result], task: Task, scratch: Path) -> str:
    """Work, leave the result in a file and return its name.

    A worker killed while it sends a large result through the pool's pipe would
    leave half of it there, and the parent waiting for the rest forever. A name
    is short enough to be sent whole or not at all.
    """
    result = work(task)
    try:
        with tempfile.NamedTemporaryFile(dir=scratch, delete=False) as file:
            pickle.dump(result, file, pickle.HIGHEST_PROTOCOL)
        return file.name
    except OSError as error:
        raise ResourceError(f"the disk is full: no room in {scratch} ({error.strerror})") from error


def _from_file(name: str) -> Any:  # noqa: ANN401  whatever the work returned
    path = Path(name)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ResourceError(f"cannot read {path}: {error.strerror or error}") from error
    with suppress(OSError):
        path.unlink()  # or it goes with its folder
    return _Plain(BytesIO(content)).load()


class _Plain(pickle.Unpickler):
    """Reads results alone: arrays, and plain values of classes of ours. A file is never code."""

    def find_class(self, module: str, name: str) -> Any:  # noqa: ANN401  what pickle's own returns
        """The class of this name; UnpicklingError for any other."""
        if (module.startswith("numpy") and name in _ARRAYS) or module.startswith("cliploc.core."):
            found = super().find_class(module, name)
            if isinstance(found, type) or module.startswith("numpy"):
                return found
        raise pickle.UnpicklingError(f"{module}.{name} is no result of a worker")


_ARRAYS = {"ndarray", "dtype", "_reconstruct", "_frombuffer", "scalar"}


def _is_loss(error: BaseException) -> bool:
    # Dask's own losses, by name: distributed is an optional extra.
    return isinstance(error, BrokenExecutor | CancelledError) or type(error).__name__ in _DASK_LOSSES


_DASK_LOSSES = {"KilledWorker", "CommClosedError", "FutureCancelledError", "ClosedClientError"}


@contextmanager
def _shut(workers: Workers) -> Iterator[Executor]:
    pool = workers.open()
    try:
        yield pool
    finally:
        workers.shut(pool)


def _let_go(pool: Executor) -> None:
    """Of what is elsewhere: who waited for it would wait for a scheduler that is gone."""
    with suppress(Exception):  # whatever the library raises when nobody is there to be told
        pool.shutdown(wait=False)


def _prepare_worker() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = parent_process()
    if parent is not None:
        threading.Thread(target=_die_with, args=(parent.sentinel,), daemon=True).start()


def _die_with(sentinel: int) -> None:
    # A pool's workers wait forever for a parent that was killed.
    connection.wait([sentinel])
    os._exit(1)
