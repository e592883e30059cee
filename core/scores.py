"""The scores of a mask, declared once: name, words, colour, and where the function is.

Columns, tables, curves, legends and themes are made from `SCORES`. Standard library only:
the screen names scores before numpy is loaded; `cliploc.core.metrics` computes them.
"""

from __future__ import annotations

from dataclasses import dataclass

AVERAGED = "foreground, per image, then mean"
CONVENTION = f"{AVERAGED}; map >= threshold"
SUMMED = "micro and two_class: from summed counts"


@dataclass(frozen=True)
class Score:
    """A score of one image in [0, 1], whose mean over images is the reported number.

    name: its column. function: of `cliploc.core.metrics`. title, narrow, short: its words, in
    any room, in ten characters, in four. colours: on dark, on light, at full contrast, and
    of the terminal's own.
    """

    name: str
    function: str
    title: str
    narrow: str
    short: str
    colours: tuple[str, str, str, str]


# The poster's four first: those are drawn as curves.
SCORES = (
    Score("mean_iou", "iou", "mean IoU", "mean IoU", "IoU", ("#7aa2f7", "#2257c5", "#6cb6ff", "ansi_blue")),
    Score("precision", "precision", "precision", "precision", "prec",
          ("#7fd1ae", "#12805c", "#5dffb0", "ansi_green")),
    Score("recall", "recall", "recall", "recall", "rec", ("#e0af68", "#a1600a", "#ffd000", "ansi_yellow")),
    Score("f1", "f1", "F1", "F1", "F1", ("#c099e8", "#8236b3", "#ff8cff", "ansi_magenta")),
    Score("pixel_accuracy", "pixel_accuracy", "pixel accuracy", "pixel acc.", "acc",
          ("#8b93a3", "#5d6472", "#ffffff", "ansi_default")),
)  # fmt: skip
POSTERS = tuple(score.name for score in SCORES[:4])
TITLES = {score.name: score.title for score in SCORES}


def title_of(column: str) -> str:
    """A column's name for people: a score's title, `micro iou` for `micro_iou`."""
    return TITLES.get(column, column.replace("_", " "))
