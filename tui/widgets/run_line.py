"""The line above the hints while a sweep is at work."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from textual.content import Content
from textual.reactive import reactive
from textual.widget import Widget

from cliploc.tui.runs import starting_text

if TYPE_CHECKING:
    from cliploc.core.sweep.rows import RunRow


class RunLine(Widget):
    """The newest run that is at work; hidden when there is none."""

    text: reactive[Content] = reactive(Content)

    def show(self, run: RunRow | None, starting: Sequence[float] = ()) -> None:
        """Draw a run, or one that is being started since these epoch seconds, or hide."""
        self.set_class(run is not None or bool(starting), "-active")
        if starting:
            self.text = Content.styled(starting_text(starting), "$accent")
        elif run is not None:
            from cliploc.tui.widgets.run_view import (
                run_line,  # reads the ledger's rows; not for the first paint
            )

            self.text = run_line(run, max(self.app.size.width - 2, 10))

    def render(self) -> Content:
        return self.text
