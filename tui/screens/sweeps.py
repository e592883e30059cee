"""The sweeps panel: every run in the ledger, the chosen one in full, and its best cell to apply."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import DataTable, Static

from cliploc.core.errors import clean
from cliploc.core.scores import title_of
from cliploc.core.sweep.rows import Best, Cell, RunRow
from cliploc.tui.answers import RunRead, RunsRead
from cliploc.tui.around import Around
from cliploc.tui.curves import SCORES, figure
from cliploc.tui.keymap import bindings_for
from cliploc.tui.runs import RunView, duration, rate_of, starting_text
from cliploc.tui.screens.choice import Choice, ask
from cliploc.tui.screens.page import Page
from cliploc.tui.state import following
from cliploc.tui.textual_private import Table
from cliploc.tui.widgets.run_view import bar, heat_table, summary_lines
from cliploc.tui.widgets.tables import rewrite

FULL_WIDTH = 112
# Where people have another word for it.
STATES = {"waiting": "queued"}
COLUMNS = ("run", "state", "progress", "mean IoU", "elapsed", "ETA", "heatmaps", "configs", "images/s", "age")
EMPTY = "No runs yet. S composes and starts one.\nIt goes on when you quit, or when the connection drops."


class SweepsScreen(Page):
    """Dismisses with the cell to apply, or None."""

    SCOPE = "sweeps"
    NAME = "sweeps"
    BINDINGS: ClassVar[list[BindingType]] = bindings_for("sweeps")

    def __init__(self, around: Around) -> None:
        super().__init__(around)
        self._runs: tuple[RunRow, ...] = ()
        self._view: RunView | None = None
        self._score = SCORES[0]
        self._as_table = False
        self._marked: set[str] = set()

    def compose_page(self) -> ComposeResult:
        with Vertical(classes="page"):
            runs = Table(id="runs", cursor_type="row", classes="panel")
            runs.border_title = "Runs"
            runs.add_columns(*COLUMNS)
            yield runs
            with VerticalScroll(id="run", classes="panel", can_focus=False) as run:
                run.border_title = "Run"
                yield Static(Content(EMPTY), id="run-text")

    def on_mount(self) -> None:
        self.client.studio.runs.poll()

    def on_runs_read(self, message: RunsRead) -> None:
        """Draw the runs again, keeping the cursor on its run."""
        table: DataTable[Text] = self.query_one("#runs", DataTable)
        here = self.chosen()
        fresh = [run.id for run in message.runs] != [run.id for run in self._runs]
        self._runs = message.runs
        if fresh:
            table.clear()
        rows = [row_of(run, run.id in self._marked) for run in message.runs]
        ids = [run.id for run in message.runs]
        if fresh:
            for row, id_ in zip(rows, ids, strict=True):
                table.add_row(*row, key=id_)
        rewrite(table, rows)
        if fresh and here is not None and here.id in ids:
            table.move_cursor(row=ids.index(here.id))
        starting = [starting_text(message.starting)] if message.starting else []
        self.say(f"{len(ids)} run{'s' * (len(ids) != 1)}", *starting)
        if not ids:
            self.query_one("#run-text", Static).update(Content(starting[0] if starting else EMPTY))
        self._look()

    def chosen(self) -> RunRow | None:
        """The run under the cursor."""
        row = self.query_one("#runs", DataTable).cursor_row
        return self._runs[row] if 0 <= row < len(self._runs) else None

    def on_data_table_row_highlighted(self) -> None:
        """Another run is under the cursor."""
        self._look()

    def on_data_table_row_selected(self) -> None:
        """Enter applies."""
        self.action_apply()

    def _look(self) -> None:
        run = self.chosen()
        if run is not None:
            self.client.studio.runs.look(run, self._score)

    def on_run_read(self, message: RunRead) -> None:
        """Draw the chosen run."""
        run = self.chosen()
        if run is None or message.view.row.id != run.id or message.view.score != self._score:
            return
        self._view = message.view
        panel = self.query_one("#run", VerticalScroll)
        panel.border_title = f"Run {run.id[:8]} · {title_of(self._score)}"
        self.query_one("#run-text", Static).update(self._text(message.view, panel.size.width))

    def _text(self, view: RunView, width: int) -> Content:
        lines = summary_lines(view, width - 4)
        if view.table is not None and self._as_table:
            lines += [Content(""), heat_table(view.table, view.score, width)]
        elif view.cells:
            lines += [Content(""), *cell_lines(view, width)]
        return Content("\n").join(lines)

    def action_compose(self) -> None:
        """Compose a sweep."""
        from cliploc.tui.screens.compose import ComposeScreen

        self.app.push_screen(ComposeScreen(replace(self.around, rate=rate_of(self._runs))))

    def action_apply(self) -> None:
        """Take the best cell, by the score that ranks, to the explorer."""
        run, view = self.chosen(), self._view
        if view is not None and run is not None and view.row.id == run.id and view.cells:
            self.dismiss(self._of_here(run, view.cells[0]))
        elif run is not None and run.best is not None:
            self.dismiss(self._of_here(run, run.best))
        else:
            self.notify("this run has no scores yet", severity="warning")

    def _of_here(self, run: RunRow, found: Cell | Best) -> Cell | Best:
        """A cell with the set that it is of, unless that is another dataset's."""
        return found if run.dataset == self.client.dataset.name else replace(found, heatmaps="")

    def action_cancel(self) -> None:
        """Pause or cancel a run that is at work."""
        run = self.chosen()
        if run is None:
            return

        choices = [
            Choice("pause", "pause", "stops after the present shards; r goes on"),
            Choice("cancel", "cancel", "ends it; what is finished is kept"),
        ]
        runs = self.client.studio.runs
        ends = {"pause": runs.pause, "cancel": runs.cancel}
        ask(self, f"Run {run.id[:8]}", choices, lambda how: ends[how](run.id))

    def action_resume(self) -> None:
        """Let a stopped run go on."""
        run = self.chosen()
        if run is not None:
            self.client.studio.runs.resume(run.id)

    def action_delete(self) -> None:
        """Delete the run, after asking."""
        run = self.chosen()
        if run is None:
            return

        def chosen(answer: str) -> None:
            if answer == "delete":
                self.client.studio.runs.delete(run.id)

        choices = [Choice("keep", "keep it"), Choice("delete", "delete it", "with all its scores")]
        ask(self, f"Delete run {run.id[:8]}?", choices, chosen)

    def action_export(self) -> None:
        """Write the cells of the run as CSV into the working folder."""
        run = self.chosen()
        if run is not None:
            self.client.studio.runs.export(run.id, Path.cwd() / f"run-{run.id[:8]}.csv")

    def action_score(self) -> None:
        """Rank by the next score."""
        self._score = following(SCORES, self._score)
        self._look()

    def action_mark(self) -> None:
        """Mark the run to compare it, or take the mark away."""
        run = self.chosen()
        if run is not None:
            self._marked ^= {run.id}
            self.on_runs_read(RunsRead(self._runs))

    def action_compare(self) -> None:
        """Compare the marked runs with this one: the heatmap sets of all of them, pair by pair."""
        from cliploc.tui.screens.paired import PairedScreen

        run = self.chosen()
        wanted = tuple(r.id for r in self._runs if r.id in self._marked or r is run)
        sets = sum(len(r.heatmaps) for r in self._runs if r.id in wanted)
        if sets < 2:
            self.notify("nothing to compare it with; mark another run with *", severity="warning")
        else:
            self.app.push_screen(PairedScreen(self.around, wanted))

    def action_view(self) -> None:
        """The best cells, or dilation x erosion."""
        self._as_table = not self._as_table
        self._look()


