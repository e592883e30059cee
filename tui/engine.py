"""The only door to heatmaps, runs, live scores and pictures: the studio, a process behind the screen.

Nothing here waits for it. It is asked with whole frozen values and answers with messages;
numpy, the store and the ledger are on its side of the pipes. One that died is started again.
"""

from __future__ import annotations

import asyncio
import logging
import queue
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from textual.message import Message

from cliploc.core.datasets import Dataset
from cliploc.core.heatmaps.recipe import Recipe
from cliploc.core.methods import METHODS
from cliploc.core.postprocess import PostProcess
from cliploc.tui.answers import Encoded, Idle, SetsFound
from cliploc.tui.board import Board
from cliploc.tui.comparison import Contender
from cliploc.tui.fetching import Fetches
from cliploc.tui.graphics.frame import Frame, Job, Plate
from cliploc.tui.messages import PicturesReady, StudioBack, Trouble, message_of
from cliploc.tui.runs import Runs
from cliploc.tui.state import ExplorerState, Source
from cliploc.tui.studio.launch import launched
from cliploc.tui.studio.wire import Outlet, Request, received
from cliploc.tui.widgets.encoder import Shown, in_thread

log = logging.getLogger(__name__)
DEATHS_IN_A_ROW = 3
# Seconds that leaving waits for the studio; it ends by itself when the screen is gone.
LAST_WORDS = 2.0
Process = subprocess.Popen[bytes]


