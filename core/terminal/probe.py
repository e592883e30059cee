"""What this terminal can show, asked once and before anything is drawn.

One write asks everything: the kitty graphics protocol, the cell size, the
terminal's name, whether 24-bit colour is kept, and the primary device
attributes. Every terminal answers the last one, so its answer ends the wait,
and its delay is the round trip of the link. Nothing here can fail: where a
question cannot be asked, the answer is half-cells or none, with the reason.
"""

from __future__ import annotations

import fcntl
import os
import re
import select
import struct
import subprocess
import sys
import termios
import time
import tty
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import cast

from cliploc.core.errors import clean, unknown
from cliploc.core.terminal import (
    CHOICES,
    DEFAULT_CELL,
    NO_PASSTHROUGH,
    PASSTHROUGH,
    ROUNDED_COLOURS,
    Protocol,
    Terminal,
    draws_placeholders,
    wrapped,
)

# A 1x1 picture that is only asked about (a=q); the id comes back with the answer.
KITTY_QUERY = "\x1b_Gi=31,s=1,v=1,a=q,t=d,f=24;AAAA\x1b\\"
CELL_SIZE_QUERY = "\x1b[16t"
NAME_QUERY = "\x1b[>q"
# Set a 24-bit background, ask which one is set, reset: only a terminal that keeps it repeats it.
COLOUR_QUERY = "\x1b[48;2;1;2;3m\x1bP$qm\x1b\\\x1b[0m"
ATTRIBUTES_QUERY = "\x1b[c"
QUESTIONS = KITTY_QUERY + CELL_SIZE_QUERY + NAME_QUERY + COLOUR_QUERY + ATTRIBUTES_QUERY
# tmux answers for itself; it would take the kitty query for a title.
TMUX_QUESTIONS = CELL_SIZE_QUERY + NAME_QUERY + COLOUR_QUERY + ATTRIBUTES_QUERY
RESET = "\x1b[0m"
THROUGHPUT_SIZES = (8_000, 64_000, 512_000)
# Whatever a terminal printed of a question that it did not know is wiped.
WIPE = "\r\x1b[K"

ANSWERS = {
    "kitty": re.compile(rb"\x1b_Gi=31[^;]*;([^\x1b]*)\x1b\\"),
    "cell": re.compile(rb"\x1b\[6;(\d+;\d+)t"),
    "name": re.compile(rb"\x1bP>\|([^\x1b]*)\x1b\\"),
    "colour": re.compile(rb"\x1bP1\$r([^\x1b]*)m\x1b\\"),
    "attributes": re.compile(rb"\x1b\[\?([\d;]*)c"),
}

# tmux takes 24-bit colours from programs and itself maps them to what the terminal around it has.
TRUECOLOR_TERMS = (
    "direct",
    "truecolor",
    "tmux",
    "kitty",
    "ghostty",
    "alacritty",
    "wezterm",
    "foot",
    "contour",
)


def usable() -> str | None:
    """Say in a sentence why the explorer cannot start here, or None when it can."""
    if not _is_terminal(sys.__stdin__):
        return "standard input is not a terminal; start cliploc-tui from a shell, or use `cliploc` in scripts"
    if not (_is_terminal(sys.__stdout__) and _is_terminal(sys.__stderr__)):
        return "the output is not a terminal; start cliploc-tui without a pipe, or use `cliploc` in scripts"
    if os.environ.get("TERM", "") in {"", "dumb", "unknown"}:
        found = clean(os.environ.get("TERM", "")) or "not set"
        return f"TERM is {found}, a terminal without cursor movement; set TERM (for example xterm-256color)"
    return None


