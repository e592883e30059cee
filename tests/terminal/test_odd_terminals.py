"""Where the explorer cannot run it says so in a sentence; where it can run poorly, it runs."""

from __future__ import annotations

import re
import shlex
import sys
from pathlib import Path

import pytest

from tests.terminal.pseudo import PseudoTerminal
from tests.terminal.test_pictures import GALLERY

REPOSITORY = Path(__file__).resolve().parents[2]
PATIENCE = 180.0
EXPLORER = [sys.executable, "-m", "cliploc.tui"]


def terminal(
    folder: Path, argv: list[str], columns: int = 100, rows: int = 40, **more: str
) -> PseudoTerminal:
    environment = {"PYTHONPATH": str(REPOSITORY), "CLIPLOC_HOME": str(folder), **more}
    return PseudoTerminal(argv, columns=columns, rows=rows, environment=environment)


@pytest.mark.parametrize(
    ("redirected", "said"),
    [
        ("{} </dev/null; exit $?", b"standard input is not a terminal"),
        ("set -o pipefail; {} | cat", b"the output is not a terminal"),
    ],
)
def test_a_redirected_stream_ends_it_with_a_sentence(redirected: str, said: bytes, tmp_path: Path) -> None:
    with terminal(tmp_path, ["bash", "-c", redirected.format(shlex.join(EXPLORER))]) as pseudo:
        assert pseudo.wait(PATIENCE) == 2
        assert said in pseudo.text()
        assert b"Traceback" not in pseudo.text()
        assert b"\x1b[?1049h" not in pseudo.text()


@pytest.mark.parametrize(("name", "found"), [("dumb", b"TERM is dumb"), ("", b"TERM is not set")])
def test_a_terminal_that_cannot_move_its_cursor_ends_it_with_a_sentence(
    name: str, found: bytes, tmp_path: Path
) -> None:
    with terminal(tmp_path, EXPLORER, TERM=name) as pseudo:
        assert pseudo.wait(PATIENCE) == 2
        assert found in pseudo.text()
        assert b"Traceback" not in pseudo.text()
        assert b"\x1b[" not in pseudo.text()


def test_without_colour_pictures_are_grey(tmp_path: Path) -> None:
    with terminal(tmp_path, GALLERY, NO_COLOR="1") as pseudo:
        pseudo.wait_for(lambda output: "▀".encode() in output, PATIENCE)
        drawn = pseudo.text()[pseudo.text().index(b"\x1b[?1049h") :]
        colours = set(re.findall(rb"[34]8;2;(\d+);(\d+);(\d+)", drawn))
        assert colours
        assert all(len(set(colour)) == 1 for colour in colours)
        assert b"Traceback" not in pseudo.text()


def test_a_window_that_is_too_small_says_how_large_it_must_be(tmp_path: Path) -> None:
    with terminal(tmp_path, EXPLORER, columns=40, rows=10) as pseudo:

        def shown() -> str:
            return " ".join(pseudo.shown().split())

        pseudo.wait_for(lambda _: "cliploc needs 80 × 24" in shown(), PATIENCE)
        pseudo.send("q")
        assert pseudo.wait(PATIENCE) == 0
        assert b"Traceback" not in pseudo.text()
