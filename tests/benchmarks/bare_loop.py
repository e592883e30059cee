"""A bare Textual app of one line with the explorer's stopwatch: what a key costs whoever hears it.

`python -m tests.benchmarks.bare_loop REPORT`; F11 and F12 as in `explorer_loop`, any other key counts.
"""

from __future__ import annotations

import sys
from pathlib import Path

from textual import events
from textual.app import App, ComposeResult
from textual.widgets import Static

from tests.benchmarks.explorer_loop import Stopwatch


class Bare(App[None]):
    """How many keys were pressed."""

    def __init__(self, watch: Stopwatch) -> None:
        super().__init__()
        self.watch, self.number = watch, 0

    def compose(self) -> ComposeResult:
        yield Static("0 keys")

    def on_key(self, event: events.Key) -> None:
        if event.key in ("f11", "f12"):
            (self.watch.begin if event.key == "f11" else self.watch.end)()
        else:
            self.number += 1
            self.query_one(Static).update(f"{self.number} keys")


if __name__ == "__main__":
    Bare(Stopwatch(Path(sys.argv[1]), "")).run()