def probe(timeout: float = 1.0, override: str = "auto") -> Terminal:
    """Ask the terminal what it can show; call before the app takes the terminal over.

    timeout: seconds to wait for a silent terminal; an answering one ends it at once.
    override: "auto" or a protocol's name, which then wins over the answers.
    ParameterError for another word; never raises for anything the terminal does.
    """
    if override not in CHOICES:
        raise unknown("graphics protocol", override, CHOICES)
    if os.environ.get("TERM", "") in {"", "dumb", "unknown"}:
        return _overridden(Terminal("none", reason="TERM names no terminal that moves its cursor"), override)
    tmux, around = _tmux()
    try:
        with _controlling_terminal() as descriptor:
            answers, round_trip = _ask(descriptor, timeout, TMUX_QUESTIONS if tmux else QUESTIONS)
            answers |= {"around": around} if around else {}
            if tmux == PASSTHROUGH and draws_placeholders(around):
                answers |= _ask(descriptor, timeout, wrapped(KITTY_QUERY), last="kitty")[0]
            terminal = _describe(answers, round_trip, _window_cell(descriptor), tmux)
    except (OSError, termios.error) as error:
        reason = f"no terminal to ask ({_cause(error)})"
        terminal = Terminal("halfcell", truecolor=_truecolor({}), tmux=tmux, reason=reason)
    return _overridden(terminal, override)


def throughput(terminal: Terminal) -> float | None:
    """Bytes a second that the terminal takes, None when it answers nothing; about half a second at most.

    Harmless bytes (resets) are sent, more of them while they arrive quickly, and the
    device attributes are asked for after them.
    """
    if terminal.round_trip_ms is None:
        return None
    rate = None
    try:
        with _controlling_terminal() as descriptor:
            for size in THROUGHPUT_SIZES:
                data = RESET * (size // len(RESET)) + ATTRIBUTES_QUERY
                _, milliseconds = _ask(descriptor, 2.0, data)
                if milliseconds is None:
                    return rate
                rate = size / max((milliseconds - terminal.round_trip_ms) / 1000, 1e-4)
                if milliseconds > 100:
                    break
    except (OSError, termios.error):
        return rate
    return rate


def _is_terminal(stream: object) -> bool:
    try:
        return bool(stream is not None and stream.isatty())  # type: ignore[attr-defined]
    except ValueError:
        return False


def _cause(error: Exception) -> str:
    return clean(getattr(error, "strerror", None) or error)


def _overridden(terminal: Terminal, override: str) -> Terminal:
    if override == "auto":
        return terminal
    reason = f"asked for; by itself it would be {terminal.protocol}: {terminal.reason}"
    return replace(terminal, protocol=cast("Protocol", override), reason=reason)


@contextmanager
def _controlling_terminal() -> Iterator[int]:
    """Open the controlling terminal in raw mode; OSError when there is none or we are in the background."""
    descriptor = os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)
    try:
        if os.tcgetpgrp(descriptor) != os.getpgrp():
            # Changing the mode from the background would stop the process.
            raise OSError("running in the background")
        before = termios.tcgetattr(descriptor)
        tty.setraw(descriptor, termios.TCSAFLUSH)
        try:
            yield descriptor
        finally:
            # Flushing drops an answer that came too late to be read.
            termios.tcsetattr(descriptor, termios.TCSAFLUSH, before)
    finally:
        os.close(descriptor)


def _ask(
    descriptor: int, timeout: float, questions: str, last: str = "attributes"
) -> tuple[dict[str, str], float | None]:
    """Write all questions at once and read until the last one's answer came back or time is up."""
    start = time.monotonic()
    _write(descriptor, questions.encode())
    received = b""
    round_trip: float | None = None
    while (left := start + timeout - time.monotonic()) > 0:
        if not select.select([descriptor], [], [], left)[0]:
            break
        chunk = os.read(descriptor, 4096)
        received += chunk
        if not chunk or ANSWERS[last].search(received):
            round_trip = (time.monotonic() - start) * 1000 if chunk else None
            break
    _write(descriptor, WIPE.encode())
    return parse_answers(received), round_trip


def _write(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]


