"""The worker's client: starts the process, sends requests, hands on what comes back.

Nothing here waits for the worker, and torch stays on its side of the pipe.
"""

from __future__ import annotations

import logging
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO

from cliploc.core import paths
from cliploc.core.errors import ClipLocError, clean
from cliploc.core.heatmaps.protocol import (
    Computed,
    Died,
    Event,
    Failed,
    Forget,
    Message,
    Ready,
    Request,
    TermsComputed,
    TextComputed,
    decoded,
    encoded,
)
from cliploc.core.heatmaps.recipe import Recipe

log = logging.getLogger(__name__)

DEATHS_IN_A_ROW = 3
LOG_LIMIT = 1_000_000  # bytes; an older log is started afresh
_COMMAND = (sys.executable, "-P", "-m", "cliploc.core.heatmaps.worker")


class Worker:
    """One worker process for one dataset; every method returns at once and may be called from any thread.

    on_event: called with each event on a thread of the client; what it raises is logged.
    device: auto, cpu, cuda, cuda:1 or mps. A worker that died is started again by the
    next request, until it has died three times in a row; then only by `start`.
    """

    def __init__(
        self,
        dataset: str,
        on_event: Callable[[Event], None],
        device: str = "auto",
        command: Sequence[str] = _COMMAND,
    ) -> None:
        self._dataset = dataset
        self._on_event = on_event
        self._command = [*command, "--device", device]
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._outbox: queue.SimpleQueue[Message | None] = queue.SimpleQueue()
        self._deaths = 0

    @property
    def alive(self) -> bool:
        """Whether there is a process; a dead one counts until it was reported as Died."""
        return self._process is not None

    @property
    def log_file(self) -> Path:
        """Where the worker writes what it has to say."""
        return paths.state_dir() / "heatmap-worker.log"

    def start(self) -> None:
        """Start the process now (torch takes seconds to load), however often it died."""
        self._deaths = 0
        self._ensure_started()

    def request(
        self, recipe: Recipe, ids: Sequence[str], *, urgent: bool = True, terms: bool = False
    ) -> None:
        """Ask for heatmaps of samples; the latest urgent request is answered first.

        Not urgent: neighbours, or the whole dataset, when there is nothing better to do.
        Those that are in the store already are reported as computed. terms: for what every
        head adds to them instead, reported as TermsComputed.
        """
        self._send(Request(self._dataset, recipe, tuple(ids), urgent=urgent, terms=terms))

    def request_text(self, recipe: Recipe, id_: str, prompt: str) -> None:
        """Ask for one sample's heatmap of a free-text prompt; it comes in a TextComputed event."""
        self._send(Request(self._dataset, recipe, (id_,), prompt=prompt))

    def forget(self) -> None:
        """Drop the requests that were not begun."""
        if self.alive:
            self._outbox.put(Forget())

    def close(self) -> None:
        """End the process; nothing is reported any more."""
        with self._lock:
            process, self._process = self._process, None
            self._outbox.put(None)
        if process is None:
            return
        try:
            process.wait(2)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _send(self, message: Message) -> None:
        if not self.alive and self._deaths >= DEATHS_IN_A_ROW:
            self._report(
                Failed(f"the heatmap worker died {self._deaths} times in a row; its log is {self.log_file}")
            )
            return
        self._ensure_started()
        self._outbox.put(message)

    def _ensure_started(self) -> None:
        with self._lock:
            if self.alive:
                return
            try:
                process = self._spawned()
            except OSError as error:
                failure = Failed(f"the heatmap worker cannot be started: {error}")
            else:
                self._process, self._outbox = process, queue.SimpleQueue()
                _background(self._write, process, self._outbox)
                _background(self._read, process)
                return
        self._report(failure)

    def _spawned(self) -> subprocess.Popen[bytes]:
        with self._log() as stderr:
            # A session of its own: keys and signals of the terminal are the screen's. It ends
            # when its standard input does, that is, with this process, however that ends.
            return subprocess.Popen(
                self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
                start_new_session=True,
            )

    def _log(self) -> IO[bytes]:
        try:
            paths.make_folder(self.log_file.parent)
            old = self.log_file.stat().st_size if self.log_file.exists() else 0
            return open(self.log_file, "wb" if old > LOG_LIMIT else "ab")
        except (ClipLocError, OSError) as error:
            log.warning("the heatmap worker runs without a log: %s", error)
            return open(os.devnull, "wb")

    def _write(self, process: subprocess.Popen[bytes], outbox: queue.SimpleQueue[Message | None]) -> None:
        assert process.stdin is not None
        try:
            while (message := outbox.get()) is not None:
                process.stdin.write(encoded(message))
                process.stdin.flush()
            process.stdin.close()
        except OSError:
            log.info("the heatmap worker no longer listens")  # the reader reports how it ended

    def _read(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdout is not None
        for line in process.stdout:
            try:
                event = decoded(line)
            except ClipLocError as error:
                log.warning("%s", error)
                continue
            if not isinstance(event, Request | Forget) and process is self._process:
                if isinstance(event, Ready | Computed | TextComputed | TermsComputed):
                    self._deaths = 0
                self._report(event)
        code = process.wait()
        with self._lock:
            if process is not self._process:
                return  # closed: its end was wanted
            self._process = None
            self._deaths += 1
            self._outbox.put(None)
        self._report(Died(f"the heatmap worker {_how(code)}{self._last_words() if code > 0 else ''}"))

    def _last_words(self) -> str:
        try:
            lines = self.log_file.read_text(errors="replace").strip().splitlines()
        except OSError:
            return ""
        return f" ({clean(lines[-1])[:200]}); its log is {self.log_file}" if lines else ""

    def _report(self, event: Event) -> None:
        try:
            self._on_event(event)
        except Exception:  # a thread boundary: the client goes on whatever its user does
            log.exception("handling %s", type(event).__name__)


def _background(work: Callable[..., None], *arguments: object) -> None:
    threading.Thread(target=work, args=arguments, name="heatmap-client", daemon=True).start()


def _how(code: int) -> str:
    if code < 0:
        return f"was killed by {signal.Signals(-code).name}"
    return f"ended with exit code {code}"
