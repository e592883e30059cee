"""The worker's client: starts the process, sends requests, hands on what comes back.

Nothing here waits for the worker, and torch stays on its side of the pipe.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO

from cliploc.core import paths
from cliploc.core.child import DEATHS_IN_A_ROW, Child, module, spawned
from cliploc.core.errors import clean
from cliploc.core.heatmaps.protocol import (
    Computed,
    Count,
    Counted,
    Died,
    Embedded,
    Event,
    Failed,
    Forget,
    Message,
    Ready,
    Request,
    TermsComputed,
    TextComputed,
    encoded,
    received,
)
from cliploc.core.heatmaps.recipe import Recipe

# Seconds that a worker gets to end by itself.
LAST_WORDS = 2.0


class Worker:
    """One worker process for one dataset; every method returns at once and may be called from any thread.

    on_event: called with each event on a thread of the client; what it raises is logged.
    device: auto, cpu, cuda, cuda:1 or mps. A worker that died is started again by the
    next request, until it has died too often in a row; then only by `start`.
    """

    def __init__(
        self,
        dataset: str,
        on_event: Callable[[Event], None],
        device: str = "auto",
        command: Sequence[str] = module("cliploc.core.heatmaps.worker"),
    ) -> None:
        self._dataset = dataset
        self._on_event = on_event
        command = (*command, "--device", device)
        self._child = Child(
            "heatmap worker", lambda: spawned(command, self.log_file), _events, self._hear, self._ended
        )

    @property
    def log_file(self) -> Path:
        """Where the worker writes what it has to say."""
        return paths.state_dir() / "heatmap-worker.log"

    def start(self) -> None:
        """Start the process now (torch takes seconds to load), however often it died."""
        self._started(self._child.start)

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

    def request_embeddings(self, recipe: Recipe, ids: Sequence[str], prompt: str) -> None:
        """Ask what the network makes of samples' pictures, and of a text; they come in Embedded events."""
        self._send(Request(self._dataset, recipe, tuple(ids), prompt=prompt, embed=True))

    def count(self, count: Count) -> None:
        """Ask for counts; they come in a Counted event."""
        self._send(count)

    def forget(self) -> None:
        """Drop the requests that were not begun."""
        if self._child.process is not None:
            self._child.send(encoded(Forget()))

    def close(self) -> None:
        """End the process; nothing is reported any more."""
        process = self._child.close(LAST_WORDS)
        if process is not None:
            process.kill()
            process.wait()

    def _send(self, message: Message) -> None:
        if self._child.is_given_up:
            text = f"the heatmap worker died {DEATHS_IN_A_ROW} times in a row; its log is {self.log_file}"
            self._on_event(Failed(text))
        else:
            self._started(lambda: self._child.send(encoded(message)))

    def _started(self, do: Callable[[], None]) -> None:
        try:
            do()
        except OSError as error:
            self._on_event(Failed(f"the heatmap worker cannot be started: {error}"))

    def _hear(self, event: Event) -> None:
        if isinstance(event, Ready | Computed | TextComputed | TermsComputed | Embedded | Counted):
            self._child.is_well()
        self._on_event(event)

    def _ended(self, how: str) -> None:
        words = "" if "killed" in how else self._last_words()
        self._on_event(Died(f"the heatmap worker {how}{words}"))

    def _last_words(self) -> str:
        try:
            lines = self.log_file.read_text(errors="replace").strip().splitlines()
        except OSError:
            return ""
        return f" ({clean(lines[-1])[:200]}); its log is {self.log_file}" if lines else ""


def _events(lines: IO[bytes]) -> Iterator[Event]:
    return (message for message in received(lines) if not isinstance(message, Request | Count | Forget))
