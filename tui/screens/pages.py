"""The pages that open over the explorer. They are imported when they are opened: not for the first paint."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from textual.screen import Screen

from cliploc.tui.around import Around

# The classes; each is in the module of its page's name.
PAGES = {
    "sweeps": "SweepsScreen",
    "compose": "ComposeScreen",
    "compare": "CompareScreen",
    "statistics": "StatisticsScreen",
    "inside": "InsideScreen",
    "marking": "MarkingScreen",
}


def page_of(name: str, around: Around) -> Screen[Any]:
    """A page by its name."""
    page: Screen[Any] = getattr(import_module(f"cliploc.tui.screens.{name}"), PAGES[name])(around)
    return page
