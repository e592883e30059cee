"""Downloads that were asked for here: a `cliploc … fetch` process, and what it says.

The process is a session of its own, holds a lock while it lives, and speaks to a log:
quitting does not end it, and the next explorer follows it where this one left off.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from cliploc.core import paths
from cliploc.core.child import PROGRESS, module
from cliploc.core.errors import clean
from cliploc.core.lock import is_held
from cliploc.tui.answers import FetchChanged, Told, Trouble
from cliploc.tui.studio.background import BackgroundThread, Cancelled

COMMAND = module("cliploc.core.cli")
LOOK_SECONDS = 0.3
LAST_BYTES = 4096


@dataclass(frozen=True)
class Fetch:
    """title: what is fetched. done: what to say when it is here. process: its id."""

    title: str
    done: str
    process: int


class Fetches:
    """One download at a time; what becomes of it is told by FetchChanged, then Told or Trouble."""

    def __init__(self, post: Callable[[object], object], failed: Callable[[Exception], None]) -> None:
        self._post = post
        self._thread = BackgroundThread("downloads", failed, places=8)
        self._stopping = False
        self._thread.submit(self._adopt)

    def start(self, title: str, arguments: tuple[str, ...], done: str) -> None:
        """Run `cliploc` with these arguments, after what is being fetched now."""
        self._thread.submit(lambda cancelled: self._fetch(title, arguments, done, cancelled))

    def stop(self) -> None:
        """End the present download; what has come is kept, and the same again goes on from there."""
        known = _known()
        if known is not None and is_held(_log()):
            self._stopping = True
            with contextlib.suppress(ProcessLookupError):
                os.kill(known.process, signal.SIGTERM)

    def close(self) -> None:
        """Follow no longer; the download goes on."""
        self._thread.close()

    def _fetch(self, title: str, arguments: tuple[str, ...], done: str, cancelled: Cancelled) -> None:
        paths.make_folder(paths.state_dir())
        with _log().open("ab") as log:
            try:
                # The child inherits the lock with the file, so it lasts as long as the child does.
                fcntl.flock(log, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                self._post(Trouble("another explorer is fetching something; one at a time"))
                return
            log.truncate(0)
            self._stopping = False
            process = subprocess.Popen(
                [*COMMAND, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=os.environ | {PROGRESS: "json"},
                start_new_session=True,
            )
        fetch = Fetch(title, done, process.pid)
        with paths.atomic_write(_about()) as file:
            file.write(json.dumps(asdict(fetch)).encode())
        self._follow(fetch, lambda: _ended(process), cancelled)
        if not cancelled():
            self._tell_end(fetch, process.returncode == 0)

    def _adopt(self, cancelled: Cancelled) -> None:
        """Follow the download that an earlier explorer left running, if there is one."""
        fetch = _known()
        if fetch is None or not is_held(_log()):
            return
        self._follow(fetch, lambda: not is_held(_log()), cancelled)
        if not cancelled():
            self._tell_end(fetch, not last_said(_log()).said.startswith("cliploc: "))

    def _follow(self, fetch: Fetch, ended: Callable[[], bool], cancelled: Cancelled) -> None:
        while not ended() and not cancelled():
            said = last_said(_log())
            self._post(FetchChanged(fetch.title, said.said, said.part))
            time.sleep(LOOK_SECONDS)

    def _tell_end(self, fetch: Fetch, well: bool) -> None:
        self._post(FetchChanged("", "", None))
        said = last_said(_log()).said.removeprefix("cliploc: ")
        if self._stopping:
            self._post(Told(f"stopped fetching {fetch.title}; the same again goes on from there"))
        elif well:
            self._post(Told(fetch.done))
        else:
            self._post(Trouble(said or f"fetching {fetch.title} ended without a word"))


@dataclass(frozen=True)
class Progress:
    """What a log said last. part: how much is done, in [0, 1], None where that is not known."""

    said: str
    part: float | None


def last_said(log: Path) -> Progress:
    """The last line of a log: progress, or the command's own words."""
    try:
        with log.open("rb") as file:
            file.seek(max(file.seek(0, os.SEEK_END) - LAST_BYTES, 0))
            text = file.read().decode(errors="replace")
    except OSError:
        return Progress("", None)
    line = next((line for line in reversed(text.splitlines()) if line.strip()), "")
    try:
        found = json.loads(line)
        return Progress(clean(f"{found['progress']}: {found['said']}"), found["part"])
    except (ValueError, TypeError, KeyError):
        return Progress(clean(line).strip(), None)


def _ended(process: subprocess.Popen[bytes]) -> bool:
    return process.poll() is not None


def _log() -> Path:
    return paths.state_dir() / "fetch.log"


def _about() -> Path:
    return paths.state_dir() / "fetch.json"


def _known() -> Fetch | None:
    try:
        return Fetch(**json.loads(_about().read_bytes()))
    except (OSError, ValueError, TypeError):
        return None
