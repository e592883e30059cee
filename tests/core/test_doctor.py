"""`cliploc doctor` without a terminal: facts as JSON, advice as sentences."""

from __future__ import annotations

import json

import pytest

from cliploc.core.cli import main
from cliploc.core.terminal import NO_PASSTHROUGH, PASSTHROUGH, ROUNDED_COLOURS, Terminal
from cliploc.core.terminal.advice import advice
from cliploc.core.terminal.testcard import testcard as card


def test_every_section_is_in_the_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert set(report) == {
        "installed", "devices", "folders", "datasets", "models", "ledger", "terminal", "advice",
    }  # fmt: skip
    assert report["datasets"]["demo"].endswith("classes")
    assert report["terminal"]["pictures"]


def test_the_text_has_no_picture_in_a_pipe(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--graphics", "halfcell"]) == 0
    assert "▀" not in capsys.readouterr().out


def test_over_ssh_without_truecolor_the_settings_to_change_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSH_CONNECTION", "10.0.0.1 1 10.0.0.2 22")
    (line,) = [line for line in advice(Terminal("halfcell")) if "SSH" in line]
    assert "SendEnv COLORTERM" in line
    assert "AcceptEnv COLORTERM" in line
    assert not [line for line in advice(Terminal("halfcell", truecolor=True)) if "SSH" in line]


def test_no_color_and_xterm_s_registers_are_mentioned(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    lines = " ".join(advice(Terminal("sixel", truecolor=True, answers={"name": "XTerm(379)"})))
    assert "NO_COLOR" in lines
    assert "numColorRegisters" in lines


@pytest.mark.parametrize(
    ("tmux", "around", "said"),
    [
        (NO_PASSTHROUGH, "kitty(0.41.1)", "set -g allow-passthrough on"),
        (ROUNDED_COLOURS, "kitty(0.41.1)", "terminal-features"),
        (NO_PASSTHROUGH, "XTerm(379)", "tmux 3.4 built with sixel"),
        (PASSTHROUGH, "kitty(0.41.1)", "attach again"),
    ],
)
def test_what_tmux_needs_is_named(tmux: str, around: str, said: str) -> None:
    (line,) = advice(Terminal("halfcell", truecolor=True, tmux=tmux, answers={"around": around}))
    assert said in line


def test_where_tmux_passes_pictures_its_limits_are_told() -> None:
    told = advice(Terminal("kitty", truecolor=True, tmux=PASSTHROUGH, answers={"around": "kitty(0.41.1)"}))
    assert "focus-events" in told[0]
    assert "--graphics halfcell" in told[1]
    assert advice(Terminal("sixel", truecolor=True, tmux=NO_PASSTHROUGH)) == []


@pytest.mark.parametrize(
    ("protocol", "mark"), [("halfcell", "▀"), ("kitty", "\x1b_Ga=T"), ("sixel", "\x1bP")]
)
def test_the_test_picture_is_drawn_by_the_protocol(protocol: str, mark: str) -> None:
    assert mark in card(Terminal(protocol))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "told"), [("kitty(0.26.5)", 1), ("kitty(0.35.1)", 0), ("foot(1.16)", 0), ("", 0)]
)
def test_a_terminal_that_is_too_old_for_pictures_is_told_which_version_is_not(name: str, told: int) -> None:
    lines = advice(Terminal("halfcell", truecolor=True, answers={"name": name}))
    assert len([line for line in lines if "0.28" in line]) == told
