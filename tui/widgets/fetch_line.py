"""The line above the hints while something is downloaded."""

from __future__ import annotations

from textual.content import Content
from textual.widgets import Static

from cliploc.tui.answers import FetchChanged
from cliploc.tui.keymap import shown

BAR = 16


class FetchLine(Static):
    """What is fetched, how far it is and the key that leads to stopping it; hidden when nothing is."""

    def show(self, fetch: FetchChanged, keys: str) -> None:
        """Draw a download, or hide."""
        self.set_class(bool(fetch.title), "-active")
        if fetch.title:
            text = fetch_text(fetch, keys).truncate(max(self.app.size.width - 2, 10), ellipsis=True)
            self.update(text, layout=False)


def fetch_text(fetch: FetchChanged, keys: str) -> Content:
    """A download in one line."""
    parts = [(f"fetching {fetch.title}  ", "$foreground")]
    if fetch.part is not None:
        full = round(fetch.part * BAR)
        parts.append(("█" * full + "░" * (BAR - full) + f" {fetch.part:4.0%}  ", "$primary"))
    parts.append((f"{shown(keys.split(',')[0])} stops it  ", "$dim"))
    parts.append((fetch.said, "$dim"))
    return Content.assemble(*parts)
