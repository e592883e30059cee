"""Colours of figures: on white paper, on a dark page, and as CSS variables that are either.

Inside the page a figure is drawn with placeholder colours, which `inline` turns
into variables: one drawing is right in light and in dark.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, fields


@dataclass(frozen=True)
class Palette:
    """ink: text and axes; muted: what is secondary; grid: lines behind; paper: the ground; series: data.

    The series stay apart for colour-blind readers (after Okabe and Ito, 2008).
    """

    ink: str
    muted: str
    grid: str
    paper: str
    series: tuple[str, ...]

    def colour(self, place: int) -> str:
        """The colour of the n-th series; they repeat after the last."""
        return self.series[place % len(self.series)]

    def variables(self) -> dict[str, str]:
        """CSS variable -> colour."""
        named = {f"--fig-{f.name}": getattr(self, f.name) for f in fields(self) if f.name != "series"}
        return named | {f"--fig-s{place}": colour for place, colour in enumerate(self.series)}


LIGHT = Palette(
    ink="#1d2329", muted="#5c6670", grid="#dfe3e7", paper="#ffffff",
    series=("#0072b2", "#c4500b", "#00805c", "#a8457d", "#9a6b00", "#4b5bb5"),
)  # fmt: skip
DARK = Palette(
    ink="#e6e9ec", muted="#9aa4ae", grid="#333b43", paper="#14181c",
    series=("#56b4e9", "#ff8c4b", "#35c99b", "#e79ac4", "#e6b73f", "#a3aefb"),
)  # fmt: skip
PLACEHOLDER = Palette(
    ink="#fe0001", muted="#fe0002", grid="#fe0003", paper="#fe0004",
    series=("#fe0010", "#fe0011", "#fe0012", "#fe0013", "#fe0014", "#fe0015"),
)  # fmt: skip


def inline(svg: str) -> str:
    """A figure drawn with PLACEHOLDER, its colours replaced by CSS variables."""
    names = {colour: name for name, colour in PLACEHOLDER.variables().items()}
    return re.sub("|".join(names), lambda found: f"var({names[found[0]]})", svg)
