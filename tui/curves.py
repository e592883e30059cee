"""Scores as plain numbers: what the panels show, without numpy on the event loop."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cliploc.core import scores

SCORES = tuple(score.name for score in scores.SCORES)
SHORT = {score.name: score.short for score in scores.SCORES}
NARROW = {score.name: score.narrow for score in scores.SCORES}
COLOUR = {score.name: f"${score.name}" for score in scores.SCORES}  # variables of the themes


@dataclass(frozen=True)
class Curves:
    """Mean scores of `images` samples at all 100 thresholds, by score name."""

    images: int
    values: Mapping[str, Sequence[float]]

    def at(self, score: str, index: int) -> float:
        """One score at one threshold index."""
        return self.values[score][index]

    def best(self, score: str) -> int:
        """The threshold index where a score is highest; the lowest such index."""
        values = self.values[score]
        return values.index(max(values))


def figure(value: float | None, digits: int = 3) -> str:
    """A number in [-1, 1] as people read it: `.612`, `1.000`, `-.25`, or a dash for none."""
    if value is None:
        return "–".rjust(digits + 1)
    text = f"{value:z.{digits}f}"
    return text.replace("0.", ".", 1) if text.removeprefix("-").startswith("0") else text


def difference(value: float, baseline: float, digits: int = 3) -> str:
    """A signed difference: `+.012`, `-.040`, or blank where it rounds to nothing."""
    text = f"{value - baseline:+.{digits}f}"
    if float(text) == 0:
        return ""
    return text[0] + text[2:] if text[1] == "0" else text
