"""Comparing contenders (a source under a config each) on the same samples. Pure functions of boards."""

from __future__ import annotations

from dataclasses import dataclass

from core.postprocess import PostProcess
from tui.board import Board
from tui.curves import Curves
from tui.graphics.frame import Plate
from tui.state import Source


@dataclass(frozen=True)
class Contender:
    """One way to make masks. picture: its mask of the present sample; None without a heatmap."""

    name: str
    source: Source
    config: PostProcess
    board: Board
    picture: Plate | None
    sample: Curves | None


@dataclass(frozen=True)
class Difference:
    """One class or sample: a score of one contender and of the other, over the samples both have."""

    name: str
    images: int
    mine: float
    other: float

    @property
    def gain(self) -> float:
        """What the other one is better by."""
        return self.other - self.mine


def wins(mine: Contender, other: Contender, score: str) -> tuple[int, int]:
    """On how many samples the other one is better, and worse, each at its own threshold."""
    gains = [d.gain for d in by_sample(mine, other, score)]
    return sum(gain > 0 for gain in gains), sum(gain < 0 for gain in gains)


def by_sample(mine: Contender, other: Contender, score: str) -> list[Difference]:
    """Differences by sample, the largest gain first."""
    first = mine.board.by_sample(score, mine.config.threshold_index)
    second = other.board.by_sample(score, other.config.threshold_index)
    found = [Difference(id_, 1, value, second[id_]) for id_, value in first.items() if id_ in second]
    return sorted(found, key=lambda d: -d.gain)


def by_class(mine: Contender, other: Contender, score: str) -> list[Difference]:
    """Differences by class, each averaged over its samples, the largest gain first."""
    labels = dict(zip(mine.board.ids, mine.board.labels, strict=True))
    groups: dict[str, list[Difference]] = {}
    for difference in by_sample(mine, other, score):
        groups.setdefault(labels[difference.name], []).append(difference)
    found = [
        Difference(
            label,
            len(members),
            sum(d.mine for d in members) / len(members),
            sum(d.other for d in members) / len(members),
        )
        for label, members in groups.items()
    ]
    return sorted(found, key=lambda d: -d.gain)


def csv_of(differences: list[Difference], mine: str, other: str, score: str) -> str:
    """The table as CSV."""
    lines = [f"name,images,{score} of {quoted(mine)},{score} of {quoted(other)},difference"]
    lines += [f"{quoted(d.name)},{d.images},{d.mine!r},{d.other!r},{d.gain!r}" for d in differences]
    return "\n".join(lines) + "\n"


def quoted(text: str) -> str:
    """A CSV field."""
    return '"' + text.replace('"', '""') + '"' if set(text) & set(',"\n') else text
