"""The best cell of every heatmap set over all sweeps: a leaderboard where the terminal is large."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from textual.content import Content
from textual.reactive import reactive

from core.errors import clean
from tui.curves import figure
from tui.widgets.by_line import ByLine, Line
from tui.widgets.sample_list import fitted

if TYPE_CHECKING:
    from core.sweep.ledger import Best, RunRow


class Leaders(ByLine):
    """One line a heatmap set, best first. Tuned numbers, and said to be."""

    best: reactive[tuple[Best, ...]] = reactive(())

    def lines(self) -> list[Line]:
        if not self.best:
            return [Content.styled("no sweeps yet; S composes one", "$dim")]
        name = max(self.size.width - 34, 10)
        lines: list[Line] = [Content.styled(" " * name + "  IoU*  images   d   e     t", "$dim")]
        for entry in self.best[: max(self.size.height - 2, 1)]:
            config = entry.config
            cell = f"{entry.images:>8}{config.dilate:>4}{config.erode:>4}{config.threshold:>6.2f}"
            lines.append(
                Content.assemble(
                    fitted(clean(entry.heatmaps), name),
                    (f"  {figure(entry.mean_iou)}", "bold $foreground"),
                    (cell, "$dim"),
                )
            )
        return [*lines, Content.styled("* tuned on these images", "$dim")]


def leaders_of(runs: Sequence[RunRow], bests: Mapping[str, Sequence[Best]], dataset: str) -> tuple[Best, ...]:
    """The best of every heatmap set among the runs of a dataset, best first; old runs compete with none.

    bests: of each run's sets.
    """
    found: dict[str, Best] = {}
    for run in runs:
        if run.dataset != dataset or run.mark:
            continue
        for best in (*bests.get(run.id, ()), *([run.best] if run.best else [])):
            known = found.get(best.heatmaps)
            if known is None or best.mean_iou > known.mean_iou:
                found[best.heatmaps] = best
    return tuple(sorted(found.values(), key=lambda best: -best.mean_iou))
