"""Compare: the same sample and dataset under several sets, methods, prompt templates or presets."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.markup import escape
from textual.widgets import DataTable

from cliploc.core.errors import ClipLocError, clean
from cliploc.core.sweep.doubts import NO_NETWORK
from cliploc.tui import presets
from cliploc.tui.answers import CandidateReady, CandidatesListed, DifferencesFound, HeatmapsArrived
from cliploc.tui.around import Around
from cliploc.tui.comparison import (
    KIND_HELP,
    KINDS,
    Candidate,
    comparable,
    doubt_of,
    missing_of,
    under,
)
from cliploc.tui.curves import NARROW, SCORES, SHORT, figure
from cliploc.tui.keymap import bindings_for
from cliploc.tui.screens.choice import Choice, ask
from cliploc.tui.screens.page import Page
from cliploc.tui.standings import UNKNOWN, Standings
from cliploc.tui.state import ExplorerState, following
from cliploc.tui.textual_private import Table
from cliploc.tui.widgets import candidate_rows as board
from cliploc.tui.widgets.candidate_panes import CandidatePanes, Item
from cliploc.tui.widgets.iou_curves import ScoreCurves
from cliploc.tui.widgets.tables import rewrite, right

PANES = 4
TUNED = "* at its own best threshold: tuned on these images"


class CompareScreen(Page):
    """Dismisses with the state to go on with in the explorer, or None."""

    SCOPE = "compare"
    NAME = "compare"
    BINDINGS: ClassVar[list[BindingType]] = bindings_for("compare")

    def __init__(self, around: Around) -> None:
        super().__init__(around)
        self.kind = "sets"
        self.candidates: tuple[Candidate, ...] = ()
        self.standings = Standings()
        self._total = len(self.client.dataset.ids)
        self._differences: DifferencesFound | None = None
        self._by_class = True
        self._of_sample = False
        self._picture = "mask"
        self._score = SCORES[0]
        self._draw_due = False
        self._changes_of: tuple[object, ...] = ()

    def compose_page(self) -> ComposeResult:
        with Vertical(classes="page"):
            yield CandidatePanes(self.terminal, PANES, kept=1, id="candidate-pictures")
            with Horizontal(id="compare-body"):
                with Vertical(id="compare-left"):
                    board = Table(id="board", cursor_type="row", classes="panel")
                    board.border_title = "Leaderboard"
                    yield board
                    yield ScoreCurves(id="score-curves", classes="panel")
                changes = Table(id="changes", cursor_type="row", classes="panel")
                yield changes

    def on_mount(self) -> None:
        self.query_one("#board", DataTable).focus()
        self._ask("sets")

    def _ask(self, kind: str) -> None:
        self.kind, self.candidates = kind, ()
        self.query_one("#board", DataTable).clear(columns=True)
        try:
            asked = presets.load() if kind == "presets" else {}
        except ClipLocError as error:
            self.notify(str(error), severity="error")
            asked = dict(presets.BUILT_IN)
        self.client.studio.compare(kind, self.state, asked)
        self._draw()

    def on_candidates_listed(self, message: CandidatesListed) -> None:
        """Give everybody a row; what is known of them comes one by one."""
        if (message.state, message.kind) != (self.state, self.kind):
            return
        self.candidates = message.candidates
        table: DataTable[Text] = self.query_one("#board", DataTable)
        table.clear(columns=True)
        table.add_column("")
        for heading in board.HEADINGS:
            table.add_column(right(heading))
        table.add_column("")
        for index in range(len(self.candidates)):
            table.add_row(*self._board_row(index))
        self._draw()

    def on_candidate_ready(self, message: CandidateReady) -> None:
        """Somebody stands differently now."""
        if message.state != self.state:
            return
        self.standings.take(message)
        self._draw_soon()

    def on_heatmaps_arrived(self, message: HeatmapsArrived) -> None:
        """Score what is new."""
        self.standings.arrived(message, self.state.sample)
        if not message.prompt and (behind := self.standings.behind(self.candidates)):
            first = self.candidates[0]
            # Everybody is compared with the first one.
            self.client.studio.stand(self.state, self.candidates if first in behind else behind, first)

    def _draw_soon(self) -> None:
        """Once for a burst of messages."""
        if not self._draw_due:
            self._draw_due = True
            self.call_after_refresh(self._draw)

    def _draw(self) -> None:
        self._draw_due = False
        known = sum(candidate in self.standings.known for candidate in self.candidates)
        facts = [KINDS[self.kind]]
        if self.kind == "methods":
            facts.append(
                f"“{clean(self.state.source.recipe.template)}”" if not self.state.source.stored else ""
            )
        elif self.kind == "templates":
            facts.append(clean(self.state.source.title))
        facts += [f"{known} of {len(self.candidates)} so far"] if known < len(self.candidates) else []
        self.say(*filter(None, facts))
        board: DataTable[Text] = self.query_one("#board", DataTable)
        rewrite(board, map(self._board_row, range(board.row_count)))
        self._draw_curves()
        self._draw_around_cursor()

    def _draw_around_cursor(self) -> None:
        cursor = self.query_one("#board", DataTable).cursor_row
        panes = self.query_one(CandidatePanes)
        panes.border_title = f"{self._picture}s of {escape(clean(self.state.sample))}"
        panes.border_subtitle = presets.described(self.state.config)
        panes.show([self._item(index) for index in range(len(self.candidates))], cursor)
        note = self.standings.of(self.candidates[cursor]).note if cursor < len(self.candidates) else ""
        self.query_one("#board", DataTable).border_subtitle = escape(clean(note)) or TUNED
        self._draw_changes()

    def _item(self, index: int) -> Item:
        candidate = self.candidates[index]
        standing = self.standings.of(candidate)
        iou = standing.sample.at("mean_iou", candidate.config.threshold_index) if standing.sample else None
        here = self.standings.looks_at.get(candidate) in (None, self.state.sample)
        caption = Content.assemble(
            (clean(candidate.name), board.contender_colour(index, candidate) if here else "$faint"),
            (f"  {figure(iou)}" if here else "  …", "$dim"),
        )
        return Item(caption, standing.pictures.get(self._picture), clean(standing.note))

    def _draw_curves(self) -> None:
        curves = self.query_one(ScoreCurves)
        standings = [self.standings.of(candidate) for candidate in self.candidates]
        curves.score = self._score
        curves.threshold = self.state.config.threshold_index
        samples = [s.sample if self.standings.looks_at.get(c) == self.state.sample else None
                   for c, s in zip(self.candidates, standings, strict=True)]  # fmt: skip
        drawn = samples if self._of_sample else comparable(standings)
        # Those of masks without a network would hide the others.
        drawn = [None if c.baseline else curve for c, curve in zip(self.candidates, drawn, strict=True)]
        curves.curves = drawn
        whose = "this sample" if self._of_sample else "all images"
        curves.border_title = f"{NARROW[self._score]} by threshold · {whose}"
        left_out = sum(self.standings.of(c).images > 0 for c in self.candidates if not c.baseline)
        left_out -= sum(curve is not None for curve in drawn)
        some = left_out > 0 and not self._of_sample
        curves.border_subtitle = f"{left_out} scored on other images; C: this sample" if some else ""

    def _board_row(self, index: int) -> tuple[Text, ...]:
        candidate = self.candidates[index]
        standing = self.standings.of(candidate)
        against = standing.versus.get(self._score)
        alike = comparable([self.standings.of(self.candidates[0]), standing])[1] is not None
        whole = next((self.standings.of(c) for c in self.candidates if c.baseline == NO_NETWORK[0]), UNKNOWN)
        doubt = "" if candidate.baseline else doubt_of(standing, whole)
        colours = self.app.theme_variables
        return board.board_row(index, candidate, standing, against, self._total, alike, doubt, colours)

    def _draw_changes(self) -> None:
        """Ask for the differences of the row under the cursor, when they may be others than those shown."""
        other = self._other()
        mine = self.candidates[0] if self.candidates else None
        known = (self.standings.of(each) if each else None for each in (mine, other))
        asked = (mine, other, *known, self._score, self._by_class)
        if asked == self._changes_of:
            return
        self._changes_of = asked
        if mine is not None and other is not None:
            self.client.studio.differences(mine, other, self._score, classes=self._by_class)
            return
        table: DataTable[Text] = self.query_one("#changes", DataTable)
        table.clear(columns=True)
        self._differences = None
        table.border_title = "Differences"
        table.border_subtitle = "one more is needed: m compares something else" if mine else ""

    def on_differences_found(self, message: DifferencesFound) -> None:
        """Show them, unless others were asked for meanwhile, or they are what is shown."""
        asked = (message.mine, message.other, message.score, message.classes)
        if asked != (*self._changes_of[:2], *self._changes_of[-2:]) or message == self._differences:
            return
        self._differences = message
        mine, other = message.mine.name, message.other.name
        table: DataTable[Text] = self.query_one("#changes", DataTable)
        row = table.cursor_row
        table.clear(columns=True)
        ends = len(message.rows) // 2
        which = f", the {ends} best and {ends} worst" if message.left_out else ""
        table.border_title = f"{SHORT[message.score]} by {'class' if message.classes else 'sample'}{which}"
        some = f", on the {board.counted(message.images)} both have" if message.images < self._total else ""
        some = some if message.images else ": no image that both have yet"
        table.border_subtitle = f"{escape(clean(other))} − {escape(clean(mine))}{some}"
        board.fill_differences(table, message.rows, (mine, other), self.app.theme_variables)
        table.move_cursor(row=min(row, max(len(message.rows) - 1, 0)))

    def _other(self) -> Candidate | None:
        """The candidate under the cursor; the second one while the first is."""
        row = max(self.query_one("#board", DataTable).cursor_row, 1)
        return self.candidates[row] if row < len(self.candidates) else None

    def on_data_table_row_highlighted(self, event: DataTable.RowHighlighted) -> None:
        """Another candidate is looked at, or another sample."""
        if event.data_table.id == "board":
            self._draw_around_cursor()
        elif event.data_table is self.focused and self._differences and not self._differences.classes:
            sample = self._differences.rows[event.data_table.cursor_row].sample
            self._go_on(self.state.with_(sample=sample), self.candidates)

    def _go_on(self, state: ExplorerState, candidates: tuple[Candidate, ...]) -> None:
        """Another sample, or another config: everybody stands differently, which is told one by one."""
        if (state, candidates) != (self.state, self.candidates):
            self.state, self.candidates = state, candidates
            self.client.studio.stand(state, candidates, candidates[0])
            self._draw()

    def action_step(self, name: str, direction: int) -> None:
        """Move one parameter of the post-processing by a step; presets stay what they are."""
        config = self.state.config.stepped(name, direction)
        candidates = under(config, self.candidates, presets_stay=self.kind == "presets")
        self._go_on(self.state.with_(config=config), candidates)

    def on_data_table_row_selected(self) -> None:
        """Enter takes the row."""
        self.action_go()

    def action_row(self, step: int) -> None:
        """Walk the table that has the focus."""
        table = self.focused if isinstance(self.focused, DataTable) else self.query_one("#board", DataTable)
        table.move_cursor(row=max(table.cursor_row + step, 0))

    def action_table(self) -> None:
        """Go to the other table."""
        name = "#changes" if getattr(self.focused, "id", "") == "board" else "#board"
        self.set_class(name == "#changes", "-changes")
        self.query_one(name, DataTable).focus()

    def action_what(self) -> None:
        """Choose what is compared."""

        def chosen(kind: str) -> None:
            self._ask(kind)
            if kind == "templates" and self.state.source.stored:
                self.notify("a stored set has no prompt; m in the explorer goes to a method that has",
                            severity="warning")  # fmt: skip

        choices = [Choice(kind, title, KIND_HELP[kind]) for kind, title in KINDS.items()]
        ask(self, "Compare", choices, chosen, present=self.kind)

    def action_compute(self) -> None:
        """Ask for the missing heatmaps of a row or of all rows, having said how many they are."""
        found = missing_of({each: self.standings.of(each) for each in self.candidates}, self._total)
        if not found:
            self.notify("every heatmap of these rows is there")
            return
        here = self.candidates[self.query_one("#board", DataTable).cursor_row]
        choices = [Choice("all", "all rows", f"{board.counted(sum(found.values()))} in {len(found)} rows")]
        if here.source in found:
            choices.insert(0, Choice("row", clean(here.name), board.counted(found[here.source])))

        def chosen(name: str) -> None:
            asked = [here.source] if name == "row" else list(found)
            self.client.studio.compute(asked)
            images = sum(found[source] for source in asked)
            self.notify(f"computing {images:,} heatmaps; the rows fill meanwhile")

        ask(self, "Compute the missing heatmaps of", choices, chosen)

    def action_score(self) -> None:
        """Compare by the next score."""
        self._score = following(SCORES, self._score)
        self._draw()

    def action_by(self) -> None:
        """Differences by class, or by sample."""
        self._by_class = not self._by_class
        self._draw_changes()

    def action_scope(self) -> None:
        """Curves of all images, or of this sample."""
        self._of_sample = not self._of_sample
        self._draw_curves()

    def action_picture(self) -> None:
        """Masks, or heatmaps."""
        self._picture = "heatmap" if self._picture == "mask" else "mask"
        self._draw_around_cursor()

    def action_go(self) -> None:
        """Take the candidate, or the class or sample under the cursor, to the explorer."""
        if getattr(self.focused, "id", "") == "changes" and self._differences and self._differences.rows:
            row = self.query_one("#changes", DataTable).cursor_row
            self.dismiss(self.state.with_(sample=self._differences.rows[row].sample))
            return
        if 0 <= (row := self.query_one("#board", DataTable).cursor_row) < len(self.candidates):
            taken = self.candidates[row]
            if taken.baseline:
                self.notify("a mask without a network has nothing to explore", severity="warning")
                return
            prompt = self.state.prompt if taken.source == self.state.source else ""
            self.dismiss(self.state.with_(source=taken.source, config=taken.config, prompt=prompt))

    def action_export(self) -> None:
        """Write the differences as CSV into the working folder."""
        found = self._differences
        if found is None or not found.rows:
            self.notify("nothing to compare yet", severity="warning")
            return
        path = Path.cwd() / f"compare-by-{'class' if found.classes else 'sample'}.csv"
        self.client.studio.export_differences(
            found.mine, found.other, found.score, path, classes=found.classes
        )
