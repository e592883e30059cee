"""The best cell of every heatmap set over all sweeps: a leaderboard where the terminal is large."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.content import Content
from textual.reactive import reactive

from cliploc.core.errors import clean
from cliploc.tui.curves import figure
from cliploc.tui.widgets.by_line import ByLine, Line
from cliploc.tui.widgets.sample_list import fitted

if TYPE_CHECKING:
    from cliploc.tui.runs import Leader


class Leaders(ByLine):
    """One line a heatmap set, best first, among masks that need no network. Tuned numbers, and said to be."""

    best: reactive[tuple[Leader, ...]] = reactive(())

    def lines(self) -> list[Line]:
        if not self.best:
            return [Content.styled("no sweeps yet; S composes one", "$dim")]
        name = max(self.size.width - 34, 10)
        notes = [Content.styled("* tuned on these images", "$dim")]
        if doubts := dict.fromkeys(doubt for leader in self.best for doubt in leader.doubts):
            notes += Content.styled(f"! {clean('; '.join(doubts))}", "$worse").wrap(self.size.width)
        lines: list[Line] = [Content.styled(" " * name + "  IoU*  images   d   e     t", "$dim")]
        lines += [_line(leader, name) for leader in self.best[: max(self.size.height - 1 - len(notes), 1)]]
        return [*lines, *notes]


def _line(leader: Leader, name: int) -> Line:
    config, score = leader.config, f"  {figure(leader.mean_iou)}"
    if config is None:
        return Content.styled(f"{fitted(leader.name, name)}{score}{leader.images:>8}  no network", "$dim")
    cell = f"{leader.images:>8}{config.dilate:>4}{config.erode:>4}{config.threshold:>6.2f}"
    doubtful = "$worse" if leader.doubts else "$foreground"
    return Content.assemble(
        fitted(clean(leader.name), name),
        (f"{'!' if leader.doubts else ' '} {figure(leader.mean_iou)}", f"bold {doubtful}"),
        (cell, "$dim"),
    )
