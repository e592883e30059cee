"""Run the app, and again when another dataset is opened from inside it."""

from __future__ import annotations

from collections.abc import Mapping

from core.datasets import Dataset, open_dataset
from core.errors import ClipLocError
from core.heatmaps.recipe import Recipe
from core.terminal import Terminal
from tui import session
from tui.app import ExplorerApp
from tui.browsing import first_of
from tui.engine import Process
from tui.graphics.driver import GraphicsDriver
from tui.messages import Reopen
from tui.state import ExplorerState, Source


def run(
    dataset: Dataset,
    state: ExplorerState,
    terminal: Terminal,
    keymap: Mapping[str, str],
    *,
    device: str,
    theme: str,
    studio: Process | None,
) -> int:
    """Show one dataset after another until the user quits. Returns the exit code."""
    trouble = ""
    while True:
        app = ExplorerApp(
            dataset,
            state,
            terminal,
            keymap,
            device=device,
            theme=theme,
            studio=studio,
            driver_class=GraphicsDriver,
        )
        app.greeting = trouble
        try:
            answer = app.run()
        finally:
            app.leave()
        if not isinstance(answer, Reopen):
            return app.return_code or answer or 0
        state, theme, trouble = app.explorer.now, app.theme, ""
        studio = None
        try:
            dataset = open_dataset(answer.dataset)
        except ClipLocError as error:
            trouble = str(error)
        else:
            recipe = Recipe(method="gem").completed(dataset.name)
            state = session.restored(dataset.spec, ExplorerState(first_of(dataset.samples), Source(recipe)))
