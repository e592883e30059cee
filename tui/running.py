"""Run the app, and again when another dataset is opened from inside it."""

from __future__ import annotations

from collections.abc import Mapping

from cliploc.core.child import Process
from cliploc.core.datasets import Dataset, open_dataset
from cliploc.core.datasets.spec import parsed
from cliploc.core.errors import ClipLocError
from cliploc.core.heatmaps.recipe import Recipe
from cliploc.core.terminal import Terminal
from cliploc.tui import session
from cliploc.tui.app import ExplorerApp, Reopen
from cliploc.tui.browsing import first_of
from cliploc.tui.graphics.driver import GraphicsDriver
from cliploc.tui.state import ExplorerState, Source


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
            before, dataset = dataset, open_dataset(answer.dataset)
        except ClipLocError as error:
            trouble = str(error)
        else:
            state = beginning(state, before, dataset)


def beginning(state: ExplorerState, before: Dataset, dataset: Dataset) -> ExplorerState:
    """Where to begin with a dataset: where one is if only its options are others, else where it was left."""
    if parsed(before.spec)[0] == parsed(dataset.spec)[0] and state.sample in dataset.places:
        return state.with_(source=Source(state.source.recipe))  # a stored set is the other pictures'
    recipe = Recipe(method="gem").completed(dataset.name)
    return session.restored(dataset.spec, ExplorerState(first_of(dataset), Source(recipe)))
