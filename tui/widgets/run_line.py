"""The line above the hints while a sweep is at work."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from textual.content import Content
from textual.widgets import Static

from cliploc.tui.runs import starting_text

if TYPE_CHECKING:
    from cliploc.core.sweep.rows import RunRow


class RunLine(Static):
    """The newest run that is at work; hidden when there is none."""

    def show(self, run: RunRow | None, starting: Sequence[float] = ()) -> None:
        """Draw a run, or one that is being started since these epoch seconds, or hide."""
        self.set_class(run is not None or bool(starting), "-active")
        if starting:
            self.update(Content.styled(starting_text(starting), "$accent"), layout=False)
        elif run is not None:
            from cliploc.tui.widgets.run_view import (
                run_line,  # reads the ledger's rows; not for the first paint
            )

            self.update(run_line(run, max(self.app.size.width - 2, 10)), layout=False)