def row_of(run: RunRow, marked: bool) -> tuple[Text, ...]:
    """A run's line in the table; Text, since DataTable takes strings for markup."""
    cells = (
        f"{'*' if marked else ' '}{run.id[:8]}",
        f"{STATES.get(run.state, run.state)}{' (old)' if run.mark else ''}",
        f"{bar(run.progress, 10)} {run.progress:4.0%}",
        figure(run.best.mean_iou) if run.best else "–",
        duration(elapsed(run, time.time())),
        duration(run.eta),
        clean(", ".join(run.heatmaps)),
        f"{run.configs:,}",
        f"{run.rate:,.1f}" if run.rate else "–",
        age(time.time() - run.created),
    )
    return tuple(Text(cell) for cell in cells)


def elapsed(run: RunRow, now: float) -> float:
    """Seconds since a run was made, or until it ended."""
    return (now if run.state in ("running", "waiting") else run.updated) - run.created


def age(seconds: float) -> str:
    """How long ago, roughly."""
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= size:
            return f"{int(seconds // size)} {unit}"
    return "now"


def cell_lines(view: RunView, width: int) -> list[Content]:
    """The best cells of a run, ranked by its score; three scores where there is no room for all."""
    known = [name for name in SCORES if view.cells and name in view.cells[0].scores]
    wide = width >= FULL_WIDTH
    names = known if wide else list(dict.fromkeys([view.score, *known]))[:3]
    kernel = f"{'kernel':<9}" if wide else ""
    head = f"interp.   order         {kernel}  dil.   ero.  thresh. "
    lines = [Content.styled(head + "".join(f"{title_of(name)[:9]:>10}" for name in names), "$dim")]
    for cell in view.cells:
        config = cell.config
        shape = f"{config.kernel:<9}" if wide else ""
        text = (
            f"{config.interpolation:<10}{config.order:<14}{shape}"
            f"{config.dilate:>6}{config.erode:>7}{config.threshold:>9.3f} "
        )
        scores = [
            (f"{figure(cell.scores[name]):>10}", "bold $foreground" if name == view.score else "$foreground")
            for name in names
        ]
        lines.append(Content.assemble((text, "$foreground"), *scores))
    return lines
