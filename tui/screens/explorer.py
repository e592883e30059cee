"""The explorer: what is on the screen, what follows from a change of state, and what its keys do.

Its panels draw themselves from the state and its scores; counts, exports, data and commands are their own.
"""

from __future__ import annotations

from collections.abc import Mapping
from time import monotonic
from typing import TYPE_CHECKING, Any

from textual import events
from textual.app import ComposeResult
from textual.containers import Container, Horizontal, Vertical
from textual.reactive import var
from textual.timer import Timer
from textual.widgets import Input, Static

from cliploc.core.errors import clean
from cliploc.core.parameters import Value
from cliploc.core.terminal import Terminal
from cliploc.tui.answers import (
    DisagreementReady,
    EmbeddingsArrived,
    FetchChanged,
    HeatmapsArrived,
    Listed,
    PicturesReady,
    Ranked,
    RunsRead,
    ScoresReady,
    SheetReady,
    TruthChanged,
    WorkerChanged,
)
from cliploc.tui.around import Around
from cliploc.tui.command_line import command_line
from cliploc.tui.freshness import disputed_key, ranking_key
from cliploc.tui.graphics.partial_update import PartialScreen
from cliploc.tui.keymap import bindings_for
from cliploc.tui.published import is_published
from cliploc.tui.runs import rate_of
from cliploc.tui.screens import exporting
from cliploc.tui.screens.cut_short import CutShort
from cliploc.tui.screens.data_choice import DataChoice
from cliploc.tui.screens.looking import Looking
from cliploc.tui.screens.pages import page_of
from cliploc.tui.screens.prompt import Prompting
from cliploc.tui.screens.tuning import Tuning
from cliploc.tui.screens.walk import Walk
from cliploc.tui.shown_scores import ShownScores, drawn_from
from cliploc.tui.state import SCOPES, ExplorerState, following
from cliploc.tui.studio_client import StudioClient
from cliploc.tui.widgets.by_line import title, titled
from cliploc.tui.widgets.count import Count
from cliploc.tui.widgets.curve import CurvePanel
from cliploc.tui.widgets.fetch_line import FetchLine
from cliploc.tui.widgets.leaders import Leaders
from cliploc.tui.widgets.lines import LIGHTS, HintLine, StatusLine, source_facts, title_of
from cliploc.tui.widgets.parameters import ParameterPanel
from cliploc.tui.widgets.pictures import PictureGrid, captions_of
from cliploc.tui.widgets.run_line import RunLine
from cliploc.tui.widgets.sample_list import SampleList
from cliploc.tui.widgets.scores import ScorePanel, progress_of

if TYPE_CHECKING:
    from cliploc.core.sweep.rows import Best, Cell, RunRow
    from cliploc.tui.graphics.frame import PictureId

SHEET_LIMIT = 48
RESCORE_GROWTH = 1.25
LIST_SECONDS = 0.15


