"""The explorer sends only what changes; what the terminal shows is the same as if it sent everything."""

from __future__ import annotations

import sys

import pyte
import pytest

from cliploc.core.datasets import Dataset
from cliploc.tui import session
from tests.terminal.pseudo import PseudoTerminal
from tests.tui.conftest import toy  # noqa: F401 (a fixture)

SIZE = (120, 40)
PATIENCE = 60.0
# Bytes a second; pictures come in steps then.
SLOW = 100_000
REDRAW = "\x0c"  # ctrl+l
WALKS = {
    "tuning": ["t", "d", "E", "i", "o", "5t", "=", "b", "D"],
    "walking": ["j", "]", "j", "k", "G", "*", "[", "gg"],
    "dialogs": ["?", "\x1b", "p", "\x1b", ",", "\x1b", "v", "q", "s", "q", "H", "q"],
    "layouts": ["1", "1", "z", "z", "c", "l", "h"],
}


def shown(terminal: PseudoTerminal) -> list[list[tuple[object, ...]]]:
    """Every cell of the screen: character, background, and the colour of what is not blank."""
    screen = pyte.Screen(*SIZE)
    pyte.ByteStream(screen).feed(terminal.text())
    rows = [[screen.buffer[y][x] for x in range(SIZE[0])] for y in range(SIZE[1])]
    return [[(cell.data, cell.bg, cell.fg if cell.data != " " else "") for cell in row] for row in rows]


@pytest.mark.parametrize(("walk", "rate"), [*((walk, None) for walk in WALKS), ("dialogs", SLOW)])
def test_a_redraw_changes_nothing(toy: Dataset, walk: str, rate: float | None) -> None:  # noqa: F811
    session.mark_hints_seen()
    program = [sys.executable, "-m", "cliploc.tui", "--fresh", "--dataset", toy.spec, "--heatmaps", "good"]
    with PseudoTerminal(program, columns=SIZE[0], rows=SIZE[1], rate=rate) as terminal:
        terminal.wait_to_show("9 of 9  IoU", PATIENCE)
        terminal.wait_until_quiet(1.0, PATIENCE)
        for keys in WALKS[walk]:
            before = len(terminal.output)
            terminal.send(keys)
            # Every dialog shows; a value at its end does not change.
            terminal.wait_until_quiet(0.3, PATIENCE, after=before if walk == "dialogs" else 0)
        # Notices come and go by themselves.
        terminal.wait_until_quiet(6.0, PATIENCE)
        before, trimmed = len(terminal.output), shown(terminal)
        terminal.send(REDRAW)
        terminal.wait_until_quiet(3.0, PATIENCE, after=before)
        assert len(terminal.output) - before > 20_000
        assert shown(terminal) == trimmed


def test_a_dialog_at_rest_sends_nothing(toy: Dataset) -> None:  # noqa: F811
    session.mark_hints_seen()
    program = [sys.executable, "-m", "cliploc.tui", "--fresh", "--dataset", toy.spec, "--heatmaps", "good"]
    with PseudoTerminal(program, columns=SIZE[0], rows=SIZE[1]) as terminal:
        terminal.wait_to_show("9 of 9  IoU", PATIENCE)
        terminal.wait_until_quiet(1.0, PATIENCE)
        for key in ["?", "p", ","]:
            for sent, seconds in ((key, 2.5), ("\x1b", 0.3)):
                before = len(terminal.output)
                terminal.send(sent)
                terminal.wait_until_quiet(seconds, PATIENCE, after=before)
