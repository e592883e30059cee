"""The list on the left: classes that open to their samples, or a flat ranking. Drawn line by line."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, pairwise
from math import isnan, nan
from time import monotonic
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
from cliploc.tui.answers import Listed
from cliploc.tui.browsing import FAILURE_BELOW, Order, in_table_order
from cliploc.tui.curves import figure
from cliploc.tui.freshness import scores_key
from cliploc.tui.shown_scores import ShownScores
from cliploc.tui.state import ExplorerState, Listing
from cliploc.tui.textual_private import tell_size
from cliploc.tui.widgets.by_line import subtitle, title
from cliploc.tui.widgets.framed import Framed

if TYPE_CHECKING:
    from cliploc.core.datasets import Dataset
    from cliploc.tui.answers import Ranked
    from cliploc.tui.disagreement import Disagreement

NO_VALUES: Mapping[str, float] = MappingProxyType({})
NONE = array("d")


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

    here: the place of the present sample, None for none. grouped: samples stand under their class; opened:
    those of every class, not only of the present one. values: of samples, by place; class_values: by class.
    """

    def __init__(
        self,
        dataset: Dataset,
        order: Order,
        here: int | None = None,
        *,
        grouped: bool = False,
        opened: bool = False,
        values: Sequence[float] = (),
        class_values: Mapping[str, float] = NO_VALUES,
        marks: frozenset[str] = frozenset(),
    ) -> None:
        self._ids, self._labels, self._order = dataset.ids, dataset.label_column, order
        self._values, self._class_values, self._marks = values, class_values, marks
        # Where each class begins in the list, and the end.
        self._begins = [*order.begins, len(order)] if grouped else [0]
        index = -1 if here is None else order.index[here]
        number = bisect_right(self._begins, index) - 1
        self._open = [opened or each == number for each in range(len(self._begins) - 1)]
        counts = (
            1 + is_open * (end - begin)
            for is_open, (begin, end) in zip(self._open, pairwise(self._begins), strict=True)
        )
        # The line of each class, and of the end.
        self._lines = list(accumulate(counts, initial=0))

    def __len__(self) -> int:
        return self._lines[-1] if self._open else len(self._order)

    @overload
    def __getitem__(self, index: int) -> Row: ...
    @overload
    def __getitem__(self, index: slice) -> list[Row]: ...
    def __getitem__(self, index: int | slice) -> Row | list[Row]:
        if isinstance(index, slice):
            return [self[line] for line in range(len(self))[index]]
        if not 0 <= index < len(self):
            raise IndexError(index)
        if not self._open:
            return self._sample(index)
        number = bisect_right(self._lines, index) - 1
        begin, end = self._begins[number : number + 2]
        within = index - self._lines[number]
        if within:
            return self._sample(begin + within - 1)
        label = self._labels[self._order.places[begin]]
        return Row(label, "", end - begin, self._class_values.get(label), False, self._open[number])

    def line_of(self, place: int) -> int:
        """The line of the sample at a place of the dataset, 0 when it has none."""
        index = self._order.index[place]
        if index < 0 or not self._open:
            return max(index, 0)
        number = bisect_right(self._begins, index) - 1
        return self._lines[number] + 1 + index - self._begins[number] if self._open[number] else 0

    def first_below(self, index: int) -> str:
        """The sample of a line, or the first one of its class where it is open, else the class."""
        row = self[index]
        below = self[index + 1] if row.open else row
        return row.id or below.id or row.label

    def _sample(self, index: int) -> Row:
        place = self._order.places[index]
        value, id_ = self._values[place] if self._values else nan, self._ids[place]
        return Row(self._labels[place], id_, 0, None if isnan(value) else value, id_ in self._marks)


