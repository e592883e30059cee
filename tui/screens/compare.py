"""Compare: the same sample and the same dataset under several sets, or under several presets."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import DataTable

from core.errors import ClipLocError, clean
from core.terminal import Terminal
from tui import presets
from tui.comparison import Contender, Difference, by_class, by_sample, csv_of, wins
from tui.curves import SCORES, SHORT, TITLES, difference, figure
from tui.engine import Engine
from tui.keymap import bindings_for
from tui.messages import ContenderReady
from tui.screens.page import Page
from tui.state import ExplorerState
from tui.widgets.iou_curves import ScoreCurves, colour_of
from tui.widgets.pictures import Pane

PANES = 4


class CompareScreen(Page):
    """Dismisses with the state to go on with in the explorer, or None."""

    SCOPE = "compare"
    NAME = "compare"
    BINDINGS: ClassVar[list[BindingType]] = bindings_for("compare")

    def __init__(
        self, engine: Engine, state: ExplorerState, terminal: Terminal, keymap: Mapping[str, str]
    ) -> None:
        super().__init__(keymap)
        self.engine = engine
        self.state = state
        self.terminal = terminal
        self._contenders: list[Contender] = []
        self._differences: list[Difference] = []
        self._presets = False
        self._by_class = True
        self._score = SCORES[0]
        self._generation = 0

    def compose_page(self) -> ComposeResult:
        with Vertical(classes="page"):
            with Horizontal(id="contender-pictures", classes="panel"):
                for number in range(PANES):
                    yield Pane(f"contender-{number}", self.terminal)
            with Horizontal(id="compare-body"):
                with Vertical(id="compare-left"):
                    board: DataTable[Text] = DataTable(id="board", cursor_type="row", classes="panel")
                    board.border_title = "Leaderboard"
                    yield board
                    curves = ScoreCurves(id="score-curves", classes="panel")
                    yield curves
                changes: DataTable[Text] = DataTable(id="changes", cursor_type="row", classes="panel")
                yield changes

    def on_mount(self) -> None:
        self.query_one("#board", DataTable).focus()
        self._ask()

    def _ask(self) -> None:
        self._generation += 1
        self._contenders = []
        try:
            asked = presets.load() if self._presets else {}
        except ClipLocError as error:
            self.notify(str(error), severity="error")
            asked = dict(presets.BUILT_IN)
        self.engine.compare(self._generation, self.state, asked)
        self._draw()

    def on_contender_ready(self, message: ContenderReady) -> None:
        """One more line."""
        if message.generation == self._generation:
            self._contenders.append(message.contender)
            self._draw()

    def _draw(self) -> None:
        what = "presets of one set" if self._presets else "stored heatmap sets, one post-processing"
        self.say(what, f"{len(self._contenders)} scored")
        pictures = self.query_one("#contender-pictures", Horizontal)
        pictures.border_title = f"masks of {clean(self.state.sample)}"
        for number, pane in enumerate(self.query(Pane)):
            contender = self._contenders[number] if number < len(self._contenders) else None
            pane.display = contender is not None
            if contender is not None:
                iou = (
                    contender.sample.at("mean_iou", contender.config.threshold_index)
                    if contender.sample
                    else None
                )
                caption = Content.assemble(
                    (clean(contender.name), colour_of(number)), (f"  {figure(iou)}", "$dim")
                )
                pane.show(caption, contender.picture, "no heatmap of this sample", self._generation)
        curves = self.query_one(ScoreCurves)
        curves.border_title = f"{TITLES[self._score]} by threshold"
        curves.score = self._score
        curves.contenders = tuple(self._contenders)
        self._draw_board()
        self._draw_changes()

    def _draw_board(self) -> None:
        table: DataTable[Text] = self.query_one("#board", DataTable)
        row = table.cursor_row
        table.clear(columns=True)
        table.add_column("")
        for heading in ("images", *(SHORT[score] for score in SCORES), "best IoU*", "win/loss"):
            table.add_column(_right(heading))
        for index, contender in enumerate(self._contenders):
            table.add_row(*self._board_row(index, contender))
        table.move_cursor(row=min(row, max(len(self._contenders) - 1, 0)))
        table.border_subtitle = "* at its own best threshold: tuned on these images"

    def _board_row(self, index: int, contender: Contender) -> tuple[Text, ...]:
        curves = contender.board.curves()
        threshold = contender.config.threshold_index
        scores = [figure(curves.at(score, threshold) if curves else None) for score in SCORES]
        best = figure(curves.at("mean_iou", curves.best("mean_iou")) if curves else None)
        won, lost = wins(self._contenders[0], contender, self._score)
        versus = f"{won}/{lost}" if index else "–"
        images = str(len(contender.board.ids))
        colour = self.app.theme_variables.get(colour_of(index).removeprefix("$"), "")
        return (Text(clean(contender.name), style=colour), *map(_right, (images, *scores, best, versus)))

    def _draw_changes(self) -> None:
        table: DataTable[Text] = self.query_one("#changes", DataTable)
        table.clear(columns=True)
        other = self._other()
        if other is None:
            table.border_title = "Differences"
            table.border_subtitle = "one more set or preset is needed"
            self._differences = []
            return
        mine = self._contenders[0]
        of = by_class if self._by_class else by_sample
        self._differences = of(mine, other, self._score)
        table.border_title = f"{SHORT[self._score]} by {'class' if self._by_class else 'sample'}"
        table.border_subtitle = f"{clean(other.name)} − {clean(mine.name)}"
        table.add_column("")
        for heading in ("images", "first", "this", "difference"):
            table.add_column(_right(heading))
        for row in self._differences:
            colour = "better" if row.gain > 0 else "worse"
            gain = _right(difference(row.other, row.mine) or "0")
            gain.stylize(self.app.theme_variables.get(colour, ""))
            figures = (str(row.images), figure(row.mine), figure(row.other))
            table.add_row(Text(clean(row.name)), *map(_right, figures), gain)

    def _other(self) -> Contender | None:
        """The contender under the cursor; the second one while the first is."""
        row = max(self.query_one("#board", DataTable).cursor_row, 1)
        return self._contenders[row] if row < len(self._contenders) else None

    def on_data_table_row_highlighted(self, event: DataTable.RowHighlighted) -> None:
        """Another contender is looked at."""
        if event.data_table.id == "board":
            self._draw_changes()

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
        """Stored sets, or presets."""
        self._presets = not self._presets
        self._ask()

    def action_score(self) -> None:
        """Compare by the next score."""
        self._score = SCORES[(SCORES.index(self._score) + 1) % len(SCORES)]
        self._draw()

    def action_by(self) -> None:
        """Differences by class, or by sample."""
        self._by_class = not self._by_class
        self._draw_changes()

    def action_go(self) -> None:
        """Take the contender, or the class or sample under the cursor, to the explorer."""
        if getattr(self.focused, "id", "") == "changes" and self._differences:
            row = self.query_one("#changes", DataTable).cursor_row
            name = self._differences[row].name
            samples = self.engine.dataset.samples
            target = next((s.id for s in samples if name in (s.id, s.label)), self.state.sample)
            self.dismiss(self.state.with_(sample=target))
            return
        row = self.query_one("#board", DataTable).cursor_row
        if 0 <= row < len(self._contenders):
            contender = self._contenders[row]
            source = self.state.source if row == 0 or self._presets else contender.source
            self.dismiss(self.state.with_(source=source, config=contender.config))

    def action_export(self) -> None:
        """Write the differences as CSV into the working folder."""
        other = self._other()
        if other is None:
            self.notify("nothing to compare yet", severity="warning")
            return
        kind = "class" if self._by_class else "sample"
        path = Path.cwd() / f"compare-by-{kind}.csv"
        text = csv_of(self._differences, self._contenders[0].name, other.name, self._score)
        try:
            path.write_text(text, encoding="utf-8")
        except OSError as error:
            self.notify(f"cannot write {path}: {error.strerror}", severity="error")
        else:
            self.notify(f"wrote {path}")


def _right(text: str) -> Text:
    return Text(text, justify="right")
