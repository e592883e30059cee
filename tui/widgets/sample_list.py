"""The list on the left: classes that open to their samples, or a flat ranking. Drawn line by line."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from math import isnan, nan
from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar, overload

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.geometry import Region, Size
from textual.markup import escape
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from cliploc.core.errors import clean
from cliploc.tui.browsing import FAILURE_BELOW, NO_FACTS, Catalogue, Facts, Order, listed
from cliploc.tui.curves import figure
from cliploc.tui.shown_scores import ShownScores
from cliploc.tui.state import ExplorerState
from cliploc.tui.textual_private import tell_size
from cliploc.tui.widgets.by_line import subtitle, title

if TYPE_CHECKING:
    from cliploc.tui.answers import Ranked
    from cliploc.tui.disagreement import Disagreement

NO_VALUES: Mapping[str, float] = MappingProxyType({})


@dataclass(frozen=True)
class Row:
    """One line: a class (id "") or a sample. value: its IoU, or whatever the order shows."""

    label: str
    id: str = ""
    count: int = 0
    value: float | None = None
    marked: bool = False
    open: bool = False


class Rows(Sequence[Row]):
    """The lines of the list, each made when it is drawn.

    here: the present sample's id. grouped: samples stand under their class; opened: those of every class, not
    only of the present one. values: of the samples, by place; class_values: by class.
    """

    def __init__(
        self,
        order: Order,
        here: str = "",
        *,
        grouped: bool = False,
        opened: bool = False,
        values: Sequence[float] = (),
        class_values: Mapping[str, float] = NO_VALUES,
        marks: frozenset[str] = frozenset(),
    ) -> None:
        self._order, self._values, self._class_values, self._marks = order, values, class_values, marks
        self._classes = order.classes if grouped else []
        index = order.find(here)
        label = None if index is None else order[index].label
        self._open = [opened or name == label for name, _, _ in self._classes]
        pairs = zip(self._open, self._classes, strict=True)
        # The line of each class, and of the end.
        self._lines = list(accumulate((1 + is_open * each[2] for is_open, each in pairs), initial=0))

    def __len__(self) -> int:
        return self._lines[-1] if self._classes else len(self._order)

    @overload
    def __getitem__(self, index: int) -> Row: ...
    @overload
    def __getitem__(self, index: slice) -> list[Row]: ...
    def __getitem__(self, index: int | slice) -> Row | list[Row]:
        if isinstance(index, slice):
            return [self[line] for line in range(len(self))[index]]
        if not 0 <= index < len(self):
            raise IndexError(index)
        if not self._classes:
            return self._sample(index)
        number = bisect_right(self._lines, index) - 1
        label, begin, count = self._classes[number]
        within = index - self._lines[number]
        if within:
            return self._sample(begin + within - 1)
        return Row(label, "", count, self._class_values.get(label), False, self._open[number])

    def line_of(self, id_: str) -> int:
        """The line of a sample, 0 when it has none."""
        index = self._order.find(id_)
        if index is None or not self._classes:
            return index or 0
        number = bisect_right(self._classes, index, key=lambda each: each[1]) - 1
        return self._lines[number] + 1 + index - self._classes[number][1] if self._open[number] else 0

    def first_below(self, index: int) -> str:
        """The sample of a line, or the first one of its class where it is open, else the class."""
        row = self[index]
        below = self[index + 1] if row.open else row
        return row.id or below.id or row.label

    def _sample(self, index: int) -> Row:
        sample = self._order[index]
        value = self._values[self._order.places[index]] if self._values else nan
        return Row(sample.label, sample.id, 0, None if isnan(value) else value, sample.id in self._marks)


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
        self.catalogue = Catalogue(scores.dataset.samples)
        self.order = self.catalogue.order(())
        self.facts: Facts = NO_FACTS
        self.disagreement: Disagreement | None = None
        self.ranked: Ranked | None = None
        # Whether all classes are open, or only the present sample's.
        self.opened = False
        # Whether the numbers are IoUs, of which low ones are failures.
        self._judged = True
        self._rows = Rows(self.order)
        self._here = ""

    def list_anew(self) -> None:
        """Filter, order and draw the samples of the present state."""
        state, board = self._scores.now, self._scores.board
        listing, index = state.listing, state.config.threshold_index
        if board is not None:
            self.facts = board.facts
        if self.disagreement is not None:
            disputed = self.disagreement.at(index, self.catalogue.place)
            self.facts = replace(self.facts, disagreement=disputed)
        if self.ranked is not None:
            self.facts = replace(self.facts, similarity=self.ranked.similarity)
        self._judged = listing.sort not in ("disagreement", "similarity", "mask area", "best threshold")
        self.order = listed(self.catalogue, listing, self.facts, state.marks)
        classes = board.by_class("mean_iou", index) if board else {}
        values = self.facts.by(listing.sort)
        grouped = listing.sort == "table"
        rows = Rows(
            self.order,
            state.sample,
            grouped=grouped,
            opened=self.opened,
            values=values,
            class_values=classes,
            marks=state.marks,
        )
        self.show(rows, state.sample)
        parts = ["Classes" if grouped else f"by {listing.sort}"]
        if listing.sort == "similarity":
            parts.append(escape(clean(listing.like or listing.near)))
        parts += [listing.facet] if listing.facet != "all" else []
        parts += [f"/{escape(clean(listing.text))}"] if listing.text else []
        title(self, " · ".join(parts))
        waiting = self.ranked is not None and self.ranked.missing and listing.sort == "similarity"
        waiting = waiting or (board is not None and not self._scores.has_fresh_columns())
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
        count = f"{len(self.order)} of {len(self.catalogue.samples)}"
        subtitle(self, f"{count}  {what}" if what else count)

    def _mean(self) -> str:
        """The mean IoU of the samples that are listed, and of how many of them where some have none."""
        iou = self.facts.iou
        ious = [value for place in self.order.places if (value := iou[place]) == value] if iou else []
        if not ious:
            return ""
        some = "" if len(ious) == len(self.order) else f" of {len(ious)}"
        return f"IoU {figure(sum(ious) / len(ious), 2)}{some}"

    def show(self, rows: Rows, here: str) -> None:
        """Draw these rows and keep the present sample in view."""
        old, was = self._rows, self._here
        self._rows, self._here = rows, here
        if len(rows) != len(old):
            self._measure()
            self.refresh()
        else:
            top = self.scroll_offset.y
            for y in range(top, min(top + self.size.height, len(rows))):
                row = rows[y]
                if row != old[y] or (here != was and row.id in (here, was)):
                    self.refresh(Region(0, y - top, self.size.width, 1))
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

    def _reveal(self) -> None:
        index = self._rows.line_of(self._here)
        self.scroll_to_region(Region(0, max(index - 2, 0), 1, 5), animate=False, force=True)

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
        self.post_message(self.Chosen(self._rows.first_below(index)))


def fitted(text: str, width: int) -> str:
    """`text` in exactly `width` characters; the middle of a long one gives way to an ellipsis."""
    if len(text) <= width:
        return text.ljust(width)
    if width < 4:
        return text[:width]
    tail = (width - 1) // 2
    return f"{text[: width - 1 - tail]}…{text[-tail:]}"
