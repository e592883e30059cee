"""A Dask cluster that works on shards, and whether it still does.

`distributed` waits for ever: for a scheduler that is gone, for workers that never come. A run must not:
what is wrong is said within seconds, the run is paused, and what is done is kept.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor
from contextlib import ExitStack, contextmanager, suppress
from importlib import import_module
from typing import TYPE_CHECKING, Any

from cliploc.core.errors import ResourceError, clean, few

if TYPE_CHECKING:
    from distributed import Client, Future

ANSWER_SECONDS = (
    12.0  # how long a scheduler may be silent, a cluster without workers, a worker without a word
)
STOP_SECONDS = 20.0  # how long shards that are begun may take to end once the run is asked to stop
LOOK_SECONDS = 1.0


class Cluster:
    """The workers behind a connected client, as far as they are known to be alive and like this machine."""

    def __init__(self, client: Client, address: str) -> None:
        """address: as the user wrote it. ResourceError where no worker is there, or one is unlike us."""
        self._client, self._address = client, address
        self._asked: dict[str, Future[dict[str, str]] | None] = {}
        self._cores: Mapping[str, int] = {}
        self._last_answer = self._last_worker = time.monotonic()
        self._stop_asked = 0.0
        self._closed = threading.Event()
        self._look()
        if not self._cores:
            raise ResourceError(
                f"the Dask scheduler at {clean(address)} has no workers; "
                "start some with `dask worker tcp://HOST:8786 --nthreads 1`"
            )
        threading.Thread(target=self._watch, name="cluster", daemon=True).start()
        end = time.monotonic() + ANSWER_SECONDS
        while any(asked and not asked.done() for asked in self._asked.values()) and time.monotonic() < end:
            time.sleep(0.05)
        self.check(stopping=False)

    @property
    def cores(self) -> int:
        """How many shards are worked on at once."""
        return sum(self._cores.values())

    def executor(self) -> Executor:
        """A fresh executor of the client."""
        made: Executor = self._client.get_executor(pure=False, retries=3)
        return made

    def check(self, stopping: bool) -> None:
        """ResourceError, in words, when nothing more can be expected of the cluster.

        stopping: whether the run has been asked to end, and only waits for what is begun.
        """
        now = time.monotonic()
        if now - self._last_answer > ANSWER_SECONDS or self._client.status == "closed":
            raise ResourceError(
                f"the Dask scheduler at {clean(self._address)} no longer answers; `--executor` names another"
            )
        if now - self._last_worker > ANSWER_SECONDS:
            raise ResourceError(f"the Dask scheduler at {clean(self._address)} has lost all its workers")
        self._check_versions()
        self._stop_asked = (self._stop_asked or now) if stopping else 0.0
        if stopping and now - self._stop_asked > STOP_SECONDS:
            raise ResourceError(
                f"stopped on request; shards that were begun did not end within {STOP_SECONDS:.0f} s"
            )

    def close(self) -> None:
        """Look no longer."""
        self._closed.set()

    def _watch(self) -> None:
        # A thread of its own: over a cut connection the question itself never returns.
        while not self._closed.wait(LOOK_SECONDS):
            with suppress(Exception):  # whatever the library raises: what counts is that no answer came
                self._look()

    def _look(self) -> None:
        self._cores = dict(self._client.ncores())
        self._last_answer = time.monotonic()
        if self._cores:
            self._last_worker = self._last_answer
        for worker in self._cores.keys() - self._asked.keys():
            self._asked[worker] = self._client.submit(_versions_question(), workers=[worker], pure=False)

    def _check_versions(self) -> None:
        ours = _versions_question()()
        for worker in self._cores.keys() & self._asked.keys():
            asked = self._asked[worker]
            if asked is None or asked.status not in ("finished", "error"):  # known, or not known yet
                continue
            if asked.status == "error":
                why = clean(asked.exception(5))
                raise ResourceError(f"the Dask worker {clean(worker)} cannot work: {why}")
            theirs = asked.result(5)
            unlike = [
                f"{name} {theirs[name] or 'missing'} there, {version or 'missing'} here"
                for name, version in ours.items()
                # Without numba a worker counts with OpenCV, to the same numbers.
                if theirs[name] != version and (name != "numba" or (theirs[name] and version))
            ]
            if unlike:
                raise ResourceError(
                    f"the Dask worker {clean(worker)} is unlike this machine, and so might be its numbers: "
                    f"{few(unlike)}; install the same versions there"
                )
            self._asked[worker] = None


def _versions_question() -> Callable[[], dict[str, str]]:
    """What a run's numbers depend on: its versions, "" for what is missing. Asked of a worker.

    A function inside a function travels by value: a worker without cliploc can still answer.
    """

    def versions() -> dict[str, str]:
        # What is imported here travels along: nothing of this module does.
        from contextlib import suppress
        from importlib import import_module, metadata

        found = {"cliploc": "", "OpenCV": "", "numba": ""}
        for name, module, attribute in (
            ("cliploc", "cliploc.core.version", "VERSION"),
            ("OpenCV", "cv2", "__version__"),
        ):
            with suppress(ImportError):
                found[name] = str(getattr(import_module(module), attribute))
        with suppress(metadata.PackageNotFoundError):
            found["numba"] = metadata.version("numba")  # importing it takes seconds
        return found

    return versions


@contextmanager
def connected(spec: str, count: int) -> Iterator[Cluster]:
    """The cluster of `dask` (`count` workers on this machine) or `dask://host:port`.

    ResourceError when the extra is missing, nobody answers, or who answers is unlike this machine.
    """
    try:
        distributed: Any = import_module("distributed")
    except ImportError:
        raise ResourceError("Dask is not installed; pip install 'cliploc[dask]'") from None
    with ExitStack() as stack:
        if spec == "dask":
            address = stack.enter_context(
                distributed.LocalCluster(
                    host="127.0.0.1", n_workers=count, threads_per_worker=1, dashboard_address=None
                )
            )
        else:
            address = spec.replace("dask://", "tcp://", 1)
        try:
            client = distributed.Client(address, timeout="5s")
        except OSError as error:
            raise ResourceError(
                f"no Dask scheduler answers at {clean(spec)} ({clean(error)}); "
                "start one with `dask scheduler`, and workers with `dask worker tcp://HOST:8786`"
            ) from error
        stack.callback(_left, client)
        cluster = Cluster(client, spec)
        stack.callback(cluster.close)
        yield cluster


def _left(client: Client) -> None:
    """Close the client; one whose scheduler is gone is left to itself."""
    closing = threading.Thread(target=_closed, args=(client,), name="cluster-closing", daemon=True)
    closing.start()
    closing.join(5.0)


def _closed(client: Client) -> None:
    with suppress(Exception):  # its other end may be gone in any way
        client.close(timeout=4)
