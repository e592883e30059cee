"""Whatever a widget draws, the terminal gets nothing that it would obey."""

from __future__ import annotations

from rich.console import Console
from rich.segment import Segment
from textual.strip import Strip

from cliploc.tui.graphics.screen_diff import Shown

EVIL = "a\x1b]0;OWNED\x07\x1b[31mb\x9b41m\u202ec\u2066\u200f"


def test_text_that_a_terminal_would_obey_is_shown_as_text() -> None:
    console, shown = Console(force_terminal=True, width=80), Shown()
    for text in (EVIL, EVIL + "d", "plain", EVIL):
        written = shown.update(3, 5, Strip([Segment(text)]), console)
        assert not any(c in written for c in "\x07\x9b\u202e\u2066\u200f")
        assert "\x1b]" not in written
        assert "\x1b[31m" not in written
    assert "OWNED" in shown.update(0, 9, Strip([Segment(EVIL)]), console)
