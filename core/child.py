"""A process of ours at the other end of two pipes: started, written to, listened to, and missed when it dies.

What travels is its user's affair. It ends when its standard input does, so it never outlives the
program that started it, however that ends. Standard library only.
"""

from __future__ import annotations

import logging
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import IO, Generic, TypeVar

from cliploc.core import paths
from cliploc.core.errors import ClipLocError

log = logging.getLogger(__name__)
DEATHS_IN_A_ROW = 3
LOG_LIMIT = 1_000_000  # bytes; an older log is started afresh
# Set to `json`, it makes the progress of our commands lines that a program can read.
PROGRESS = "CLIPLOC_PROGRESS"
Process = subprocess.Popen[bytes]
Message = TypeVar("Message")


def module(name: str, *arguments: str) -> tuple[str, ...]:
    """The command that runs one of our modules, whatever files the working folder holds."""
    return (sys.executable, "-P", "-m", name, *arguments)


def spawned(
    command: Sequence[str], log_file: Path, environment: Mapping[str, str] = MappingProxyType({})
) -> Process:
    """Start a process; what it says to nobody goes to the log. OSError when it cannot be started.

    environment: what it has beside ours.
    """
    with _opened(log_file) as stderr:
        return subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
            env={**os.environ, **environment},
            # Keys and signals of the terminal are the screen's.
            start_new_session=True,
        )


def _opened(log_file: Path) -> IO[bytes]:
    try:
        paths.make_folder(log_file.parent)
        old = log_file.stat().st_size if log_file.exists() else 0
        return open(log_file, "wb" if old > LOG_LIMIT else "ab")
    except (ClipLocError, OSError) as error:
        log.warning("%s runs without a log: %s", log_file.stem, error)
        return open(os.devnull, "wb")


class Child(Generic[Message]):
    """One process, started again by the next message after it died, until it died too often in a row.

    Methods return at once and may be called from any thread. name: of its threads. spawn: starts it;
    OSError. received: the messages in what it writes, until it ends. heard, died: called with each
    message, and with how it ended, on a thread of this class; not after `close`. process: one that
    was spawned before.
    """

    def __init__(
        self,
        name: str,
        spawn: Callable[[], Process],
        received: Callable[[IO[bytes]], Iterable[Message]],
        heard: Callable[[Message], None],
        died: Callable[[str], None],
        process: Process | None = None,
    ) -> None:
        self.name = name
        self._spawn, self._received, self._heard, self._died = spawn, received, heard, died
        self._lock = threading.Lock()
        self._outbox: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._deaths = 0
        self.process: Process | None = None
        if process is not None:
            self._began(process)

    @property
    def is_given_up(self) -> bool:
        """Whether it died too often in a row to be started by a message."""
        return self.process is None and self._deaths >= DEATHS_IN_A_ROW

    def start(self) -> None:
        """Start the process if there is none, however often it died. OSError."""
        self._deaths = 0
        self.send(b"")

    def send(self, data: bytes) -> None:
        """Write to the process, starting it where there is none; nothing is sent to one that was given up.

        OSError when it cannot be started.
        """
        with self._lock:
            if self.is_given_up:
                return
            if self.process is None:
                self._began(self._spawn())
            self._outbox.put(data)

    def is_well(self) -> None:
        """It did what it is for: earlier deaths no longer count."""
        self._deaths = 0

    def close(self, patience: float) -> Process | None:
        """Let the process end, unheard from now on. Returns it if it is still there after so many seconds."""
        with self._lock:
            process, self.process = self.process, None
            self._outbox.put(None)
        try:
            if process is not None:
                process.wait(patience)
        except subprocess.TimeoutExpired:
            return process
        return None

    def _began(self, process: Process) -> None:
        self.process, self._outbox = process, queue.SimpleQueue()
        for work in (self._write, self._read):
            threading.Thread(target=work, args=(process, self._outbox), name=self.name, daemon=True).start()

    def _write(self, process: Process, outbox: queue.SimpleQueue[bytes | None]) -> None:
        assert process.stdin is not None
        try:
            while (data := outbox.get()) is not None:
                process.stdin.write(data)
                process.stdin.flush()
            process.stdin.close()
        except OSError:
            log.info("%s no longer listens", self.name)  # the reader says how it ended

    def _read(self, process: Process, outbox: queue.SimpleQueue[bytes | None]) -> None:
        assert process.stdout is not None
        for message in self._received(process.stdout):
            if process is self.process:
                self._said(self._heard, message)
        outbox.put(None)
        code = process.wait()
        with self._lock:
            if process is not self.process:
                return  # closed: its end was wanted
            self.process = None
            self._deaths += 1
        self._said(self._died, _how(code))

    def _said(self, say: Callable[[Message], None] | Callable[[str], None], what: Message | str) -> None:
        try:
            say(what)  # type: ignore[arg-type]
        except Exception:  # a thread boundary: listening goes on whatever the listener does
            log.exception("%s said %s", self.name, type(what).__name__)


def _how(code: int) -> str:
    return f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"


class Outlet:
    """Where such a process writes what it has to say; any thread may."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._lock = threading.Lock()

    @classmethod
    def instead_of_stdout(cls) -> Outlet:
        """The process's standard output, kept from everybody else: what they print must not get between."""
        kept = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
        return cls(kept)

    def write(self, data: bytes) -> None:
        """Write all of it. OSError when nobody listens."""
        with self._lock:
            self._file.write(data)
            self._file.flush()
