"""Pictures of several candidates beside each other: as many as there is room for, around the cursor."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.containers import Container
from textual.content import Content

from cliploc.core.terminal import Terminal
from cliploc.tui.comparison import window
from cliploc.tui.widgets.pictures import Pane, best_columns, side_of

if TYPE_CHECKING:
    from cliploc.tui.graphics.frame import PictureId

# Columns that a picture should have before another one is put beside it.
SIDE = 24


@dataclass(frozen=True)
class Item:
    """What one pane shows. note: why there is no picture."""

    caption: Content
    picture: PictureId | None
    note: str


class CandidatePanes(Container):
    """A grid of at most `most` panes; the first `kept` items stay, the others follow the cursor."""

    def __init__(self, terminal: Terminal, most: int, *, kept: int = 0, id: str | None = None) -> None:
        super().__init__(id=id, classes="panel")
        self._terminal = terminal
        self._most, self._kept = most, kept
        self._items: Sequence[Item] = ()
        self._cursor = 0
        self._held: dict[int, PictureId | None] = {}
        self._generation = 0

    def compose(self) -> ComposeResult:
        for number in range(self._most):
            yield Pane(f"candidate-{number}", self._terminal)

    def on_resize(self) -> None:
        self.show(self._items, self._cursor)

    def show(self, items: Sequence[Item], cursor: int) -> None:
        """Hand every pane its picture."""
        self._items, self._cursor = items, cursor
        panes = panes_in(self.size.width, self.size.height, min(self._most, len(items)))
        shown = window(len(items), cursor, panes, min(self._kept, panes - 1))
        columns = best_columns(len(shown), self.size.width, self.size.height) if shown else 1
        self.styles.grid_size_columns = columns
        self.styles.grid_size_rows = math.ceil(max(len(shown), 1) / columns)
        for number, pane in enumerate(self.query(Pane)):
            pane.display = number < len(shown)
            if pane.display:
                self._hand(number, pane, items[shown[number]])

    def _hand(self, number: int, pane: Pane, item: Item) -> None:
        if self._held.get(number) != item.picture:
            self._held[number] = item.picture
            self._generation += 1
        pane.show(item.caption, item.picture, item.note, self._generation)


def panes_in(width: int, height: int, count: int) -> int:
    """How many of `count` pictures fit: all that leave each at least SIDE columns, or what one alone has."""

    def side(panes: int) -> int:
        return side_of(panes, best_columns(panes, width, height), width, height)

    enough = min(SIDE, side(1))
    return max((panes for panes in range(1, count + 1) if side(panes) >= enough), default=1)