class ExplorerScreen(CutShort, PartialScreen[None]):
    """Shows one ExplorerState of a dataset. `change` is the only way to another one."""

    BINDINGS = bindings_for("explorer")
    AUTO_FOCUS = ""
    state: var[ExplorerState | None] = var(None, init=False)

    def __init__(
        self, client: StudioClient, state: ExplorerState, terminal: Terminal, keymap: Mapping[str, str]
    ) -> None:
        super().__init__(id="explorer")
        self.client, self.terminal, self.keymap = client, terminal, keymap
        self.set_reactive(ExplorerScreen.state, state)
        self.scores = ShownScores(client.dataset, state)
        self._scoring = self.fetching = ""
        self.pictures: Mapping[str, PictureId] = {}
        self.worker, self.present = ("", ""), 0
        self.runs: tuple[RunRow, ...] = ()
        # The runs that score these true masks.
        self.scored_here: frozenset[str] = frozenset()
        self._generation = 0
        self._list_timer: Timer | None = None
        self.samples = titled(SampleList(self.scores, id="samples"), "Samples")
        self.grid = titled(PictureGrid(self.terminal, id="pictures"), "")
        self.parameters = titled(ParameterPanel(self.keymap, id="parameters"), "Post-processing")
        self.score_panel = titled(ScorePanel(id="scores"), "Scores")
        self.curve = titled(CurvePanel(id="curve"), "Curve")
        self.status, self.hints = StatusLine(id="status"), HintLine("explorer", self.keymap, id="hints")
        self.count = Count(self.keymap, self.hints, self.run_action)
        self.walk = Walk(self, self.scores, self.samples, self.count, self.change)
        self.tuning = Tuning(self, self.scores, self.count, self.change)
        self.looking = Looking(self, self.scores, self.grid, self.count, self.change, self.draw)
        self.prompting = Prompting(self, self.around, self.tuning)
        self.data = DataChoice(self, client, lambda: (self.now.source.recipe, self.fetching))

    def compose(self) -> ComposeResult:
        yield self.status
        with Horizontal(id="body"):
            yield self.samples
            with Container(id="main"):
                with Vertical(id="middle"):
                    yield self.grid
                with Vertical(id="right"):
                    yield self.parameters
                    yield self.score_panel
                    yield self.curve
                    yield titled(Leaders(id="leaders"), "Best of the sweeps")
        yield FetchLine(id="fetch-line")
        yield RunLine(id="run-line")
        yield Input(placeholder="class or id", id="filter")
        yield self.hints
        yield Static("cliploc needs 80 × 24 characters or more; enlarge the terminal", id="too-small")

    @property
    def now(self) -> ExplorerState:
        """The present state."""
        assert self.state is not None  # set before mounting, never cleared
        return self.state

    def on_mount(self) -> None:
        self.query_one(Input).value = self.now.listing.text
        # After the first paint: drawing the answers would hold it up.
        self.call_after_refresh(self.ask_anew)

    def ask_anew(self) -> None:
        """Ask for everything that is shown."""
        self.watch_state(None, self.now)

    def change(self, state: ExplorerState) -> None:
        """Go to another state."""
        self.state = state

    def watch_state(self, old: ExplorerState | None, new: ExplorerState) -> None:
        """Ask and draw what the change touches, and nothing else."""
        self.scores.now = new
        # Asked first: what is looked at comes before the numbers.
        if old is None or drawn_from(old) != drawn_from(new):
            self.draw()
        if old is None or old.source != new.source:
            self.scores.board, self.present = None, 0
            self.samples.forget()
            self._score(anew=True)
        elif old.config != new.config:
            self._score()
        self.parameters.config = new.config
        title(self.parameters, f"Post-processing{', as published' * is_published(new)}")
        self.parameters.tuned = new.tuned
        if old is None or old.listing != new.listing or old.marks != new.marks:
            self.client.studio.list_samples(new.listing, new.marks)
        if old is not None and old.with_(config=new.config, tuned=new.tuned) == new:
            self.samples.say_below("…")
        elif (
            old is None
            or old.with_(sample=new.sample, prompt=new.prompt) != new
            or not self.samples.walk_from(old)
        ):
            self.refresh_list()
        self.refresh_scores()
        self.refresh_status()
        if new.listing.sort == "disagreement" and (old is None or disputed_key(old) != disputed_key(new)):
            self.client.studio.disagree(new.config)
        if new.listing.sort == "similarity" and (old is None or ranking_key(old) != ranking_key(new)):
            self.samples.ranked = None
            self.client.studio.rank(new)

    def _score(self, *, anew: bool = False) -> None:
        """Ask for the dataset's scores."""
        self._scoring = "" if self.scores.has_exact_board() else "scoring …"
        self.client.studio.score(self.now.source, self.now.config, anew=anew)

    def _list_soon(self) -> None:
        """The list's numbers may lag behind a held key, and say so; all its lines each time would slow it."""
        if (wait := self.samples.drawn_at + LIST_SECONDS - monotonic()) <= 0:
            self.refresh_list()
        elif self._list_timer is None:
            self._list_timer = self.set_timer(wait, self.refresh_list)

    def refresh_list(self) -> None:
        """Filter, order and draw the samples."""
        if self._list_timer is not None:
            self._list_timer.stop()
            self._list_timer = None
        self.samples.list_anew()
        self._say_which()

    def refresh_scores(self) -> None:
        """Read all scores at the present threshold."""
        self.score_panel.show(self.scores, self._scoring, self.samples.apart())
        self.curve.show(self.scores)

    def refresh_status(self) -> None:
        """Say where we are, what makes the heatmaps, and how the worker does."""
        self.status.left = title_of(self.client.dataset)
        facts = source_facts(self.now, self.worker, self.present, len(self.client.dataset.ids))
        self.status.right = (*facts, self.terminal.protocol)
        self.status.light = "$better" if self.now.source.stored else LIGHTS.get(self.worker[0], "$dim")

    def draw(self) -> None:
        """Ask for the pictures of the present state."""
        state, grid = self.now, self.grid
        self._generation += 1
        grid.lay_out(state.view)
        grid.expect(self._generation, state)
        self._say_which()
        if state.view.layout == "sheet":
            self.client.studio.draw_sheet(self._generation, state, SHEET_LIMIT, grid.sheet_room)
        self.client.studio.draw(self._generation, state, self.looking.peeking, self.scores.against)

    def _say_which(self) -> None:
        """Say which sample it is, and what it is looked at for."""
        self.grid.say_which(self.now, self.scores.label, self.samples.standing())

    def on_pictures_ready(self, message: PicturesReady) -> None:
        """Show pictures, also those that a walk passes by; scores and exports are of the present sample."""
        if self.scores.is_older(message.generation):
            return
        captions = captions_of(self.now.view, judged="truth" in message.pictures)
        self.grid.show(message.pictures, captions, message.note, message.generation)
        if message.state.sample == self.now.sample:
            self.scores.take_pictures(message)
            self.pictures = message.pictures
            self.refresh_scores()

    def on_sheet_ready(self, message: SheetReady) -> None:
        """Show the contact sheet."""
        self.grid.show_sheet(message.picture, f"masks of {clean(self.scores.label)}", message.generation)

    def on_scores_ready(self, message: ScoresReady) -> None:
        """Take the dataset's new scores; the first ones of a source are the baseline."""
        if not self.scores.take_board(message):
            return
        if self.scores.is_present(message):
            self._scoring = "" if message.board is None else progress_of(message.board)
            if message.board is None and message.present:
                self.client.studio.disagree(message.config)
        self.present = max(self.present, message.present)
        self.refresh_scores()
        self.refresh_status()

    def on_listed(self, message: Listed) -> None:
        """Draw the list: at once where another one was asked for, else not for each key of a held one."""
        apart = self.samples.apart()
        (self.refresh_list if self.samples.take(message) else self._list_soon)()
        if self.samples.apart() != apart:
            self.refresh_scores()
        self.walk.listed()

    def on_heatmaps_arrived(self, message: HeatmapsArrived) -> None:
        """Draw again when the present sample was waited for; score again when enough is new."""
        if message.source != self.now.source:
            return
        self.present = max(self.present, message.present)
        if self.now.sample in message.ids:
            self.draw()
        board = self.scores.board
        scored, complete = board.total if board else 0, self.present == len(self.client.dataset.ids)
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

    def on_disagreement_ready(self, message: DisagreementReady) -> None:
        """Order the samples by it, or say why that is not possible."""
        found = message.disagreement
        if disputed_key(self.now.with_(config=found.config)) != disputed_key(self.now):
            return
        if text := self.samples.take_disagreement(found):
            self.notify(text, severity="information" if found.is_enough() else "warning")
        self.refresh_scores()

    def on_ranked(self, message: Ranked) -> None:
        """Order the samples by it."""
        if ranking_key(message.state) == ranking_key(self.now):
            self.samples.ranked = message
            if message.note:
                self.notify(message.note, severity="warning")

    def on_truth_changed(self, message: TruthChanged) -> None:
        """Pictures and scores are of another true mask."""
        self.scores.forget()
        self.samples.forget()
        if message.sample == self.now.sample:
            self.draw()
        self._score()

    def on_embeddings_arrived(self, message: EmbeddingsArrived) -> None:
        """Rank again with what is new."""
        if self.now.listing.sort == "similarity":
            self.client.studio.rank(self.now)

    async def on_key(self, event: events.Key) -> None:
        """Digits count what the next key does."""
        await self.count.hear(event)

    def on_sample_list_chosen(self, message: SampleList.Chosen) -> None:
        """A click on a sample, or on a class."""
        self.walk.jump_to(message.id)

    def on_input_changed(self, event: Input.Changed) -> None:
        """Narrow the list while typing."""
        self.walk.narrow(event.value)

    def on_input_submitted(self) -> None:
        """Keep the filter and go back to the keys."""
        self.walk.keep_filter()

    def key_escape(self) -> None:
        """Drop the filter."""
        self.walk.drop_filter()

    def action_walk(self, how: str, *arguments: str) -> None:
        """Walk through the samples: a method of Walk."""
        getattr(self.walk, how)(*arguments)

    def action_fold(self, opened: bool) -> None:
        """Open all classes, or only the present one."""
        self.samples.opened = opened
        self.refresh_list()

    def action_view(self, change: str, across: int | None = None, down: int | None = None) -> None:
        """Look at the pictures in another way: a method of View, by steps or by a count of them."""
        self.looking.view(change, across, down)

    def action_look(self, how: str, *arguments: Any) -> None:  # noqa: ANN401  the method's own
        """Look at the pictures in another way: a method of Looking."""
        getattr(self.looking, how)(*arguments)

    def action_scope(self) -> None:
        """Draw the curve of the next of sample, class, all; in a small terminal in the scores' place."""
        right = self.query_one("#right")
        if not self.curve.display:
            right.add_class("-curve")
            return
        scope = following(SCOPES, self.now.scope)
        right.set_class(right.has_class("-curve") and scope != SCOPES[0], "-curve")
        self.change(self.now.with_(scope=scope))
        self.refresh_scores()

    def action_baseline(self) -> None:
        """Differences are shown against the present scores from now on."""
        if not self.scores.has_exact_board():
            self.notify(self.scores.no_truth or "no scores of this config yet", severity="warning")
            return
        self.scores.fix_baseline()
        self.refresh_scores()
        self.notify("baseline: the present scores")

    def action_method(self, direction: int) -> None:
        """The next method that can run here, or imported set."""
        self.tuning.through(self.client.sources(self.now.source.recipe.template), direction)

    def action_step(self, name: str, direction: int) -> None:
        """Move one parameter by a step, or by a count of them."""
        self.tuning.step(name, direction)

    def action_put(self, name: str, value: Value, begins: bool) -> None:
        """Give one parameter a value, as the mouse does."""
        self.tuning.put(name, value, begins)

    def action_tune(self, how: str, *arguments: Any) -> None:  # noqa: ANN401  the method's own
        """Another post-processing: a method of Tuning."""
        getattr(self.tuning, how)(*arguments)

    def action_prompt(self) -> None:
        """Choose a prompt template, or type free texts for this sample."""
        self.prompting.ask()

    def action_compute_all(self) -> None:
        """Ask the worker for every heatmap of the dataset."""
        if self.now.source.stored:
            self.notify("a stored set is shown; there is nothing to compute")
            return
        self.client.studio.compute([self.now.source])
        total = len(self.client.dataset.ids)
        self.notify(f"computing the heatmaps of all {total} samples; go on meanwhile")

    def action_export(self) -> None:
        """Choose what to write, and write it into the working folder."""
        exporting.choose(self, self.client, self.scores, self.pictures)

    def action_data(self, how: str) -> None:
        """Another dataset, or other pictures of this one: a method of DataChoice."""
        getattr(self.data, how)()

    def action_copy(self) -> None:
        """Copy the command line that scores the present state without the screen."""
        command = command_line(self.client.dataset.spec, self.now)
        self.app.copy_to_clipboard(command)
        self.notify(command, title="copied", timeout=4)

    def action_apply_best(self) -> None:
        """Use the best cell so far of the newest run that has one."""
        here = (run.best for run in self.runs if run.id in self.scored_here)
        best = next((best for best in here if best is not None), None)
        if best is None:
            self.notify("no run of this dataset has scores yet; S starts one", severity="warning")
        else:
            self._use(best)

    def _use(self, found: ExplorerState | Best | Cell | None) -> None:
        """Go on with a state, or with a tuned config and the set that it was tuned on, where that is here."""
        if isinstance(found, ExplorerState):
            if found.sample != self.now.sample:
                self.walk.leave()
            self.tuning.to(found)
        elif found is not None:
            self.tuning.use(found, self.scores.heatmaps)

    def action_open(self, name: str) -> None:
        """Open a page; what it is left with is used."""
        if why := self.scores.refusal_of(name):
            self.notify(why, severity="warning")
        else:
            self.app.push_screen(page_of(name, self.around()), self._use)

    def around(self) -> Around:
        """What a page is opened over."""
        heatmaps, rate = self.scores.heatmaps, rate_of(self.runs)
        return Around(self.client, self.now, self.terminal, self.keymap, heatmaps, rate)
