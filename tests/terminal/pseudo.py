"""A pseudo terminal that answers like a real one, at the speed of a given link.

It runs a program, consumes its output no faster than the link's rate, answers each
question when its bytes have been consumed (so an answer means what it means in a real
terminal: everything before it has arrived), and remembers what came when.
"""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import termios
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path

from tests.terminal.pixels import CELL, Emulator, PixelScreen, Sight, sight_of

ATTRIBUTES = {"halfcell": b"\x1b[?62;22c", "kitty": b"\x1b[?62;22c", "sixel": b"\x1b[?62;4;22c"}
QUESTIONS = re.compile(
    rb"\x1b_Gi=31,[^\x1b]*\x1b\\|\x1b\[16t|\x1b\[>q|\x1bP\$qm\x1b\\|\x1b\[c|\x1b\[6n|\x1b\[\?2026\$p"
)
CHUNK = 2048
# Seconds; longer than any of the program's short waits (for a key to be let go, before a list is drawn).
SETTLED = 0.3


class PseudoTerminal:
    """One program in a terminal of `columns` x `rows`; `kind` says what it can draw, None answers nothing.

    rate: bytes a second that it consumes, None for as fast as they come.
    """

    def __init__(
        self,
        argv: Sequence[str],
        *,
        columns: int = 200,
        rows: int = 60,
        kind: str | None = "halfcell",
        rate: float | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.kind, self.rate = kind, rate
        self.output = bytearray()
        self.arrivals: list[tuple[float, int]] = []
        self.started = time.monotonic()
        self._lock = threading.Lock()
        self._screen, self._read_so_far = PixelScreen(columns, rows), 0
        self._emulator = Emulator(self._screen)
        self._unanswered = b""
        self.pid, self.descriptor = pty.fork()
        if self.pid == 0:
            os.environ.update({"TERM": "xterm-256color", "COLORTERM": "truecolor"})
            for name in ("TMUX", "NO_COLOR", "TEXTUAL_COLOR_SYSTEM", "COLUMNS", "LINES"):
                os.environ.pop(name, None)
            os.environ.update(environment or {})
            # The child waits for its window to have a size.
            os.read(0, 1)
            # Not execvp: a library may have put LINES and COLUMNS behind Python's back.
            os.execvpe(argv[0], list(argv), dict(os.environ))
        self.resize(columns, rows)
        os.write(self.descriptor, b"\n")
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def resize(self, columns: int, rows: int) -> None:
        """Change the window, as a user who drags its corner does."""
        size = struct.pack("HHHH", rows, columns, columns * CELL[0], rows * CELL[1])
        fcntl.ioctl(self.descriptor, termios.TIOCSWINSZ, size)
        self._screen.resize(rows, columns)

    def send(self, keys: str | bytes) -> None:
        os.write(self.descriptor, keys.encode() if isinstance(keys, str) else keys)

    def text(self, start: int = 0) -> bytes:
        """What has arrived, from byte `start`."""
        with self._lock:
            return bytes(self.output[start:])

    def wait_for(self, condition: Callable[[bytes], object], timeout: float = 20.0, start: int = 0) -> float:
        """Wait until `condition` of the output holds; returns when, in seconds. TimeoutError otherwise."""
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            if condition(self.text(start)):
                return time.monotonic()
            time.sleep(0.002)
        raise TimeoutError(f"not within {timeout} s; the last bytes: {self.text()[-300:]!r}")

    def wait_until_quiet(self, seconds: float = 0.4, timeout: float = 20.0, after: int = 0) -> float:
        """Wait until something came after byte `after` and then nothing for a while; the last byte's time."""
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            last = self.last_arrival()
            if len(self.output) > after and time.monotonic() - last > seconds:
                return last
            time.sleep(0.01)
        raise TimeoutError("output never ends")

    def shown(self) -> str:
        """The text on the screen, line by line."""
        self._catch_up()
        return "\n".join(self._screen.display)

    def seen(self) -> Sight:
        """What a person sees, pixels as well."""
        self._catch_up()
        return sight_of(self._screen)

    def _catch_up(self) -> None:
        new = self.text(self._read_so_far)
        self._read_so_far += len(new)
        self._emulator.feed(new)

    def wait_to_show(self, text: str, timeout: float = 20.0) -> None:
        """Wait until the screen shows a text; only what changed of it may have been sent."""
        end = time.monotonic() + timeout
        while text not in (shown := self.shown()):
            if time.monotonic() > end:
                raise TimeoutError(f"{text!r} is not shown within {timeout} s:\n{shown}")
            time.sleep(0.01)

    def forget(self) -> None:
        """Drop what has arrived so far, which a long run would fill the memory with."""
        self.shown()
        with self._lock:
            self.output.clear()
            del self.arrivals[:-1]
            self._read_so_far = 0

    def last_arrival(self) -> float:
        with self._lock:
            return self.arrivals[-1][0] if self.arrivals else self.started

    def arrival_of(self, position: int) -> float:
        """When the byte at `position` arrived."""
        with self._lock:
            return next(moment for moment, end in self.arrivals if end > position)

    def arrived_until(self, moment: float) -> int:
        """How many bytes had arrived at a moment."""
        with self._lock:
            return max((end for when, end in self.arrivals if when <= moment), default=0)

    def wait(self, timeout: float = 20.0) -> int:
        """Wait for the program's end; its exit code, or minus the signal."""
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self._reader.join(1)
                return os.waitstatus_to_exitcode(status)
            time.sleep(0.01)
        raise TimeoutError("the program does not end")

    def wait_until_stopped(self, timeout: float = 20.0) -> None:
        """Wait until the program has suspended itself; woken before, it would sleep for ever."""
        end = time.monotonic() + timeout
        while not os.WIFSTOPPED(os.waitpid(self.pid, os.WNOHANG | os.WUNTRACED)[1]):
            if time.monotonic() > end:
                raise TimeoutError("the program does not stop")
            time.sleep(0.01)

    def close(self) -> None:
        """End the program if it still runs."""
        try:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        except (ProcessLookupError, ChildProcessError):
            return

    def __enter__(self) -> PseudoTerminal:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _read(self) -> None:
        free_at = time.monotonic()
        while True:
            try:
                if not select.select([self.descriptor], [], [], 1)[0]:
                    continue
                data = os.read(self.descriptor, CHUNK)
            except (OSError, ValueError):
                return
            if not data:
                return
            if self.rate is not None:
                free_at = max(free_at, time.monotonic()) + len(data) / self.rate
                time.sleep(max(0.0, free_at - time.monotonic()))
            with self._lock:
                self.output += data
                self.arrivals.append((time.monotonic(), len(self.output)))
            self._answer(data)

    def _answer(self, data: bytes) -> None:
        self._unanswered += data
        end = 0
        for question in QUESTIONS.finditer(self._unanswered):
            end = question.end()
            if self.kind is not None:
                os.write(self.descriptor, self._answer_to(question.group(0)))
        self._unanswered = self._unanswered[max(end, len(self._unanswered) - 64) :]

    def _answer_to(self, question: bytes) -> bytes:
        if question.startswith(b"\x1b_G"):
            return b"\x1b_Gi=31;OK\x1b\\" if self.kind == "kitty" else b""
        return {
            b"\x1b[16t": b"\x1b[6;%d;%dt" % (CELL[1], CELL[0]),
            b"\x1b[>q": b"\x1bP>|kitty(0.41.1)\x1b\\"
            if self.kind == "kitty"
            else b"\x1bP>|pseudo(1.0)\x1b\\",
            b"\x1bP$qm\x1b\\": b"\x1bP1$r0;48:2::1:2:3m\x1b\\",
            b"\x1b[c": ATTRIBUTES[self.kind or "halfcell"],
            b"\x1b[6n": b"\x1b[1;1R",
            b"\x1b[?2026$p": b"\x1b[?2026;2$y",
        }[question]


def settle(terminals: Collection[PseudoTerminal], timeout: float = 60.0) -> None:
    """Wait until for a while nothing came and no process of the terminals' programs had anything to do."""
    end, since = time.monotonic() + timeout, time.monotonic()
    while time.monotonic() < end:
        since = max(since, *(terminal.last_arrival() for terminal in terminals))
        if any(is_at_work(pid) for t in terminals for pid in (t.pid, *descendants(t.pid))):
            since = time.monotonic()
        elif time.monotonic() - since > SETTLED:
            return
        time.sleep(0.05)
    raise TimeoutError(f"not at rest within {timeout} s")


def descendants(pid: int) -> Iterator[int]:
    """The processes that a process has started, and theirs. Linux only; elsewhere none."""
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in map(int, _read(children).split()):
            yield child
            yield from descendants(child)


def is_at_work(pid: int) -> bool:
    """Whether a thread of a process computes, waits for a core or for a disk. Linux only."""
    return any(
        _read(stat).rpartition(")")[2].split()[:1] in (["R"], ["D"])
        for stat in Path(f"/proc/{pid}/task").glob("*/stat")
    )


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""  # it has ended meanwhile
