"""The list on the left: classes that open to their samples, or a flat ranking. Drawn line by line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.geometry import Region, Size
from textual.markup import escape
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from cliploc.core.datasets import Sample
from cliploc.core.errors import clean
from cliploc.tui.browsing import FAILURE_BELOW, NO_FACTS, Facts, listed
from cliploc.tui.curves import figure
from cliploc.tui.shown_scores import ShownScores
from cliploc.tui.state import ExplorerState
from cliploc.tui.textual_private import tell_size
from cliploc.tui.widgets.by_line import subtitle, title

if TYPE_CHECKING:
    from cliploc.tui.answers import Ranked
    from cliploc.tui.disagreement import Disagreement


@dataclass(frozen=True)
class Row:
    """One line: a class (id "") or a sample. value: its IoU, or whatever the order shows."""

    label: str
    id: str = ""
    count: int = 0
    value: float | None = None
    marked: bool = False
    open: bool = False


def rows_of(
    order: Sequence[Sample],
    present: str,
    opened: bool,
    grouped: bool,
    values: Mapping[str, float],
    class_values: Mapping[str, float],
    marks: frozenset[str],
) -> list[Row]:
    """The lines of the list. opened: show the samples of every class, not only of the present one."""
    samples = [Row(s.label, s.id, 0, values.get(s.id), s.id in marks) for s in order]
    if not grouped:
        return samples
    here = next((s.label for s in order if s.id == present), None)
    groups: dict[str, list[Row]] = {}
    for row in samples:
        groups.setdefault(row.label, []).append(row)
    rows = []
    for label, members in groups.items():
        is_open = opened or label == here
        rows.append(Row(label, "", len(members), class_values.get(label), False, is_open))
        rows.extend(members if is_open else [])
    return rows


class SampleList(ScrollView):
    """Rows with aligned numbers; the present sample is highlighted, a click chooses."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "list--class",
        "list--sample",
        "list--here",
        "list--number",
        "list--failure",
        "list--mark",
    }
    # Lines are cut to the room there is; the vertical bar that takes some of it is no reason for another.
    DEFAULT_CSS = "SampleList { overflow-x: hidden; }"
    can_focus = False

    @dataclass
    class Chosen(Message):
        """A row was clicked. id: the sample, or the class's first one."""

        id: str

    def __init__(self, scores: ShownScores, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._scores = scores
        self._all = scores.dataset.samples
        self.order: tuple[Sample, ...] = ()
        self.facts: Facts = NO_FACTS
        self.disagreement: Disagreement | None = None
        self.ranked: Ranked | None = None
        # Whether all classes are open, or only the present sample's.
        self.opened = False
        # Whether the numbers are IoUs, of which low ones are failures.
        self._judged = True
        self._rows: list[Row] = []
        self._here = ""

    def list_anew(self) -> None:
        """Filter, order and draw the samples of the present state."""
        state, board = self._scores.now, self._scores.board
        listing, index = state.listing, state.config.threshold_index
        if board is not None:
            self.facts = board.facts(index)
        if self.disagreement is not None:
            self.facts = replace(self.facts, disagreement=self.disagreement.at(index))
        if self.ranked is not None:
            self.facts = replace(self.facts, similarity=self.ranked.similarity)
        self._judged = listing.sort not in ("disagreement", "similarity", "mask area", "best threshold")
        self.order = listed(self._all, listing, self.facts, state.marks)
        classes = board.by_class("mean_iou", index) if board else {}
        values = self.facts.by(listing.sort)
        grouped = listing.sort == "table"
        rows = rows_of(self.order, state.sample, self.opened, grouped, values, classes, state.marks)
        self.show(rows, state.sample)
        parts = ["Classes" if grouped else f"by {listing.sort}"]
        if listing.sort == "similarity":
            parts.append(escape(clean(listing.like or listing.near)))
        parts += [listing.facet] if listing.facet != "all" else []
        parts += [f"/{escape(clean(listing.text))}"] if listing.text else []
        title(self, " · ".join(parts))
        waiting = self.ranked is not None and self.ranked.missing and listing.sort == "similarity"
        waiting = waiting or (board is not None and not self._scores.has_fresh_board())
        self.say_below("…" if waiting else self._mean())

    def take(self, found: Disagreement) -> str:
        """Where stored sets disagree; what is to be said of it, "" for nothing."""
        is_first, self.disagreement = self.disagreement is None, found
        asked = self._scores.now.listing.sort == "disagreement"
        return found.text if asked and (is_first or not found.is_enough()) else ""

    def walk_from(self, before: ExplorerState) -> bool:
        """Highlight another sample; False where more has changed, or another class opens."""
        now = self._scores.now
        if before.with_(sample=now.sample, prompt=now.prompt) != now or not self._rows:
            return False
        labels = {self._scores.dataset.by_id(state.sample).label for state in (before, now)}
        if walks := self.opened or now.listing.sort != "table" or len(labels) == 1:
            self.show(self._rows, now.sample)
        return walks

    def say_below(self, what: str) -> None:
        """How many are listed, and something about them."""
        count = f"{len(self.order)} of {len(self._all)}"
        subtitle(self, f"{count}  {what}" if what else count)

    def _mean(self) -> str:
        """The mean IoU of the samples that are listed, and of how many of them where some have none."""
        ious = [self.facts.iou[sample.id] for sample in self.order if sample.id in self.facts.iou]
        if not ious:
            return ""
        some = "" if len(ious) == len(self.order) else f" of {len(ious)}"
        return f"IoU {figure(sum(ious) / len(ious), 2)}{some}"

    def show(self, rows: list[Row], here: str) -> None:
        """Draw these rows and keep the present sample in view."""
        old, was = self._rows, self._here
        self._rows, self._here = rows, here
        if len(rows) != len(old):
            self._measure()
            self.refresh()
        else:
            for y, (row, before) in enumerate(zip(rows, old, strict=True)):
                if row != before or (here != was and row.id in (here, was)):
                    self._refresh_row(y)
        if here != was or len(rows) != len(old):
            self.call_after_refresh(self._reveal)

    def on_resize(self) -> None:
        self._measure()
        self.call_after_refresh(self._reveal)

    def _measure(self) -> None:
        """Tell the scroll bar how many rows there are; the attribute itself would lay the screen out."""
        size = Size(self.scrollable_content_region.width, len(self._rows))
        self.set_reactive(SampleList.virtual_size, size)
        tell_size(self, size)

    def _refresh_row(self, index: int) -> None:
        y = index - self.scroll_offset.y
        if 0 <= y < self.size.height:
            self.refresh(Region(0, y, self.size.width, 1))

    def _reveal(self) -> None:
        index = self._index()
        self.scroll_to_region(Region(0, max(index - 2, 0), 1, 5), animate=False, force=True)

    def _index(self) -> int:
        return next((n for n, row in enumerate(self._rows) if row.id == self._here), 0)

    def render_line(self, y: int) -> Strip:
        index = y + self.scroll_offset.y
        width = self.scrollable_content_region.width
        if index >= len(self._rows):
            return Strip.blank(width, self.rich_style)
        row = self._rows[index]
        here = bool(row.id) and row.id == self._here
        base = self.get_component_rich_style(
            "list--here" if here else "list--sample" if row.id else "list--class"
        )
        return Strip(self._segments(row, width, base, here), width)

    def _segments(self, row: Row, width: int, base: Style, here: bool) -> list[Segment]:
        failing = self._judged and row.value is not None and row.value < FAILURE_BELOW and bool(row.id)
        style = self.get_component_rich_style("list--failure" if failing else "list--number", partial=True)
        number = base + style if not here else base
        value = figure(row.value, 2) if row.value is not None else "   "
        tail = f"{row.count:>4} {value} " if not row.id else f" {value} "
        mark = self.get_component_rich_style("list--mark", partial=True)
        head = ("▾ " if row.open else "▸ ") if not row.id else "  "
        room = max(width - len(head) - len(tail) - 1, 1)
        name = fitted(clean(row.id or row.label), room)
        return [
            Segment("*" if row.marked else " ", base + mark),
            Segment(head, base if here else base + number),
            Segment(name, base),
            Segment(tail, number),
        ]

    def on_click(self, event: events.Click) -> None:
        index = event.y + self.scroll_offset.y
        if not 0 <= index < len(self._rows):
            return
        label = self._rows[index].label
        first = next((row.id for row in self._rows[index:] if row.id and row.label == label), "")
        self.post_message(self.Chosen(self._rows[index].id or first or label))


def fitted(text: str, width: int) -> str:
    """`text` in exactly `width` characters; the middle of a long one gives way to an ellipsis."""
    if len(text) <= width:
        return text.ljust(width)
    if width < 4:
        return text[:width]
    tail = (width - 1) // 2
    return f"{text[: width - 1 - tail]}…{text[-tail:]}"
