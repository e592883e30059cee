"""The only door to heatmaps, runs, live scores and pictures: the studio, a process behind the screen.

Nothing here waits for it. A method of `studio` that is called here runs over there, with whole frozen
values, and is answered with values of `cliploc.tui.answers`; numpy, the store and the ledger are on its
side of the pipes. One that died is started again.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, cast

from cliploc.core.child import Child, Process
from cliploc.core.datasets import Dataset
from cliploc.core.heatmaps.recipe import Recipe
from cliploc.core.methods import METHODS
from cliploc.tui.answers import Encoded, Idle, PicturesReady, SetsFound, StudioBack, Trouble
from cliploc.tui.graphics.frame import Frame, Job
from cliploc.tui.state import Source
from cliploc.tui.studio.launch import launched
from cliploc.tui.studio.wire import Question, packed, received
from cliploc.tui.widgets.encoder import Shown, in_thread

if TYPE_CHECKING:
    from cliploc.tui.studio.studio import Studio

log = logging.getLogger(__name__)
# Seconds that leaving waits for the studio; it ends by itself when the screen is gone.
LAST_WORDS = 2.0


class Caller:
    """Stands for an object over there: a method of it, or of a part of it, is asked for, not waited for."""

    def __init__(self, ask: Callable[..., None], name: str = "") -> None:
        self._ask, self._name = ask, name

    def __getattr__(self, name: str) -> Caller:
        if name.startswith("_"):  # what Python and libraries look for in any object
            raise AttributeError(name)
        return Caller(self._ask, f"{self._name}.{name}".removeprefix("."))

    def __call__(self, *arguments: object, **options: object) -> None:
        self._ask(self._name, *arguments, **options)


class StudioClient:
    """What the screens ask. Methods return at once; answers are given to `post`.

    post: called on another thread. device: where the heatmap worker computes. process: a studio of
    this dataset that was launched before. studio: the questions; to the type checker it is the studio
    itself, so that a question is declared in one place.
    """

    def __init__(
        self,
        dataset: Dataset,
        post: Callable[[object], object],
        device: str = "auto",
        process: Process | None = None,
    ) -> None:
        self.dataset = dataset
        self.imported: tuple[str, ...] = ()
        self.studio = cast("Studio", Caller(self._ask))
        self._post = post
        self._lock = threading.Lock()
        self._number = self._idle = 0
        self._encoding: dict[int, asyncio.Future[Frame | None]] = {}
        self._child: Child[object] = Child(
            "studio", lambda: launched(dataset.spec, device), received, self._hear, self._died, process
        )
        if process is None:
            self._child.start()

    async def encode(self, shown: Shown, job: Job) -> Frame | None:
        """Encode a kept picture for the terminal; None where the studio no longer has it."""
        if not isinstance(shown, str):
            return await in_thread(shown, job)
        future: asyncio.Future[Frame | None] = asyncio.get_running_loop().create_future()
        with self._lock:
            self._encoding[self._number + 1] = future
            self._send("encode", shown, job)
        return await future

    def sources(self, template: str) -> tuple[Source, ...]:
        """Every method that fits the dataset's networks, with one template, then the imported sets."""
        recipes = [Recipe(method=name, template=template).completed(self.dataset.name) for name in METHODS]
        return (*map(Source, recipes), *(Source(stored=name) for name in self.imported))

    @property
    def busy(self) -> bool:
        """Whether something that was asked for is still under way."""
        return self._idle < self._number

    def close(self) -> None:
        """Let the studio end; files that are being written are finished."""
        if self._child.close(LAST_WORDS) is not None:
            log.info("the studio is still writing")

    def _ask(self, name: str, *arguments: object, **options: object) -> None:
        with self._lock:
            self._send(name, *arguments, **options)

    def _send(self, name: str, *arguments: object, **options: object) -> None:
        self._number += 1
        if self._child.is_given_up:
            self._idle = self._number
        self._child.send(packed(Question(self._number, name, arguments, options)))

    def _hear(self, answer: object) -> None:
        """Runs on the reading thread."""
        if isinstance(answer, Encoded):
            with self._lock:
                future = self._encoding.pop(answer.number, None)
            if future is not None:
                _resolve(future, answer.frame)
        elif isinstance(answer, Idle):
            self._idle = answer.number
        elif isinstance(answer, SetsFound):
            self.imported = answer.imported
        else:
            if isinstance(answer, PicturesReady):
                self._child.is_well()
            self._post(answer)

    def _died(self, how: str) -> None:
        """Runs on the reading thread."""
        with self._lock:
            for future in self._encoding.values():
                _resolve(future, None)
            self._encoding.clear()
            self._idle = self._number
        again = not self._child.is_given_up
        end = "it was started again" if again else "it is not started again; leave with q and look at its log"
        self._post(Trouble(f"the process that draws and scores {how}; {end}"))
        if again:
            self._child.send(b"")
            self._post(StudioBack())


def _resolve(future: asyncio.Future[Frame | None], frame: Frame | None) -> None:
    def resolve() -> None:
        if not future.done():
            future.set_result(frame)

    try:
        future.get_loop().call_soon_threadsafe(resolve)
    except RuntimeError:
        log.debug("the event loop has ended")
