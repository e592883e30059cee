"""Terminals: what they can show, as a value, and what is asked of them to know it.

Commands and the screen use this; the engine knows no terminal (a contract in pyproject.toml).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Protocol = Literal["kitty", "sixel", "halfcell", "none"]
PROTOCOLS: tuple[Protocol, ...] = ("kitty", "sixel", "halfcell", "none")
CHOICES = ("auto", *PROTOCOLS)
DEFAULT_CELL = (10, 20)
PASSTHROUGH = "passthrough"
NO_PASSTHROUGH = "allow-passthrough is off"
ROUNDED_COLOURS = "passthrough, but tmux rounds 24-bit colours"

# Terminals that answer the kitty query and also draw Unicode placeholders, with the first
# version that does. Others (Konsole, WezTerm, kitty before 0.28) would show a blank.
PLACEHOLDERS = {"kitty": (0, 28), "ghostty": (1, 0)}


@dataclass(frozen=True)
class Terminal:
    """The probe's result: how pictures are drawn here, and why.

    cell_width, cell_height: pixels of one cell. round_trip_ms: None when nothing
    answered. tmux: "" outside, else PASSTHROUGH or what keeps graphics from passing. answers:
    the raw replies by question, cleaned, for `cliploc doctor`; "around" is the name of the
    terminal around tmux.
    """

    protocol: Protocol
    cell_width: int = DEFAULT_CELL[0]
    cell_height: int = DEFAULT_CELL[1]
    truecolor: bool = False
    round_trip_ms: float | None = None
    tmux: str = ""
    reason: str = ""
    answers: Mapping[str, str] = field(default_factory=dict)

    def passed(self, command: str) -> str:
        """A graphics command as it reaches the terminal that draws: inside tmux, wrapped to pass through."""
        return wrapped(command) if self.tmux else command


def wrapped(data: str) -> str:
    """Bytes that tmux hands on, as they are, to the terminal around it. https://tmux.github.io (FAQ)"""
    doubled = data.replace("\x1b", "\x1b\x1b")
    return f"\x1bPtmux;{doubled}\x1b\\"


def draws_placeholders(name: str) -> bool:
    """Whether a terminal, by the name and version that it gives, draws Unicode placeholders."""
    match = re.match(r"(\w+)\W+(\d+)\.(\d+)", name.lower())
    if not match:
        return False
    first = PLACEHOLDERS.get(match.group(1))
    return first is not None and (int(match.group(2)), int(match.group(3))) >= first
