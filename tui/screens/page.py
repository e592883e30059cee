"""What every screen beside the explorer has: a title line, rows to walk, hints, and a way back."""

from __future__ import annotations

from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.screen import Screen
from textual.widgets import DataTable, Static

from cliploc.tui.around import Around
from cliploc.tui.keymap import bindings_for
from cliploc.tui.screens.cut_short import CutShort
from cliploc.tui.widgets.lines import HintLine, StatusLine


class Page(CutShort, Screen[Any]):
    """A full screen over the explorer. SCOPE: its part of the keymap."""

    SCOPE: ClassVar[str] = "page"
    NAME: ClassVar[str] = ""
    BINDINGS: ClassVar[list[BindingType]] = bindings_for("page")

    def __init__(self, around: Around) -> None:
        super().__init__()
        self.around = around
        self.client, self.keymap = around.client, around.keymap
        self.state, self.terminal = around.state, around.terminal

    def compose(self) -> ComposeResult:
        line = StatusLine(id="status")
        line.left = ("cliploc", self.NAME)
        yield line
        yield from self.compose_page()
        yield HintLine(self.SCOPE, self.keymap, id="hints")
        yield Static("cliploc needs 80 × 24 characters or more; enlarge the terminal", id="too-small")

    def compose_page(self) -> ComposeResult:
        """The page's own widgets."""
        yield Static("")

    def say(self, *facts: str) -> None:
        """Put the page's name and some facts into the title line."""
        line = self.query_one(StatusLine)
        line.left = ("cliploc", self.NAME, *facts)

    def action_row(self, step: int) -> None:
        """Walk the first table."""
        for table in self.query(DataTable):
            table.move_cursor(row=max(table.cursor_row + step, 0))
            return

    def action_close(self) -> None:
        """Back to where we came from."""
        self.dismiss(None)
