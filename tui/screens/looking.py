"""How the explorer's pictures are looked at: which of them, how close, and over each other."""

from __future__ import annotations

from collections.abc import Callable

from textual.screen import Screen
from textual.timer import Timer

from cliploc.tui.shown_scores import ShownScores
from cliploc.tui.state import PICTURES, ExplorerState
from cliploc.tui.widgets.count import Count
from cliploc.tui.widgets.pictures import UNMARKED, PictureGrid

PEEK_SECONDS = 0.8


class Looking:
    """What `look(…)` does in the keymap. scores: know the present state; change: goes to another one.

    draw: asks for the pictures anew.
    """

    def __init__(
        self,
        screen: Screen[None],
        scores: ShownScores,
        grid: PictureGrid,
        count: Count,
        change: Callable[[ExplorerState], None],
        draw: Callable[[], None],
    ) -> None:
        self._screen, self._scores, self._grid = screen, scores, grid
        self._count, self._change, self._draw = count, change, draw
        self.peeking = False
        self._peek_timer: Timer | None = None

    @property
    def now(self) -> ExplorerState:
        """The present state."""
        return self._scores.now

    def view(self, change: str, across: int | None = None, down: int | None = None) -> None:
        """A method of View, by steps or by a count of them."""
        count, view = self._count.take() or 1, self.now.view
        steps = [count * step for step in (across, down) if step is not None]
        self._change(self.now.with_(view=getattr(view, change)(*steps)))

    def layout(self) -> None:
        """The next layout."""
        self.view("laid_out")
        self._screen.notify(f"layout: {self.now.view.layout}", timeout=1.5)

    def single(self) -> None:
        """One picture large; again: all that were shown."""
        self._change(self.now.with_(view=self._grid.single(self.now.view)))

    def picture(self, number: int) -> None:
        """Show or hide one picture; the last one stays."""
        self._change(self.now.with_(view=self._grid.toggled(self.now.view, PICTURES[number - 1])))

    def blink(self) -> None:
        """Alternate the first two pictures in one place; again: stop."""
        self._grid.blink(self.now.view)

    def peek(self) -> None:
        """The true mask's outline in every picture for as long as the key repeats."""
        if self._scores.region is not None:
            self._screen.notify(UNMARKED, severity="warning")
            return
        if self._peek_timer is not None:
            self._peek_timer.stop()
        self._peek_timer = self._screen.set_timer(PEEK_SECONDS, lambda: self._peek(False))
        if not self.peeking:
            self._peek(True)

    def _peek(self, peeking: bool) -> None:
        self.peeking = peeking
        self._draw()
