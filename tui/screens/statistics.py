"""The dataset in numbers: the poster's table, mask areas, images per class."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.widgets import Static

from cliploc.core.errors import clean
from cliploc.tui.answers import StatisticsReady
from cliploc.tui.around import Around
from cliploc.tui.screens.page import Page

if TYPE_CHECKING:
    from cliploc.core.datasets.statistics import Statistics


class StatisticsScreen(Page):
    """Reads every true mask, once."""

    NAME = "statistics"

    def __init__(self, around: Around) -> None:
        super().__init__(around)
        self._found: Statistics | None = None

    def compose_page(self) -> ComposeResult:
        with Horizontal(classes="page"):
            numbers = Static(Content("reading the masks …"), id="numbers", classes="panel")
            numbers.border_title = "Dataset"
            yield numbers
            with VerticalScroll(id="histogram", classes="panel") as histogram:
                histogram.border_title = "Images per class"
                yield Static(id="bars")

    def on_mount(self) -> None:
        self.say(clean(self.client.dataset.name))
        self.client.studio.statistics()
        self.query_one(VerticalScroll).focus()

    def on_statistics_ready(self, message: StatisticsReady) -> None:
        """Draw them."""
        self._found = message.statistics
        self.query_one("#numbers", Static).update(numbers_of(message.statistics))
        self.call_after_refresh(self._draw_bars)

    def on_resize(self) -> None:
        """The bars are as long as there is room."""
        self.call_after_refresh(self._draw_bars)

    def _draw_bars(self) -> None:
        if self._found is not None:
            width = self.query_one(VerticalScroll).size.width - 3
            self.query_one("#bars", Static).update(bars_of(self._found.per_class, width))

    def action_row(self, step: int) -> None:
        """Scroll the histogram."""
        self.query_one(VerticalScroll).scroll_relative(y=step, animate=False)


def numbers_of(found: Statistics) -> Content:
    """The table of counts, then quantiles of the true masks' areas."""
    rows = [
        ("images", f"{found.images:,}"),
        ("classes", f"{found.classes:,}"),
        ("per class: min", str(found.min)),
        ("per class: max", str(found.max)),
        ("per class: mean", f"{found.mean:.4f}"),
        ("per class: std", f"{found.std:.4f}"),
    ]
    lines = [
        Content.assemble((name.ljust(18), "$dim"), (value.rjust(9), "$foreground")) for name, value in rows
    ]
    lines.append(Content(""))
    if found.without_truth:
        lines.append(Content.styled(f"{found.without_truth} of {found.samples} have no true mask", "$dim"))
    if found.mask_area:
        lines.append(Content.styled("area of the true mask, part of the image", "$dim"))
    names = {0.0: "smallest", 0.25: "lower quarter", 0.5: "median", 0.75: "upper quarter", 1.0: "largest"}
    lines += [
        Content.assemble(
            (names.get(q, f"{q:.0%}").ljust(18), "$dim"), (f"{area:.1%}".rjust(9), "$foreground")
        )
        for q, area in found.mask_area.items()
    ]
    return Content("\n").join([*lines, Content(""), Content.styled("std: of the population", "$dim")])


def bars_of(per_class: Mapping[str, int], width: int) -> Content:
    """A bar a class, the largest class first."""
    names = max((len(clean(label)) for label in per_class), default=0)
    most = max(per_class.values(), default=1)
    room = max(width - names - 8, 4)
    lines = [
        Content.assemble(
            (clean(label).ljust(names + 1), "$foreground"),
            (f"{count:>4} ", "$dim"),
            ("█" * max(round(count / most * room), 1), "$primary"),
        )
        for label, count in sorted(per_class.items(), key=lambda item: (-item[1], item[0]))
    ]
    return Content("\n").join(lines)
