"""Pictures in a pseudo terminal: what is sent, how often, and what is left behind."""

from __future__ import annotations

import os
import re
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyte
import pytest

from tests.terminal.pseudo import PseudoTerminal

REPOSITORY = Path(__file__).resolve().parents[2]
GALLERY = [sys.executable, "-m", "tests.terminal.gallery", "--size", "40x20", "--unmeasured"]
KINDS = ("halfcell", "kitty", "sixel")
COLUMNS, ROWS = 100, 40
# Seconds without a byte after which a program has nothing more to say.
QUIET = 0.4
# What one picture begins with on the wire, as pixels.
TRANSMISSION = {"kitty": b"\x1b_Ga=T", "sixel": b"\x1bP0;0;0q"}
GRAPHICS = re.compile(rb"\x1b[P_].*?\x1b\\", re.DOTALL)


@contextmanager
def started(kind: str, columns: int = COLUMNS, rows: int = ROWS) -> Iterator[PseudoTerminal]:
    """The gallery at rest, its first picture shown."""
    environment = {"PYTHONPATH": str(REPOSITORY)}
    with PseudoTerminal(GALLERY, kind=kind, columns=columns, rows=rows, environment=environment) as terminal:
        mark = TRANSMISSION.get(kind, "▀".encode())
        terminal.wait_for(lambda output: mark in output and b"state 0" in output, timeout=60)
        terminal.wait_until_quiet(QUIET)
        yield terminal


@pytest.fixture(scope="module", params=KINDS)
def gallery(request: pytest.FixtureRequest) -> Iterator[PseudoTerminal]:
    """One gallery for all tests of a kind; each leaves it at rest, with nothing over the picture."""
    with started(request.param) as terminal:
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


@pytest.mark.parametrize("kind", ["kitty", "sixel"])
def test_each_picture_is_sent_exactly_once(kind: str) -> None:
    with started(kind) as gallery:
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


@pytest.mark.parametrize("kind", KINDS)
def test_a_picture_that_changes_under_a_notice(kind: str) -> None:
    """The notice stays whole, the picture is sent as differences, and nothing of either is left behind."""
    columns, rows = 50, 22
    with started(kind, columns, rows) as gallery:
        start = len(gallery.text())
        gallery.send("O")
        gallery.wait_for(lambda output: b"a toast" in output, start=start)
        gallery.wait_until_quiet(0.1)
        before = len(gallery.text())
        gallery.send("t")
        gallery.wait_until_quiet(0.2, after=before)
        changed = len(gallery.text())
        covered = seen(gallery.text(), columns, rows)
        # The picture has rows 1 to 20, and 40 of the 50 columns.
        assert [y for y, line in enumerate(covered.display) if "a toast" in line and y <= 20]
        assert changed - before < {"halfcell": 6_000}.get(kind, 60_000)
        gallery.wait_until_quiet(QUIET, after=changed)
        assert not any("a toast" in line for line in seen(gallery.text(), columns, rows).display)
        alone = cells(seen(gallery.text(), columns, rows))
        press(gallery, "d")
        press(gallery, "d")
        assert cells(seen(gallery.text(), columns, rows)) == alone
        if kind != "halfcell":
            assert sent(gallery, gallery.text(before)) >= 1


def test_scrolling_away_and_back_leaves_the_same_screen(gallery: PseudoTerminal) -> None:
    before = cells(seen(gallery.text()))
    press(gallery, "s")
    assert cells(seen(gallery.text())) != before
    back = press(gallery, "s")
    assert cells(seen(gallery.text())) == before
    if gallery.kind == "sixel":
        assert sent(gallery, back) == 1


@pytest.mark.parametrize("resizes", [20, pytest.param(100, marks=pytest.mark.soak)])
def test_a_storm_of_resizes_ends_in_the_same_screen(gallery: PseudoTerminal, resizes: int) -> None:
    before = cells(seen(gallery.text()))
    start = len(gallery.text())
    for number in range(resizes):
        shrink = (number * 37) % 40 if number < resizes - 1 else 0
        gallery.resize(COLUMNS - shrink, ROWS - shrink // 2)
        time.sleep(0.02)  # the pace of a dragged corner, not a wait
    gallery.wait_until_quiet(2 * QUIET, after=start, timeout=90)
    assert cells(seen(gallery.text())) == before
    if gallery.kind == "sixel":
        # Whatever text went over the picture came before its pixels.
        storm = gallery.text(start)
        assert storm.rindex(TRANSMISSION["sixel"]) > storm.rfind("▀".encode())


def test_a_sixel_picture_keeps_off_the_last_row_only_while_it_is_there() -> None:
    """Sixels in the screen's last row would scroll it."""

    def drawn(terminal: PseudoTerminal) -> tuple[int, ...]:
        return tuple(map(int, re.findall(rb'\x1bP0;0;0q"1;1;(\d+);(\d+)', terminal.text())[-1]))

    with started("sixel", 60, 21) as gallery:
        sizes = [drawn(gallery)]
        for rows in (30, 21, 30):
            before = len(gallery.text())
            gallery.resize(60, rows)
            gallery.wait_until_quiet(QUIET, after=before, timeout=60)
            sizes.append(drawn(gallery))
    assert sizes == [(380, 380), (400, 400), (380, 380), (400, 400)]


def test_suspending_frees_the_picture_and_resuming_shows_it_again(gallery: PseudoTerminal) -> None:
    before = cells(seen(gallery.text()))
    gone = press(gallery, "z")
    assert b"\x1b[?1049l" in gone
    assert (b"a=d,d=I" in gone) == (gallery.kind == "kitty")
    start = len(gallery.text())
    gallery.wait_until_stopped()
    os.kill(gallery.pid, signal.SIGCONT)
    gallery.wait_until_quiet(QUIET, after=start, timeout=60)
    assert cells(seen(gallery.text(start))) == before
    if gallery.kind != "halfcell":
        assert sent(gallery, gallery.text(start)) == 1


@pytest.mark.parametrize("kind", KINDS)
def test_the_end_leaves_the_terminal_as_it_was(kind: str) -> None:
    with started(kind) as gallery:
        gallery.send("tq")
        assert gallery.wait() == 0
        output = gallery.text()
    after = output[output.rindex(b"\x1b[?1049l") :]
    assert re.sub(rb"\x1b\[[?<>\d;]*[a-zA-Z]|\r\n", b"", after) == b"gallery ended"
    assert (b"a=d,d=I" in output) == (kind == "kitty")
    # Once input is off, nobody would hear an answer but the shell.
    assert b"\x1b[6n" not in output[output.rindex(b"\x1b[?2004l") :]


def test_answers_are_never_typed_into_the_program(gallery: PseudoTerminal) -> None:
    def state() -> int:
        return int(seen(gallery.text()).display[0].split()[1])

    before = state()
    for key in "ttt":
        press(gallery, key)
    assert state() == before + 3


def test_the_doctor_shows_a_picture_in_the_protocol_it_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(REPOSITORY)
    for kind, mark in (("halfcell", "▀".encode()), ("kitty", b"\x1b_Ga=T"), ("sixel", b"\x1bP0;0;0q")):
        with PseudoTerminal([sys.executable, "-m", "cliploc.core.cli", "doctor"], kind=kind) as terminal:
            assert terminal.wait(90) == 0
            assert mark in terminal.text()
            assert f"{kind}: ".encode() in terminal.text()
            assert b"KB/s" in terminal.text()