def parse_answers(received: bytes) -> dict[str, str]:
    """Pick the known answers out of what the terminal sent, by question, as clean text."""
    found = {}
    for question, pattern in ANSWERS.items():
        if match := pattern.search(received):
            found[question] = clean(match.group(1).decode("utf-8", "replace"))
    return found


def _describe(
    answers: dict[str, str], round_trip: float | None, window_cell: tuple[int, int] | None, tmux: str
) -> Terminal:
    protocol, reason = _choose(answers, tmux)
    width, height = _answered_cell(answers) or window_cell or DEFAULT_CELL
    return Terminal(protocol, width, height, _truecolor(answers), round_trip, tmux, reason, answers)


def _choose(answers: dict[str, str], tmux: str) -> tuple[Protocol, str]:
    """The best protocol that the answers prove, and the sentence that says why."""
    name = answers.get("around" if tmux else "name", "")
    graphics = answers.get("kitty", "").startswith("OK")
    if graphics and draws_placeholders(name):
        return "kitty", f"{name or 'the terminal'} answers the kitty graphics query and draws placeholders"
    if "4" in answers.get("attributes", "").split(";")[1:]:
        return "sixel", "the device attributes name sixel (4)"
    if not answers:
        return "halfcell", "the terminal did not answer"
    if tmux:
        around = name or "a terminal that gives no name"
        return "halfcell", f"inside tmux without sixel ({tmux}; around it {around})"
    if graphics:
        found = name or "an unnamed terminal"
        return "halfcell", f"kitty graphics, but {found} is not known to draw Unicode placeholders"
    return "halfcell", "neither kitty graphics nor sixel was answered"


def _answered_cell(answers: dict[str, str]) -> tuple[int, int] | None:
    if "cell" not in answers:
        return None
    height, width = (int(number) for number in answers["cell"].split(";"))
    return (width, height) if 1 <= width <= 200 and 1 <= height <= 400 else None


def _window_cell(descriptor: int) -> tuple[int, int] | None:
    """Cell pixels from the window's size, which OpenSSH forwards; None when it is not filled in."""
    packed = fcntl.ioctl(descriptor, termios.TIOCGWINSZ, b"\0" * 8)
    rows, columns, width, height = struct.unpack("HHHH", packed)
    if not (rows and columns and width >= columns and height >= rows):
        return None
    return width // columns, height // rows


def _truecolor(answers: dict[str, str]) -> bool:
    """Whether 24-bit colours survive: by COLORTERM, a setting, the terminal's name or its own answer."""
    if os.environ.get("COLORTERM", "").lower() in {"truecolor", "24bit"}:
        return True
    if os.environ.get("TEXTUAL_COLOR_SYSTEM", "") == "truecolor":
        return True
    if re.search(r"48[:;]2[:;]{1,2}(?:0[:;])?1[:;]2[:;]3", answers.get("colour", "")):
        return True
    known = f"{os.environ.get('TERM', '')} {answers.get('name', '')}".lower()
    return any(word in known for word in TRUECOLOR_TERMS)


def _tmux() -> tuple[str, str]:
    """PASSTHROUGH, or what keeps kitty graphics from passing tmux, and the terminal around it; outside, "".

    tmux asked the terminal around it for its name when it was attached.
    """
    if not os.environ.get("TMUX"):
        return "", ""
    asked = "#{allow-passthrough};#{client_termfeatures};#{client_termtype}"
    command = ["tmux", "display-message", "-p", "-t", os.environ.get("TMUX_PANE", ""), asked]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=1, check=False)
    except (OSError, subprocess.SubprocessError):
        return "tmux does not answer", ""
    allowed, features, around = (done.stdout.strip().split(";", 2) + ["", "", ""])[:3]
    # tmux 3.3 writes a flag as a number.
    if allowed not in {"on", "all", "1"}:
        return NO_PASSTHROUGH, clean(around)
    # A placeholder names its picture by a 24-bit colour, which tmux must not round.
    return PASSTHROUGH if "RGB" in features.split(",") else ROUNDED_COLOURS, clean(around)
