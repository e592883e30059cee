"""Screens that are closed before they have their parts."""

from __future__ import annotations

from typing import Any

from textual import events
from textual.css.query import NoMatches
from textual.screen import Screen


class CutShort(Screen[Any]):
    """A screen that may be closed before it has its parts: that it misses them is no error then.

    Textual mounts nothing on a screen that is going away, and tells it of mounting and of its size all
    the same; handlers that look for a part would end the app.
    """

    async def on_event(self, event: events.Event) -> None:
        """Every event of the screen."""
        try:
            await super().on_event(event)
        except NoMatches:
            if self.is_attached and self.is_current and self.children:
                raise
