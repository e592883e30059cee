"""The explorer's keys for walking through the samples and finding some."""

from __future__ import annotations

from dataclasses import replace

from textual import events
from textual.timer import Timer
from textual.widgets import Input

from cliploc.tui.actions import ACTIONS
from cliploc.tui.answers import DisagreementReady
from cliploc.tui.browsing import next_in, stepped
from cliploc.tui.screens.explorer_base import ExplorerBase
from cliploc.tui.state import PICTURES, ExplorerState
from cliploc.tui.widgets.lines import HintLine
from cliploc.tui.widgets.pictures import PictureGrid
from cliploc.tui.widgets.sample_list import SampleList

DIGITS = tuple("0123456789")
# Seconds that a digit waits for a key that it counts, before it means something itself.
COUNT_PATIENCE = 0.5
# Seconds after which a count that means nothing alone is forgotten.
COUNT_KEPT = 10.0
# What a count repeats; another key ends it.
COUNTED = ("go", "prefix_g", "step", "method", "zoom", "pan", "opacity")
# Stored heatmap sets that an order by disagreement takes.
ENOUGH = 2
NEAR = ("next", "previous", "page_down", "page_up", "next_match", "previous_match")


class ExplorerWalk(ExplorerBase):
    """Counts, steps, jumps, filter and marks."""

    _digits = ""
    _digit_timer: Timer | None = None
    _prefixed = False

    def watch_state(self, old: ExplorerState | None, new: ExplorerState) -> None:
        """Beside what changes on the screen: an order by disagreement needs every stored set."""
        super().watch_state(old, new)
        if new.listing.sort == "disagreement" and (old is None or _disputed(old) != _disputed(new)):
            self.engine.studio.disagree(new.config)

    def on_disagreement_ready(self, message: DisagreementReady) -> None:
        """Order the samples by it, or say why that is not possible."""
        found, state = message.disagreement, self.now
        if replace(found.config, threshold=0) != replace(state.config, threshold=0):
            return
        first = self.disagreement is None
        self.disagreement = found
        if len(found.sets) < ENOUGH:
            here = f"; here: {', '.join(found.sets) or 'none'}"
            self.notify(f"disagreement needs {ENOUGH} stored sets or more{here}. m and A make another",
                        severity="warning")  # fmt: skip
        elif first:
            self.notify(f"disagreement between {', '.join(found.sets)}")
        self.refresh_list()

    async def on_key(self, event: events.Key) -> None:
        """Digits begin or go on with a count; alone they mean the actions they are bound to."""
        if event.key not in DIGITS:
            if self._digits and not any(_is_counted(call) for call in self._calls_of(event.key)):
                await self._end_count()
            return
        event.stop()
        self._digits = (self._digits + event.key)[-4:]
        self.query_one(HintLine).pending = self._digits
        if self._digit_timer is not None:
            self._digit_timer.stop()
        patience = COUNT_PATIENCE if self._meant_alone() else COUNT_KEPT
        self._digit_timer = self.set_timer(patience, self._end_count)

    def _calls_of(self, key: str) -> list[str]:
        """The calls of the actions that a key is bound to here."""
        return [
            action.call
            for action in ACTIONS
            if action.scope == "explorer" and key in self.keymap[action.name].split(",")
        ]

    def _meant_alone(self) -> list[str]:
        """The calls of the typed digits where each has one; a later 0 makes them a number, as in vim."""
        each = [self._calls_of(digit) for digit in self._digits]
        if not all(each) or "0" in self._digits[1:]:
            return []
        return [call for calls in each for call in calls]

    async def _end_count(self) -> None:
        """No key came that the count repeats: the digits mean themselves, or nothing."""
        calls = self._meant_alone()
        self.take_count()
        for call in calls:
            await self.run_action(call)

    def take_count(self) -> int:
        """The count that was typed, 0 for none; it is used up."""
        digits, self._digits = self._digits, ""
        if self._digit_timer is not None:
            self._digit_timer.stop()
        self.query_one(HintLine).pending = ""
        return int(digits or 0)

    def action_picture(self, number: int) -> None:
        """Show or hide one picture; the last one stays."""
        view, name = self.now.view, PICTURES[number - 1]
        shown = [n for n in self.query_one(PictureGrid).shown() if n in PICTURES]
        names = [n for n in PICTURES if (n in shown) != (n == name)] or [name]
        layout = "auto" if view.layout == "sheet" else view.layout
        self.change(self.now.with_(view=replace(view, pictures=tuple(names), layout=layout)))

    def action_go(self, where: str) -> None:
        """Walk to another sample."""
        count, present = self.take_count(), self.now.sample
        if where == "next_mark":
            target = next_in(self.order, present, self.now.marks, count or 1)
        else:
            target = stepped(self.order, present, where, count, self.facts)
        if where not in NEAR:
            self.jumps = self.jumps.left(present)
        self.change(self.now.with_(sample=target, prompt=""))

    def action_prefix_g(self) -> None:
        """The second g goes to the first sample."""
        if self._prefixed:
            self.action_go("first")
        self._prefixed = not self._prefixed
        self.set_timer(COUNT_PATIENCE, self._forget_prefix)

    def _forget_prefix(self) -> None:
        self._prefixed = False

    def action_jump(self, where: str) -> None:
        """Back to the sample before the last jump, or forward again."""
        present = self.now.sample
        jump = self.jumps.go_back if where == "back" else self.jumps.go_forward
        self.jumps, target = jump(present)
        self.change(self.now.with_(sample=target, prompt=""))

    def on_sample_list_chosen(self, message: SampleList.Chosen) -> None:
        """A click on a sample, or on a class."""
        target = next((s.id for s in self.order if message.id in (s.id, s.label)), self.now.sample)
        self.jumps = self.jumps.left(self.now.sample)
        self.change(self.now.with_(sample=target, prompt=""))

    def action_filter(self) -> None:
        """Open the filter line."""
        line = self.query_one(Input)
        # At once: the next keys are text, however fast they are typed.
        line.display = True
        self.set_focus(line)

    def on_input_changed(self, event: Input.Changed) -> None:
        """Narrow the list while typing; stay on the sample, or go to the first match."""
        self.change(self.now.with_(listing=replace(self.now.listing, text=event.value)))
        ids = [sample.id for sample in self.order]
        if ids and self.now.sample not in ids:
            self.change(self.now.with_(sample=ids[0], prompt=""))

    def on_input_submitted(self) -> None:
        """Keep the filter and go back to the keys."""
        self._close_filter()

    def key_escape(self) -> None:
        """Drop the filter."""
        self.take_count()
        self.query_one(Input).value = ""
        self._close_filter()

    def _close_filter(self) -> None:
        self.set_focus(None)
        self.query_one(Input).display = False

    def action_mark(self) -> None:
        """Mark or unmark the sample."""
        self.change(self.now.with_(marks=self.now.marks ^ {self.now.sample}))

    def action_fold(self, opened: bool) -> None:
        """Open all classes, or only the present one."""
        self.opened = opened
        self.refresh_list()


def _is_counted(call: str) -> bool:
    return call.partition("(")[0] in COUNTED


def _disputed(state: ExplorerState) -> tuple[object, ...]:
    """What the disagreement between the sets is counted for."""
    return (state.listing.sort, replace(state.config, threshold=0))
