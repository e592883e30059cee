"""The explorer's pictures as sixel: what is sent when panes come and go."""

from __future__ import annotations

import re
import sys

from cliploc.core.datasets import Dataset
from cliploc.tui import session
from tests.terminal.pseudo import PseudoTerminal
from tests.tui.conftest import toy  # noqa: F401 (a fixture)

PATIENCE = 60.0
DRAWN_AT = re.compile(rb"\x1b\[(\d+;\d+)H\x1bP0;0;0q")


def places(output: bytes) -> list[bytes]:
    """Where pictures were drawn: row and column of their first cell."""
    return DRAWN_AT.findall(output)


def test_a_picture_that_comes_back_is_drawn_over_what_took_its_place(toy: Dataset) -> None:  # noqa: F811
    program = [sys.executable, "-m", "cliploc.tui", "--dataset", toy.spec, "--heatmaps", "good"]
    session.mark_hints_seen()  # the welcome would cover a picture for a while
    with PseudoTerminal(program, kind="sixel", columns=160, rows=50) as terminal:
        terminal.wait_for(lambda output: len(set(places(output))) == 4, PATIENCE)
        terminal.wait_until_quiet(1.0, PATIENCE)
        everywhere = set(places(terminal.text()))
        before = len(terminal.output)
        terminal.send("1")
        terminal.wait_until_quiet(1.0, PATIENCE, after=before)
        without = len(terminal.output)
        terminal.send("1")
        terminal.wait_for(lambda output: set(places(output)) >= everywhere, PATIENCE, start=without)