class Engine:
    """What the screens ask. Methods return at once; answers are messages given to `post`.

    post: thread-safe, like `App.post_message`. device: where the heatmap worker computes.
    process: a studio of this dataset that was launched before.
    """

    def __init__(
        self,
        dataset: Dataset,
        post: Callable[[Message], object],
        device: str = "auto",
        process: Process | None = None,
    ) -> None:
        self.dataset = dataset
        self.imported: tuple[str, ...] = ()
        self.runs, self.fetches = Runs(self._ask), Fetches(self._ask)
        self._post = post
        self._device = device
        self._lock = threading.Lock()
        self._number = self._idle = 0
        self._encoding: dict[int, asyncio.Future[Frame | None]] = {}
        self._deaths = 0
        self._closed = False
        self._requests: queue.SimpleQueue[Request | None] = queue.SimpleQueue()
        self._process = self._began(process or launched(dataset.spec, device))

    def draw(self, generation: int, state: ExplorerState, peek: bool) -> None:
        """Draw the present sample; answers PicturesReady, and again when its heatmap arrives."""
        self._ask("draw", generation, state, peek)

    def draw_sheet(self, generation: int, state: ExplorerState, ids: Sequence[str], columns: int) -> None:
        """Draw the mask pictures of several samples as one; answers SheetReady."""
        self._ask("draw_sheet", generation, state, tuple(ids), columns)

    async def encode(self, shown: Shown, job: Job) -> Frame | None:
        """Encode a plate for the terminal; None where the studio no longer has it."""
        if not isinstance(shown, str):
            return await in_thread(shown, job)
        future: asyncio.Future[Frame | None] = asyncio.get_running_loop().create_future()
        with self._lock:
            self._encoding[self._number + 1] = future
            self._send("encode", shown, job)
        return await future

    def score(self, source: Source, config: PostProcess, *, anew: bool = False) -> None:
        """Score the whole dataset under a config; answers BoardReady. anew: it is another source."""
        self._ask("score", source, config, anew)

    def compare(self, kind: str, state: ExplorerState, presets: Mapping[str, PostProcess]) -> None:
        """List who is compared; answers ContendersListed, and ContenderReady for each of them."""
        self._ask("compare", kind, state, dict(presets))

    def stand(self, state: ExplorerState, contenders: Sequence[Contender]) -> None:
        """How these contenders stand now; answers ContenderReady for each. Replaces what still waits."""
        self._ask("stand", state, tuple(contenders))

    def disagree(self, config: PostProcess) -> None:
        """Score the samples with every stored set; answers DisagreementReady."""
        self._ask("disagree", config)

    def statistics(self) -> None:
        """Count the dataset; answers StatisticsReady."""
        self._ask("statistics")

    def head(self, generation: int, state: ExplorerState, recipe: Recipe) -> None:
        """Draw the present sample's map of the recipe's choice of heads; answers HeadReady."""
        self._ask("head", generation, state, recipe)

    def score_heads(
        self, generation: int, state: ExplorerState, recipe: Recipe, *, table: bool, anew: bool
    ) -> None:
        """Score the dataset for the recipe's choice of heads; answers HeadsScored.

        table: answer HeadTableReady before. anew: drop the running one.
        """
        self._ask("score_heads", generation, state, recipe, table, anew)

    def compute(self, sources: Sequence[Source]) -> None:
        """Ask for the heatmaps of every sample of the dataset, the first source's first."""
        self._ask("compute", tuple(sources))

    def list_sets(self) -> None:
        """Look which heatmap sets are stored for this dataset; answers SetsListed."""
        self._ask("list_sets")

    def find_dataset(self, spec: str) -> None:
        """See whether a dataset can be opened; answers DatasetFound, or Trouble that says why not."""
        self._ask("find_dataset", spec)

    def export_pictures(
        self, pictures: Mapping[str, Plate], about: Sequence[str], outlines: bool, path: Path
    ) -> None:
        """Write pictures side by side as PNG, with what is said about them; answers Told, or Trouble.

        outlines: masks are outlines, not filled.
        """
        self._ask("export_pictures", dict(pictures), tuple(about), outlines, path)

    def export_scores(self, what: str, board: Board, config: PostProcess, path: Path) -> None:
        """Write a board's scores by `samples`, by `classes` or as a `curve`; answers Told, or Trouble."""
        self._ask("export_scores", what, board, config, path)

    def export_text(self, text: str, path: Path) -> None:
        """Write a text; answers Told, or Trouble."""
        self._ask("export_text", text, path)

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
        with self._lock:
            self._closed = True
            self._requests.put(None)
        try:
            self._process.wait(LAST_WORDS)
        except subprocess.TimeoutExpired:
            log.info("the studio is still writing")

    def _ask(self, name: str, *arguments: object) -> None:
        with self._lock:
            self._send(name, *arguments)

    def _send(self, name: str, *arguments: object) -> None:
        self._number += 1
        self._requests.put(Request(self._number, name, arguments))

    def _began(self, process: Process) -> Process:
        for work in (self._write, self._read):
            threading.Thread(target=work, args=(process, self._requests), name="studio", daemon=True).start()
        return process

    def _write(self, process: Process, requests: queue.SimpleQueue[Request | None]) -> None:
        assert process.stdin is not None
        outlet = Outlet(process.stdin)
        try:
            while (request := requests.get()) is not None:
                outlet.put(request)
            process.stdin.close()
        except OSError:
            log.info("the studio no longer listens")  # the reader says how it ended

    def _read(self, process: Process, requests: queue.SimpleQueue[Request | None]) -> None:
        assert process.stdout is not None
        for answer in received(process.stdout):
            self._hear(answer)
        requests.put(None)
        code = process.wait()
        with self._lock:
            if self._closed:
                return
            self._deaths += 1
            again = self._deaths <= DEATHS_IN_A_ROW
            self._give_up_encoding()
            self._idle = self._number
            if again:
                self._requests = queue.SimpleQueue()
                self._process = self._began(launched(self.dataset.spec, self._device))
        end = "it was started again" if again else "it is not started again; leave with q and look at its log"
        self._post(Trouble(f"the process that draws and scores {_how(code)}; {end}"))
        if again:
            self._post(StudioBack())

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
            message = message_of(answer)
            if isinstance(message, PicturesReady):
                self._deaths = 0
            self._post(message)

    def _give_up_encoding(self) -> None:
        for future in self._encoding.values():
            _resolve(future, None)
        self._encoding.clear()


def _resolve(future: asyncio.Future[Frame | None], frame: Frame | None) -> None:
    def resolve() -> None:
        if not future.done():
            future.set_result(frame)

    try:
        future.get_loop().call_soon_threadsafe(resolve)
    except RuntimeError:
        log.debug("the event loop has ended")


def _how(code: int) -> str:
    return f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
