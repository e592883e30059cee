"""Digits before a key, as in vim: how often it is done. Alone they may mean something themselves."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from textual import events
from textual.timer import Timer

from cliploc.tui.actions import ACTIONS
from cliploc.tui.widgets.lines import HintLine

DIGITS = tuple("0123456789")
# Seconds that a digit waits for a key that it counts, before it means something itself.
COUNT_PATIENCE = 0.5
# Seconds after which a count that means nothing alone is forgotten.
COUNT_KEPT = 10.0
# What a count repeats; another key ends it.
COUNTED = ("walk('go'", "walk('prefix_g'", "step(", "method(", "view('zoomed", "view('moved", "view('opaque")


class Count:
    """What was typed so far, shown before the hints. run: what does an action when digits mean themselves."""

    def __init__(
        self, keymap: Mapping[str, str], hints: HintLine, run: Callable[[str], Awaitable[object]]
    ) -> None:
        self._hints, self._run = hints, run
        self._digits = ""
        self._timer: Timer | None = None
        self._calls: dict[str, list[str]] = {}
        for action in ACTIONS:
            for key in keymap[action.name].split(",") if action.scope == "explorer" else ():
                self._calls.setdefault(key, []).append(action.call)

    async def hear(self, event: events.Key) -> None:
        """A digit begins or goes on with a count; another key takes it, or ends it."""
        if event.key not in DIGITS:
            takes = any(call.startswith(COUNTED) for call in self._calls.get(event.key, ()))
            if self._digits and not takes:
                await self._end()
            return
        event.stop()
        self._digits = (self._digits + event.key)[-4:]
        self._hints.pending = self._digits
        self._stop()
        patience = COUNT_PATIENCE if self._meant_alone() else COUNT_KEPT
        self._timer = self._hints.set_timer(patience, self._end)

    def take(self) -> int:
        """The number, 0 for none; it is used up."""
        digits, self._digits = self._digits, ""
        self._stop()
        self._hints.pending = ""
        return int(digits or 0)

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.stop()

    def _meant_alone(self) -> list[str]:
        """The calls of the typed digits where each has one; a later 0 makes them a number, as in vim."""
        each = [self._calls.get(digit, []) for digit in self._digits]
        if not all(each) or "0" in self._digits[1:]:
            return []
        return [call for calls in each for call in calls]

    async def _end(self) -> None:
        """No key came that the count repeats: the digits mean themselves, or nothing."""
        calls = self._meant_alone()
        self.take()
        for call in calls:
            await self._run(call)
