"""The pages that open over the explorer. They are imported when they are opened: not for the first paint."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from textual.screen import Screen

from cliploc.core.terminal import Terminal
from cliploc.tui.engine import Engine
from cliploc.tui.state import ExplorerState


def page_of(
    name: str,
    engine: Engine,
    state: ExplorerState,
    terminal: Terminal,
    keymap: Mapping[str, str],
    heatmaps: tuple[str, ...],
    rate: float | None,
) -> Screen[Any]:
    """A page by its name. heatmaps: the set that is shown. rate: configs x images per second, if known."""
    if name == "sweeps":
        from cliploc.tui.screens.sweeps import SweepsScreen

        return SweepsScreen(engine, keymap, heatmaps)
    if name == "compose":
        from cliploc.tui.screens.compose import ComposeScreen

        return ComposeScreen(engine, heatmaps, rate)
    if name == "compare":
        from cliploc.tui.screens.compare import CompareScreen

        return CompareScreen(engine, state, terminal, keymap)
    if name == "inside":
        from cliploc.tui.screens.inside import InsideScreen

        return InsideScreen(engine, state, terminal, keymap)
    from cliploc.tui.screens.statistics import StatisticsScreen

    return StatisticsScreen(engine, keymap)
