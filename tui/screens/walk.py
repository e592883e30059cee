"""The explorer's way through its samples: steps, jumps, marks, and which of them are listed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from textual.screen import Screen
from textual.widgets import Input

from cliploc.tui.browsing import next_in, stepped
from cliploc.tui.screens.choice import Choice, ask
from cliploc.tui.shown_scores import ShownScores
from cliploc.tui.state import FACETS, SORTS, ExplorerState, Jumps
from cliploc.tui.widgets import count as counting
from cliploc.tui.widgets.sample_list import SampleList

NEAR = ("next", "previous", "page_down", "page_up", "next_match", "previous_match")
THIS, WORDS = "this picture", "or by words: a red car"
LISTINGS = {"sort": ("Order the samples by", SORTS), "facet": ("List only", FACETS)}


class Walk:
    """What `walk(…)` does in the keymap. scores: know the present state; change: goes to another one."""

    def __init__(
        self,
        screen: Screen[None],
        scores: ShownScores,
        samples: SampleList,
        count: counting.Count,
        change: Callable[[ExplorerState], None],
    ) -> None:
        self._screen, self._scores, self._samples = screen, scores, samples
        self._count, self._change = count, change
        self._jumps = Jumps()
        self._prefixed = False
        # Whether a filter was typed since the last list; what is to be done once there is another one.
        self._narrowed = False
        self._waiting: list[Callable[[], None]] = []

    @property
    def now(self) -> ExplorerState:
        """The present state."""
        return self._scores.now

    def go(self, where: str) -> None:
        """To another sample."""
        count = self._count.take()
        self._soon(lambda: self._go(where, count))

    def _go(self, where: str, count: int) -> None:
        order, here = self._samples.order, self._samples.here
        if where in ("next_failure", "previous_failure") and self._scores.has_no_truth:
            self._screen.notify(self._scores.no_truth, severity="warning")
        if where == "next_mark":
            target = next_in(order, here, self._marked(), count or 1)
        else:
            target = stepped(order, here, where, count)
        if where not in NEAR:
            self.leave()
        self._to_place(target)

    def _marked(self) -> list[int]:
        """Where in the list the marked samples stand."""
        places, index = self._scores.dataset.places, self._samples.order.index
        found = (index[places[id_]] for id_ in self.now.marks if id_ in places)
        return sorted(at for at in found if at >= 0)

    def _soon(self, step: Callable[[], None]) -> None:
        """Take a step, in the list that is asked for: once that is there."""
        if self._samples.is_awaited():
            self._waiting.append(step)
        else:
            step()

    def listed(self) -> None:
        """Another list may be there: be in it after a filter, and go on."""
        if self._samples.is_awaited():
            return
        order, here = self._samples.order, self._samples.here
        if self._narrowed and order.places and order.index[here] < 0:
            self._to_place(order.places[0])
        self._narrowed, steps, self._waiting = False, self._waiting, []
        for step in steps:
            step()

    def prefix_g(self) -> None:
        """The second g goes to the first sample."""
        if self._prefixed:
            self.go("first")
        self._prefixed = not self._prefixed
        self._screen.set_timer(counting.COUNT_PATIENCE, self._forget_prefix)

    def _forget_prefix(self) -> None:
        self._prefixed = False

    def leave(self) -> None:
        """Remember the sample that a jump leaves."""
        self._jumps = self._jumps.left(self.now.sample)

    def jump(self, where: str) -> None:
        """Back to the sample before the last jump, or forward again."""
        jump = self._jumps.go_back if where == "back" else self._jumps.go_forward
        self._jumps, target = jump(self.now.sample)
        self._to(target)

    def jump_to(self, name: str) -> None:
        """To a sample, or to the first one of a class."""
        dataset, order = self._scores.dataset, self._samples.order
        place = dataset.places.get(name)
        if place is None:
            places, labels = order.places, dataset.label_column
            begins = (places[at] for at in order.begins)
            place = next((each for each in begins if labels[each] == name), None)
        self.leave()
        self._to_place(self._samples.here if place is None else place)

    def _to_place(self, place: int) -> None:
        self._to(self._scores.dataset.ids[place])

    def _to(self, sample: str) -> None:
        self._change(self.now.with_(sample=sample, prompt=""))

    def mark(self) -> None:
        """Mark or unmark the sample."""
        self._soon(lambda: self._change(self.now.with_(marks=self.now.marks ^ {self.now.sample})))

    def find(self) -> None:
        """Open the filter line."""
        line = self._screen.query_one(Input)
        # At once: the next keys are text, however fast they are typed.
        line.display = True
        self._screen.set_focus(line)

    def keep_filter(self) -> None:
        """Close the filter line and go back to the keys."""
        self._screen.set_focus(None)
        self._screen.query_one(Input).display = False

    def drop_filter(self) -> None:
        """List everything again."""
        self._count.take()
        self._screen.query_one(Input).value = ""
        self.keep_filter()

    def narrow(self, text: str) -> None:
        """List what matches; stay on the sample, or go to the first match."""
        self._narrowed = True
        self._change(self.now.with_(listing=replace(self.now.listing, text=text)))

    def rank(self) -> None:
        """Order the samples by similarity to words, or to the present picture."""
        listing = self.now.listing

        def chosen(words: str) -> None:
            like = "" if words == THIS else words
            self._change(self.now.with_(listing=listing.ranked(like, self.now.sample)))

        this = Choice(THIS, THIS, "the pictures most like it first")
        ask(self._screen, "Rank the pictures by", [this], chosen, present=listing.like, free=WORDS)

    def list_by(self, what: str) -> None:
        """Choose the order of the samples, or which are listed."""
        title, meanings = LISTINGS[what]
        listing = self.now.listing

        def chosen(name: str) -> None:
            if name == "similarity":
                new = listing.ranked(listing.like, listing.near or self.now.sample)
            else:
                new = replace(listing, **{what: name})
            self._change(self.now.with_(listing=new))

        choices = [Choice(name, name, meaning) for name, meaning in meanings.items()]
        ask(self._screen, title, choices, chosen, present=getattr(listing, what))
