"""The explorer without its keys: what is on the screen, and what follows from a change of state."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from textual.app import ComposeResult
from textual.containers import Container, Horizontal, Vertical
from textual.content import Content
from textual.markup import escape
from textual.timer import Timer
from textual.widget import Widget
from textual.widgets import Input, Static

from cliploc.core.errors import clean
from cliploc.core.postprocess import PARAMETERS
from cliploc.core.terminal import Terminal
from cliploc.tui.answers import (
    BoardReady,
    FetchChanged,
    HeatmapsArrived,
    PicturesReady,
    RunsRead,
    Scoring,
    SheetReady,
    WorkerChanged,
)
from cliploc.tui.browsing import NO_FACTS, listed, position_of
from cliploc.tui.engine import Engine
from cliploc.tui.freshness import scores_key
from cliploc.tui.screens.explorer_scores import ExplorerScores
from cliploc.tui.state import SCOPES, ExplorerState, History, Jumps
from cliploc.tui.switchboard import choice_text
from cliploc.tui.widgets.by_line import subtitle, title
from cliploc.tui.widgets.curve import CurvePanel
from cliploc.tui.widgets.fetch_line import FetchLine
from cliploc.tui.widgets.leaders import Leaders
from cliploc.tui.widgets.lines import HintLine, StatusLine, title_of
from cliploc.tui.widgets.parameters import ParameterPanel
from cliploc.tui.widgets.pictures import PictureGrid, captions_of
from cliploc.tui.widgets.run_line import RunLine
from cliploc.tui.widgets.sample_list import Row, SampleList, rows_of
from cliploc.tui.widgets.scores import ScorePanel

if TYPE_CHECKING:
    from cliploc.core.sweep.rows import RunRow
    from cliploc.tui.disagreement import Disagreement
    from cliploc.tui.graphics.frame import Plate

SHEET_LIMIT = 48
RESCORE_GROWTH = 1.25
LIST_SECONDS = 0.15
LIGHTS = {"ready": "$better", "loading": "$accent", "busy": "$accent", "failed": "$worse", "died": "$worse"}
STEPPED = tuple(parameter.name for parameter in PARAMETERS if parameter.keys)


AnyWidget = TypeVar("AnyWidget", bound=Widget)


class ExplorerBase(ExplorerScores):
    """Shows one ExplorerState of a dataset. `change` is the only way to another one."""

    AUTO_FOCUS = ""

    def __init__(
        self, engine: Engine, state: ExplorerState, terminal: Terminal, keymap: Mapping[str, str]
    ) -> None:
        super().__init__(engine, state)
        self.terminal = terminal
        self.keymap = keymap
        self.history, self.jumps = History(), Jumps()
        self._rows: list[Row] = []
        self._scoring = ""
        self.pictures: Mapping[str, Plate] = {}
        self.disagreement: Disagreement | None = None
        self.opened = self.peeking = False
        self.worker, self.present = ("", ""), 0
        self.fetching = ""
        self.runs: tuple[RunRow, ...] = ()
        # The runs that score these true masks.
        self.scored_here: frozenset[str] = frozenset()
        # Those that were last looked at side by side.
        self.prompts: tuple[str, ...] = ()
        self._generation = 0
        self._list_timer: Timer | None = None

    def compose(self) -> ComposeResult:
        keys = {
            name: (self.keymap.get(f"{name}.up") or self.keymap[f"{name}.next"], self._opposite(name))
            for name in STEPPED
        }
        yield StatusLine(id="status")
        with Horizontal(id="body"):
            yield _titled(SampleList(id="samples"), "Samples")
            with Container(id="main"):
                with Vertical(id="middle"):
                    yield _titled(PictureGrid(self.terminal, id="pictures"), "")
                with Vertical(id="right"):
                    yield _titled(ParameterPanel(keys, id="parameters"), "Post-processing")
                    yield _titled(ScorePanel(id="scores"), "Scores")
                    yield _titled(CurvePanel(id="curve"), "Curve")
                    yield _titled(Leaders(id="leaders"), "Best of the sweeps")
        yield FetchLine(id="fetch-line")
        yield RunLine(id="run-line")
        yield Input(placeholder="class or id", id="filter")
        yield HintLine("explorer", self.keymap, id="hints")
        yield Static("cliploc needs 80 × 24 characters or more; enlarge the terminal", id="too-small")

    def _opposite(self, name: str) -> str:
        return self.keymap.get(f"{name}.down") or self.keymap.get(f"{name}.previous", "")

    def on_mount(self) -> None:
        state = self.now
        self.query_one(Input).value = state.listing.text
        # After the first paint: drawing the answers would hold it up.
        self.call_after_refresh(self.ask_anew)

    def ask_anew(self) -> None:
        """Ask for everything that is shown, as at the start."""
        self.watch_state(None, self.now)

    def change(self, state: ExplorerState, *, record: bool = False) -> None:
        """Go to another state. record: undo comes back to the present one."""
        if state == self.now:
            return
        if record:
            self.history = self.history.record(self.now)
        self.state = state

    def watch_state(self, old: ExplorerState | None, new: ExplorerState) -> None:
        """Ask and draw what the change touches, and nothing else."""
        # Asked first: what is looked at comes before the numbers.
        if old is None or self._drawn_from(old) != self._drawn_from(new):
            self.draw()
        if old is None or old.source != new.source:
            self.board = None
            self.facts, self.present = NO_FACTS, 0
            self._score(anew=True)
        elif scores_key(old.source, old.config) != scores_key(new.source, new.config):
            self._score()
        self.query_one(ParameterPanel).config = new.config
        if old is not None and old.config != new.config:
            self.query_one(ParameterPanel).tuned = ""
        if old is not None and old.with_(config=new.config) == new:
            self._refresh_list_soon()
        elif old is not None and old.with_(sample=new.sample, prompt=new.prompt) == new:
            self._walk_list(old)
        else:
            self.refresh_list()
        self.refresh_scores()
        self.refresh_status()

    def _score(self, *, anew: bool = False) -> None:
        """Ask for the dataset's scores."""
        self._scoring = "scoring …"
        self.engine.studio.score(self.now.source, self.now.config, anew=anew)

    def _refresh_list_soon(self) -> None:
        """The list's numbers may lag behind a held key, and say so; all its lines each time would slow it."""
        if self._list_timer is None:
            self._list_timer = self.set_timer(LIST_SECONDS, self.refresh_list)
            self._say_below_list("…")

    def _walk_list(self, old: ExplorerState) -> None:
        """Highlight another sample; the lines stay, unless another class opens."""
        labels = {self.engine.dataset.by_id(state.sample).label for state in (old, self.now)}
        if self._rows and (self.opened or self.now.listing.sort != "table" or len(labels) == 1):
            self.query_one(SampleList).show(self._rows, self.now.sample)
        else:
            self.refresh_list()

    def draw(self) -> None:
        """Ask for the pictures of the present state."""
        state = self.now
        self._generation += 1
        grid = self.query_one(PictureGrid)
        grid.lay_out(state.view)
        grid.expect(self._generation, state)
        sample = self.engine.dataset.by_id(state.sample)
        order = self.order or self.engine.dataset.samples
        self._title_pictures()
        if state.view.layout == "sheet":
            members = [s.id for s in order if s.label == sample.label][:SHEET_LIMIT]
            shape = (max(grid.size.width, 1), 2 * max(grid.size.height - 1, 1))
            columns = max(1, round((len(members) * shape[0] / shape[1]) ** 0.5))
            self.engine.studio.draw_sheet(self._generation, state, members, min(columns, len(members)))
        self.engine.studio.draw(self._generation, state, self.peeking)

    def _title_pictures(self) -> None:
        """Say which sample it is, and what it is looked at for."""
        state, grid = self.now, self.query_one(PictureGrid)
        sample = self.engine.dataset.by_id(state.sample)
        place = (
            f"{position_of(self.order, state.sample) + 1} of {len(self.order)}"
            if self.order
            else "not listed"
        )
        title(grid, f"{escape(clean(sample.id))}  {place}")
        prompt = escape(clean(state.prompt))
        subtitle(grid, f"“{prompt}”" if prompt else escape(clean(sample.label)))

    def on_pictures_ready(self, message: PicturesReady) -> None:
        """Show pictures, also those that a walk passes by; scores and exports are of the present sample."""
        if message.generation < self._came[0]:
            return
        grid = self.query_one(PictureGrid)
        grid.show(message.pictures, captions_of(self.now.view), message.note, message.generation)
        if message.state.sample == self.now.sample:
            self._came = (message.generation, message.state)
            self.sample_curves, self.pictures = message.curves, message.pictures
            self.refresh_scores()

    def on_sheet_ready(self, message: SheetReady) -> None:
        """Show the contact sheet."""
        label = clean(self.engine.dataset.by_id(self.now.sample).label)
        caption = Content.styled(f"masks of {label}", "$dim")
        self.query_one(PictureGrid).show_sheet(message.picture, caption, message.generation)

    def on_board_ready(self, message: BoardReady) -> None:
        """Take the dataset's new scores; the first ones of a source are the baseline."""
        board, fresh = message.board, self._is_present(message)
        if fresh:
            self._scoring = ""
        elif message.source != self.now.source or self.has_fresh_board():
            return
        self.board = board
        if board is not None and fresh and self._renews_baseline(board):
            self.baseline, self.baseline_index = board, self.now.config.threshold_index
        self.present = max(self.present, len(board.ids) if board else 0)
        self._refresh_list_soon()
        self.refresh_scores()
        self.refresh_status()

    def on_scoring(self, message: Scoring) -> None:
        """Say how far the scores are that are waited for."""
        if self._scoring and self._is_present(message):
            self._scoring = f"scoring {message.part:.0%}"
            self.refresh_scores()

    def on_heatmaps_arrived(self, message: HeatmapsArrived) -> None:
        """Draw again when the present sample was waited for; score again when enough is new."""
        if message.source != self.now.source:
            return
        self.present = max(self.present, message.present)
        if self.now.sample in message.ids:
            self.draw()
        scored = len(self.board.ids) if self.board else 0
        complete = self.present == len(self.engine.dataset.samples)
        if self.present > scored and (complete or self.present >= RESCORE_GROWTH * scored):
            self._score()
        self.refresh_status()

    def on_worker_changed(self, message: WorkerChanged) -> None:
        """Say what the worker does."""
        self.worker = (message.state, message.text)
        self.refresh_status()

    def on_runs_read(self, message: RunsRead) -> None:
        """Show the run that is at work, if any."""
        self.runs, self.scored_here = message.runs, message.here
        active = next((run for run in self.runs if run.state in ("running", "waiting")), None)
        self.query_one(RunLine).show(active, message.starting)
        self.query_one(Leaders).best = message.leaders

    def on_fetch_changed(self, message: FetchChanged) -> None:
        """Show the download that is under way, if any."""
        self.fetching = message.title
        self.query_one(FetchLine).show(message, self.keymap["data"])

    def rate(self) -> float | None:
        """Configs x images per second of the newest run that knows."""
        return next((run.rate * run.configs for run in self.runs if run.rate), None)

    def refresh_list(self) -> None:
        """Filter, order and draw the samples."""
        state, index = self.now, self.now.config.threshold_index
        if self._list_timer is not None:
            self._list_timer.stop()
            self._list_timer = None
        if self.board is not None:
            self.facts = self.board.facts(index)
        if self.disagreement is not None:
            self.facts = replace(self.facts, disagreement=self.disagreement.at(index))
        self.order = listed(self.engine.dataset.samples, state.listing, self.facts, state.marks)
        classes = self.board.by_class("mean_iou", index) if self.board else {}
        values = {
            "best IoU": self.facts.best,
            "best threshold": self.facts.best_threshold,
            "mask area": self.facts.area,
            "disagreement": self.facts.disagreement,
        }.get(state.listing.sort, self.facts.iou)
        grouped = state.listing.sort == "table"
        present = state.sample
        self._rows = rows_of(self.order, present, self.opened, grouped, values, classes, state.marks)
        self._title_pictures()
        samples = self.query_one(SampleList)
        samples.show(self._rows, present)
        title(samples, self._list_title())
        self._say_below_list(
            "…" if self.board is not None and not self.has_fresh_board() else self._list_mean()
        )

    def _say_below_list(self, what: str) -> None:
        count = f"{len(self.order)} of {len(self.engine.dataset.samples)}"
        subtitle(self.query_one(SampleList), f"{count}  {what}" if what else count)

    def _list_title(self) -> str:
        listing = self.now.listing
        parts = ["Classes" if listing.sort == "table" else f"by {listing.sort}"]
        if listing.facet != "all":
            parts.append(listing.facet)
        if listing.text:
            parts.append(f"/{escape(clean(listing.text))}")
        return " · ".join(parts)

    def refresh_scores(self) -> None:
        """Read all scores at the present threshold."""
        state, panel, curve = self.now, self.query_one(ScorePanel), self.query_one(CurvePanel)
        index = state.config.threshold_index
        panel.baseline = {scope: self._board_curves(self.baseline, scope) for scope in SCOPES}
        panel.baseline_index = self.baseline_index
        panel.index = index
        panel.curves = {scope: self.curves(scope) for scope in SCOPES}
        panel.stale = self.stale()
        subtitle(panel, self._scoring)
        scored = len(self.board.ids) if self.board else 0
        notes = self.board.notes if self.board else ()
        panel.of_total = "; ".join([f"{scored} of {len(self.engine.dataset.samples)} images", *notes])
        curve.index = index
        curve.ghost = panel.baseline.get(state.scope)
        curve.curves = panel.curves.get(state.scope)
        label = clean(self.engine.dataset.by_id(state.sample).label)
        who = {"sample": "this sample", "class": f"class {escape(label)}", "all": "all samples"}[state.scope]
        old = " · …" if state.scope in panel.stale and curve.curves is not None else ""
        title(curve, f"Scores by threshold · {who}{old}")

    def refresh_status(self) -> None:
        """Say where we are, what makes the heatmaps, and how the worker does."""
        state, dataset, line = self.now, self.engine.dataset, self.query_one(StatusLine)
        line.left = title_of(dataset)
        recipe, total = state.source.recipe, len(dataset.samples)
        state_of, worker = self.worker
        if state_of == "ready":
            worker = f"ready on {worker}"
        if 0 < self.present < total and not state.source.stored:
            worker = f"{worker} {self.present}/{total}"
        facts = [clean(state.source.title)]
        if state.source.stored:
            facts.append("stored set")
        else:
            facts += [clean(part) for part in (choice_text(dict(recipe.parameters)), worker) if part]
            facts += [clean(recipe.backbone), f"“{clean(state.prompt or recipe.template)}”"]
            facts += [clean(recipe.weights)] if recipe.weights else []
        line.right = (*facts, self.terminal.protocol)
        line.light = "$better" if state.source.stored else LIGHTS.get(self.worker[0], "$dim")


def _titled(widget: AnyWidget, title: str) -> AnyWidget:
    widget.add_class("panel")
    widget.border_title = title
    return widget
