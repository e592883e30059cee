"""Pictures in a pseudo terminal: what is sent, how often, and what is left behind."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pyte
import pytest

from tests.terminal.pseudo import PseudoTerminal

REPOSITORY = Path(__file__).resolve().parents[2]
GALLERY = [sys.executable, "-m", "tests.terminal.gallery", "--size", "40x20"]
KINDS = ("halfcell", "kitty", "sixel")
COLUMNS, ROWS = 100, 40
# Seconds without a byte after which a program has nothing more to say.
QUIET = 0.6
# What one picture begins with on the wire, as pixels.
TRANSMISSION = {"kitty": b"\x1b_Ga=T", "sixel": b"\x1bP0;0;0q"}
GRAPHICS = re.compile(rb"\x1b[P_].*?\x1b\\", re.DOTALL)


@pytest.fixture
def folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(REPOSITORY)


@pytest.fixture(params=KINDS)
def gallery(request: pytest.FixtureRequest, folder: None) -> Iterator[PseudoTerminal]:
    """The gallery at rest, its first picture shown."""
    with PseudoTerminal(GALLERY, kind=request.param, columns=COLUMNS, rows=ROWS) as terminal:
        mark = TRANSMISSION.get(request.param, "▀".encode())
        terminal.wait_for(lambda output: mark in output and b"below the picture" in output, timeout=60)
        terminal.wait_until_quiet(QUIET)
        yield terminal


def press(terminal: PseudoTerminal, keys: str) -> bytes:
    """Send keys; returns what came until the program was quiet again."""
    before = len(terminal.text())
    terminal.send(keys)
    terminal.wait_until_quiet(QUIET, after=before, timeout=60)
    return terminal.text(before)


def seen(output: bytes, columns: int = COLUMNS, rows: int = ROWS) -> pyte.Screen:
    """What a reader sees of the text; graphics commands are taken out, whole."""
    screen = pyte.Screen(columns, rows)
    pyte.ByteStream(screen).feed(GRAPHICS.sub(b"", output))
    return screen


def cells(screen: pyte.Screen) -> list[list[object]]:
    return [[screen.buffer[row][column] for column in range(screen.columns)] for row in range(screen.lines)]


def sent(gallery: PseudoTerminal, output: bytes) -> int:
    return output.count(TRANSMISSION[str(gallery.kind)])


def test_each_picture_is_sent_exactly_once(gallery: PseudoTerminal) -> None:
    if gallery.kind == "halfcell":
        pytest.skip("half-cells are text")
    assert sent(gallery, gallery.text()) == 1
    for key in "thn":
        assert sent(gallery, press(gallery, key)) == 1


def test_a_change_stays_within_its_bytes(gallery: PseudoTerminal) -> None:
    limit = {"halfcell": 11_000, "kitty": 45_000, "sixel": 120_000}[str(gallery.kind)]
    assert len(press(gallery, "t")) <= limit
    if gallery.kind != "halfcell":
        assert len(press(gallery, "h")) <= limit
        assert len(press(gallery, "n")) <= limit


def test_pixels_come_inside_a_synchronized_update(gallery: PseudoTerminal) -> None:
    if gallery.kind == "halfcell":
        pytest.skip("half-cells are text")
    output = press(gallery, "n")
    at = output.index(TRANSMISSION[str(gallery.kind)])
    assert output.rindex(b"\x1b[?2026h", 0, at) > output.rfind(b"\x1b[?2026l", 0, at)


def test_a_dialog_shows_half_cells_and_then_the_picture_again(gallery: PseudoTerminal) -> None:
    before = cells(seen(gallery.text()))
    under = press(gallery, "d")
    assert "▀".encode() in under
    after = press(gallery, "d")
    assert cells(seen(gallery.text())) == before
    if gallery.kind == "sixel":
        assert sent(gallery, after) == 1


def test_scrolling_away_and_back_leaves_the_same_screen(gallery: PseudoTerminal) -> None:
    before = cells(seen(gallery.text()))
    press(gallery, "s")
    assert cells(seen(gallery.text())) != before
    back = press(gallery, "s")
    assert cells(seen(gallery.text())) == before
    if gallery.kind == "sixel":
        assert sent(gallery, back) == 1


def test_a_storm_of_resizes_ends_in_the_same_screen(gallery: PseudoTerminal) -> None:
    before = cells(seen(gallery.text()))
    start = len(gallery.text())
    for number in range(100):
        shrink = (number * 37) % 40 if number < 99 else 0
        gallery.resize(COLUMNS - shrink, ROWS - shrink // 2)
        time.sleep(0.02)  # the pace of a dragged corner, not a wait
    gallery.wait_until_quiet(2 * QUIET, after=start, timeout=90)
    assert cells(seen(gallery.text())) == before
    if gallery.kind == "sixel":
        # Whatever text went over the picture came before its pixels.
        storm = gallery.text(start)
        assert storm.rindex(TRANSMISSION["sixel"]) > storm.rfind("▀".encode())


def test_suspending_frees_the_picture_and_resuming_shows_it_again(gallery: PseudoTerminal) -> None:
    before = cells(seen(gallery.text()))
    gone = press(gallery, "z")
    assert b"\x1b[?1049l" in gone
    assert (b"a=d,d=I" in gone) == (gallery.kind == "kitty")
    start = len(gallery.text())
    os.kill(gallery.pid, signal.SIGCONT)
    gallery.wait_until_quiet(QUIET, after=start, timeout=60)
    assert cells(seen(gallery.text(start))) == before
    if gallery.kind != "halfcell":
        assert sent(gallery, gallery.text(start)) == 1


def test_the_end_leaves_the_terminal_as_it_was(gallery: PseudoTerminal) -> None:
    gallery.send("tq")
    assert gallery.wait() == 0
    output = gallery.text()
    after = output[output.rindex(b"\x1b[?1049l") :]
    assert re.sub(rb"\x1b\[[?<>\d;]*[a-zA-Z]|\r\n", b"", after) == b"gallery ended"
    assert (b"a=d,d=I" in output) == (gallery.kind == "kitty")


def test_answers_are_never_typed_into_the_program(gallery: PseudoTerminal) -> None:
    for key in "ttt":
        press(gallery, key)
    assert "state 3" in seen(gallery.text()).display[0]


def test_without_a_terminal_the_explorer_says_why(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tui"],
        cwd=REPOSITORY,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "CLIPLOC_HOME": str(tmp_path), "TERM": "xterm"},
    )
    assert done.returncode == 2
    assert "standard input is not a terminal" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("environment", [{"TERM": "dumb"}, {"NO_COLOR": "1"}])
def test_odd_terminals_get_a_sentence_or_a_fallback(
    environment: dict[str, str], tmp_path: Path, folder: None
) -> None:
    argv = [sys.executable, "-m", "tui"] if "TERM" in environment else GALLERY
    changes = {**environment, "CLIPLOC_HOME": str(tmp_path)}
    with PseudoTerminal(argv, columns=COLUMNS, rows=ROWS, environment=changes) as terminal:
        if "TERM" in environment:
            assert terminal.wait(60) == 2
            assert b"TERM is dumb" in terminal.text()
        else:
            terminal.wait_for(lambda output: "▀".encode() in output, timeout=60)
            drawn = terminal.text()[terminal.text().index(b"\x1b[?1049h") :]
            colours = set(re.findall(rb"[34]8;2;(\d+);(\d+);(\d+)", drawn))
            assert colours
            assert all(len(set(colour)) == 1 for colour in colours)
        assert b"Traceback" not in terminal.text()


def test_the_doctor_shows_a_picture_in_the_protocol_it_found(folder: None) -> None:
    for kind, mark in (("halfcell", "▀".encode()), ("kitty", b"\x1b_Ga=T"), ("sixel", b"\x1bP0;0;0q")):
        with PseudoTerminal([sys.executable, "-m", "core.cli", "doctor"], kind=kind) as terminal:
            assert terminal.wait(90) == 0
            assert mark in terminal.text()
            assert f"{kind}: ".encode() in terminal.text()
            assert b"KB/s" in terminal.text()