class SampleList(ScrollView, Framed):
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
        self._scores, self._dataset = scores, scores.dataset
        # What is listed; until the studio has said, the whole table.
        self.listed = Listed(Listing(), in_table_order(self._dataset), None, None, NONE, None, 0, NONE)
        self.disagreement: Disagreement | None = None
        self.ranked: Ranked | None = None
        # Whether all classes are open, or only the present sample's.
        self.opened = False
        # Whether the numbers are IoUs, of which low ones are failures.
        self._judged = True
        self._rows = Rows(self._dataset, Order.of((), self._dataset.label_column.codes))
        self._here = ""
        # When all lines were last looked at.
        self.drawn_at = 0.0

    @property
    def order(self) -> Order:
        """The samples that are listed."""
        return self.listed.order

    @property
    def here(self) -> int:
        """The place of the present sample."""
        return self._dataset.place_of(self._scores.now.sample)

    def standing(self) -> str:
        """Where in the list the present sample stands."""
        order = self.order
        return f"{order.position(self.here) + 1} of {len(order)}" if order.places else "not listed"

    def is_awaited(self) -> bool:
        """Whether another list is asked for than the one that is there."""
        return self.listed.listing != self._scores.now.listing

    def forget(self) -> None:
        """What was known of the samples is of other scores; the list stays."""
        order = replace(self.order, failures=array("i"))
        self.listed = Listed(self.listed.listing, order, None, None, NONE, None, 0, NONE)

    def take(self, found: Listed) -> bool:
        """What is listed from now on; True for another listing than before."""
        is_other = found.listing != self.listed.listing
        self.listed = found
        if found.source not in (None, self._scores.now.source):
            self.forget()
        return is_other

    def rows(self) -> Rows:
        """The lines of what is listed, as it is in the present state."""
        state, board, listed = self._scores.now, self._scores.board, self.listed
        return Rows(
            self._dataset,
            listed.order,
            self._dataset.places.get(state.sample),
            grouped=listed.listing.sort == "table",
            opened=self.opened,
            values=listed.values,
            class_values=board.by_class("mean_iou", state.config.threshold_index) if board else NO_VALUES,
            marks=state.marks,
        )

    def list_anew(self) -> None:
        """Draw what is listed."""
        listing = self.listed.listing
        self._judged = listing.sort not in ("disagreement", "similarity", "mask area", "best threshold")
        self.show(self.rows(), self._scores.now.sample)
        self.drawn_at = monotonic()
        parts = ["Classes" if listing.sort == "table" else f"by {listing.sort}"]
        if listing.sort == "similarity":
            parts.append(escape(clean(listing.like or listing.near)))
        parts += [listing.facet] if listing.facet != "all" else []
        parts += [f"/{escape(clean(listing.text))}"] if listing.text else []
        title(self, " · ".join(parts))
        waiting = self.ranked is not None and self.ranked.missing and listing.sort == "similarity"
        self.say_below("…" if waiting or not self._is_fresh() else self._mean())

    def apart(self) -> tuple[float, int] | None:
        """How far stored sets are apart about the present sample, and how many; None where unknown."""
        values, sets = self.listed.disagreement, self.disagreement
        if sets is None or not values or isnan(value := values[self.here]):
            return None
        return value, len(sets.sets)

    def take_disagreement(self, found: Disagreement) -> str:
        """Where stored sets disagree is known; what is to be said of it, "" for nothing."""
        is_first, self.disagreement = self.disagreement is None, found
        asked = self._scores.now.listing.sort == "disagreement"
        return found.text if asked and (is_first or not found.is_enough()) else ""

    def _is_fresh(self) -> bool:
        """Whether the numbers are the present state's, or there are none."""
        found, now = self.listed, self._scores.now
        if found.config is None or found.source is None:
            return True
        same = scores_key(found.source, found.config) == scores_key(now.source, now.config)
        return same and found.config.threshold_index == now.config.threshold_index

    def walk_from(self, before: ExplorerState) -> bool:
        """Highlight another sample; False where more has changed, or another class opens."""
        now = self._scores.now
        if before.with_(sample=now.sample, prompt=now.prompt) != now or not self._rows:
            return False
        labels = {self._dataset.label_of(state.sample) for state in (before, now)}
        if walks := self.opened or now.listing.sort != "table" or len(labels) == 1:
            self.show(self._rows, now.sample)
        return walks

    def say_below(self, what: str) -> None:
        """How many are listed, and something about them."""
        count = f"{len(self.order)} of {len(self._dataset.ids)}"
        subtitle(self, f"{count}  {what}" if what else count)

    def _mean(self) -> str:
        """The mean IoU of the samples that are listed, and of how many of them where some have none."""
        mean, known = self.listed.mean, self.listed.known
        some = "" if known == len(self.order) else f" of {known}"
        return "" if mean is None else f"IoU {figure(mean, 2)}{some}"

    def show(self, rows: Rows, here: str) -> None:
        """Draw these rows and keep the present sample in view, also where another order moves it."""
        old, was, line = self._rows, self._here, self._line()
        self._rows, self._here = rows, here
        if len(rows) != len(old):
            self._measure()
            self.refresh()
        else:
            top = self.scroll_offset.y
            for y in range(top, min(top + self.size.height, len(rows))):
                row = rows[y]
                if self._look(row) != self._look(old[y]) or (here != was and row.id in (here, was)):
                    self.refresh(Region(0, y - top, self.size.width, 1))
        if here != was or len(rows) != len(old) or self._line() != line:
            self.call_after_refresh(self._reveal)

    def on_resize(self) -> None:
        self._measure()
        self.call_after_refresh(self._reveal)

    def _measure(self) -> None:
        """Tell the scroll bar how many rows there are; the attribute itself would lay the screen out."""
        size = Size(self.scrollable_content_region.width, len(self._rows))
        self.set_reactive(SampleList.virtual_size, size)
        tell_size(self, size)

    def _line(self) -> int:
        """Where the present sample is among the rows."""
        place = self._dataset.places.get(self._here)
        return 0 if place is None else self._rows.line_of(place)

    def _reveal(self) -> None:
        index = self._line()
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

    def _look(self, row: Row) -> tuple[object, ...]:
        """What a row looks like: its number, whether that is of a failure, and the rest."""
        value = figure(row.value, 2) if row.value is not None else "   "
        failing = self._judged and row.value is not None and row.value < FAILURE_BELOW and bool(row.id)
        return value, failing, row.label, row.id, row.count, row.marked, row.open

    def _segments(self, row: Row, width: int, base: Style, here: bool) -> list[Segment]:
        value, failing, *_ = self._look(row)
        style = self.get_component_rich_style("list--failure" if failing else "list--number", partial=True)
        number = base + style if not here else base
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
