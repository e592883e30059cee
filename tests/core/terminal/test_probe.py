"""The terminal probe: every answer, every silence, and no exception."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import pytest

from cliploc.core.errors import ParameterError
from cliploc.core.terminal import NO_PASSTHROUGH, PASSTHROUGH, PROTOCOLS, ROUNDED_COLOURS
from cliploc.core.terminal import probe as terminal
from tests.terminal.pseudo import PseudoTerminal

REPOSITORY = Path(__file__).resolve().parents[3]
SHOW = """from cliploc.core.terminal.probe import probe
found = probe(timeout={timeout})
print("FOUND", found.protocol, found.cell_width, found.cell_height, found.truecolor, end=" ")
print(found.round_trip_ms is not None)
"""


def probed(kind: str | None, timeout: float = 5.0, **environment: str) -> list[str]:
    """What a program that probes says, run in a terminal of that kind."""
    argv = [sys.executable, "-c", SHOW.format(timeout=timeout)]
    with PseudoTerminal(
        argv, kind=kind, environment={"PYTHONPATH": str(REPOSITORY), **environment}
    ) as pseudo:
        assert pseudo.wait() == 0
        text = pseudo.text().decode()
    return text[text.index("FOUND") :].split()[1:]


@pytest.mark.parametrize("kind", ["kitty", "sixel", "halfcell"])
def test_the_best_protocol_that_the_terminal_answers(kind: str) -> None:
    assert probed(kind) == [kind, "10", "20", "True", "True"]


def test_a_silent_terminal_gets_half_cells_and_the_window_s_cell_size() -> None:
    assert probed(None, timeout=0.1, COLORTERM="") == ["halfcell", "10", "20", "False", "False"]


def test_a_dumb_terminal_is_asked_nothing() -> None:
    assert probed("kitty", TERM="dumb")[0] == "none"


def test_without_a_terminal_there_is_no_error() -> None:
    code = "from cliploc.core.terminal.probe import probe, usable; print(probe().protocol); print(usable())"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=REPOSITORY,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        start_new_session=True,
        check=True,
        env={"TERM": "xterm", "PATH": "/usr/bin:/bin"},
    )
    protocol, reason = done.stdout.splitlines()
    assert protocol == "halfcell"
    assert "standard input is not a terminal" in reason


@pytest.mark.parametrize(
    ("name", "answers", "expected"),
    [
        ("kitty(0.41.1)", {"kitty": "OK"}, "kitty"),
        ("ghostty 1.1.3", {"kitty": "OK"}, "kitty"),
        ("kitty(0.26.5)", {"kitty": "OK"}, "halfcell"),
        ("WezTerm 20240203", {"kitty": "OK", "attributes": "65;4;6;18;22"}, "sixel"),
        ("Konsole 23.08", {"kitty": "OK", "attributes": "62;1"}, "halfcell"),
        ("", {"kitty": "OK"}, "halfcell"),
        ("kitty(0.41.1)", {"kitty": "EINVAL: no", "attributes": "62"}, "halfcell"),
        ("xterm(379)", {"attributes": "64;1;2;4;6"}, "sixel"),
        ("vt400", {"attributes": "4;1"}, "halfcell"),
    ],
)
def test_no_protocol_is_chosen_that_would_stay_blank(
    name: str, answers: dict[str, str], expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    protocol, reason = terminal._choose({**answers, **({"name": name} if name else {})}, tmux="")
    assert protocol == expected
    assert reason


@pytest.mark.parametrize(
    ("tmux", "answers", "expected"),
    [
        (PASSTHROUGH, {"around": "kitty(0.41.1)", "kitty": "OK"}, "kitty"),
        (PASSTHROUGH, {"around": "kitty(0.41.1)"}, "halfcell"),
        (PASSTHROUGH, {"around": "kitty(0.26.5)", "kitty": "OK"}, "halfcell"),
        (NO_PASSTHROUGH, {"around": "kitty(0.41.1)"}, "halfcell"),
        (NO_PASSTHROUGH, {"attributes": "62;4"}, "sixel"),
    ],
)
def test_inside_tmux_the_terminal_around_it_must_have_answered(
    tmux: str, answers: dict[str, str], expected: str
) -> None:
    protocol, reason = terminal._choose({"name": "tmux 3.4", "attributes": "1;2", **answers}, tmux)
    assert protocol == expected
    assert expected != "halfcell" or (tmux in reason and "kitty" in reason)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("1;bpaste,RGB,title;kitty(0.41.1)", (PASSTHROUGH, "kitty(0.41.1)")),
        ("all;RGB;ghostty 1.1.3", (PASSTHROUGH, "ghostty 1.1.3")),
        ("on;256,title;kitty(0.41.1)", (ROUNDED_COLOURS, "kitty(0.41.1)")),
        ("off;RGB;", (NO_PASSTHROUGH, "")),
        ("", (NO_PASSTHROUGH, "")),
    ],
)
def test_tmux_is_asked_what_it_lets_through(
    said: str, expected: tuple[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "tmux"
    program.write_text(f"#!/bin/sh\necho '{said}'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("TMUX", "socket,1,0")
    assert terminal._tmux() == expected
    program.unlink()
    assert terminal._tmux() == ("tmux does not answer", "")
    monkeypatch.delenv("TMUX")
    assert terminal._tmux() == ("", "")


def test_answers_are_picked_out_of_noise() -> None:
    received = b"x\x1b_Gi=31;OK\x1b\\y\x1b[6;18;9t\x1bP>|kitty(0.41.1)\x1b\\\x1b[?62;4;22c"
    assert terminal.parse_answers(received) == {
        "kitty": "OK",
        "cell": "18;9",
        "name": "kitty(0.41.1)",
        "attributes": "62;4;22",
    }


@pytest.mark.parametrize("asked", PROTOCOLS)
def test_an_override_wins_and_says_so(asked: str) -> None:
    found = terminal.probe(timeout=0.05, override=asked)
    assert found.protocol == asked
    assert "asked for" in found.reason


def test_an_unknown_override_names_the_near_ones() -> None:
    with pytest.raises(ParameterError, match="sixel"):
        terminal.probe(override="sixle")


@pytest.mark.parametrize(
    ("answer", "expected"), [("0;48:2::1:2:3", True), ("48;2;1;2;3", True), ("0;48:5:16", False), ("", False)]
)
def test_truecolor_is_believed_when_it_comes_back(
    answer: str, expected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("COLORTERM", "TEXTUAL_COLOR_SYSTEM"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    assert terminal._truecolor({"colour": answer}) is expected


class Terminalish(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("term", ["", "dumb"])
def test_a_terminal_that_cannot_move_its_cursor_is_not_usable(
    term: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for stream in ("__stdin__", "__stdout__", "__stderr__"):
        monkeypatch.setattr(sys, stream, Terminalish())
    monkeypatch.setenv("TERM", term)
    assert "TERM" in (terminal.usable() or "")
    monkeypatch.setenv("TERM", "xterm")
    assert terminal.usable() is None


def test_a_pipe_is_not_usable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "__stdin__", Terminalish())
    monkeypatch.setattr(sys, "__stdout__", io.StringIO())
    assert "output is not a terminal" in (terminal.usable() or "")
