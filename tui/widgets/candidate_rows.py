"""The lines of the leaderboard: how each candidate stands, and against the first one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from rich.text import Text
from textual.widgets import DataTable

from cliploc.core.errors import clean
from cliploc.tui.comparison import Candidate, Difference, Standing, Versus
from cliploc.tui.curves import SCORES, SHORT, difference, figure
from cliploc.tui.widgets.iou_curves import colour_of
from cliploc.tui.widgets.sample_list import fitted
from cliploc.tui.widgets.tables import right

HEADINGS = ("images", "IoU", "gain", "±95%", "win/loss", "best IoU*", *(SHORT[score] for score in SCORES[1:]))
NAME_WIDTH, DIFFERENCE_WIDTH = 24, 16
# Characters of a candidate's name over its column.
COLUMN = 12


def board_row(
    index: int,
    candidate: Candidate,
    standing: Standing,
    against: Versus | None,
    total: int,
    comparable: bool,
    doubt: str,
    colours: Mapping[str, str],
) -> tuple[Text, ...]:
    """A candidate's line. against: the first one, over the images that both have. total: of the dataset.

    comparable: scored on the same images as the first; other means are dimmed, and `images` says of how many
    they are. doubt: what speaks against its best threshold. colours: the theme's.
    """
    curves, threshold = standing.curves, candidate.config.threshold_index
    scores = [figure(curves.at(score, threshold) if curves else None) for score in SCORES]
    best = figure(curves.at("mean_iou", curves.best("mean_iou")) if curves else None)
    images = right(str(total) if standing.images == total else f"{standing.images} of {total}")
    if standing.failed and not standing.images:
        images = right("cannot run")
        images.stylize(colours.get("worse", ""))
    gain = (
        [signed(against.gain), margin_text(against), f"{against.won}/{against.lost}"]
        if against
        else ["–"] * 3
    )
    means = [right(text) for text in (scores[0], best, *scores[1:])]
    if not comparable:
        for mean in means:
            mean.stylize(colours.get("faint", ""))
    colour = colours.get(contender_colour(index, candidate).removeprefix("$"), "")
    name = Text(clean(candidate.name), colour, overflow="ellipsis", no_wrap=True)
    note = Text(clean(standing.note)) if standing.note else Text(doubt, colours.get("worse", ""))
    name.truncate(NAME_WIDTH, overflow="ellipsis")
    return (name, images, means[0], *map(right, gain), *means[1:], note)


def contender_colour(index: int, candidate: Candidate) -> str:
    """That of its curve; masks without a network have none."""
    return "$dim" if candidate.baseline else colour_of(index)


def fill_differences(
    table: DataTable[Text],
    differences: Iterable[Difference],
    names: tuple[str, str],
    colours: Mapping[str, str],
) -> None:
    """Write an empty table of differences. names: of the first candidate and of the other one."""
    table.add_column("")
    for heading in ("images", *(fitted(clean(name), COLUMN).strip() for name in names), "gain"):
        table.add_column(right(heading))
    for each in differences:
        gain = right(signed(each.gain))
        gain.stylize(colours.get("better" if each.gain > 0 else "worse", ""))
        figures = (str(each.images), figure(each.mine), figure(each.other))
        table.add_row(Text(fitted(clean(each.name), DIFFERENCE_WIDTH).rstrip()), *map(right, figures), gain)


def counted(images: int) -> str:
    """A number of images for people."""
    return f"{images:,} image{'s' * (images != 1)}"


def signed(gain: float) -> str:
    """A difference; 0 where it rounds to nothing."""
    return difference(gain, 0.0) or "0"


def margin_text(against: Versus) -> str:
    """Half the width of the gain's interval; a dash where one image says nothing about it."""
    return "–" if against.margin is None else figure(against.margin)
