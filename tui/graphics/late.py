"""Answers of the terminal that come after nobody waits for them: no keys.

Over a slow link the answers to the probe's questions may arrive when the explorer runs
already. Textual takes what it does not know for typing, and a name in an answer would open
dialogs and fill them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from textual.message import Message

from cliploc.tui.textual_private import XTermParser

# Version, colours, kitty graphics, what it is, its cell: the answers to the questions of `core.terminal`.
_ANSWER = re.compile(
    r"\x1bP(?:>\||[01]\$r)[^\x1b]{0,200}\x1b\\|\x1b_G[^\x1b]{0,200}\x1b\\|\x1b\[\?[\d;]{1,60}c|\x1b\[6;\d+;\d+t"
)


class Parser(XTermParser):
    """Textual's parser of what the terminal sends, without such answers."""

    def feed(self, data: str) -> Iterable[Message]:
        """The messages that these characters make."""
        kept = _ANSWER.sub("", data)
        return super().feed(kept) if kept or not data else ()  # of nothing Textual would make an end
