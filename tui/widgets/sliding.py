"""A panel on which the mouse sets what it shows: press and drag along a bar, wheel over a line."""

from __future__ import annotations

from textual import events

from cliploc.core.parameters import Value
from cliploc.tui.widgets.by_line import ByLine


class Sliding(ByLine):
    """Says which parameter is where; the screen's actions `put` and `step` change it."""

    _held = ""

    def named_at(self, y: int) -> str:
        """The parameter of a line of the content, "" for none."""
        raise NotImplementedError

    def value_at(self, name: str, x: int) -> Value | None:
        """The value that a column of the content means, the end's beyond it; None where nothing slides."""
        raise NotImplementedError

    def is_bar(self, name: str, x: int) -> bool:
        """Whether a press in this column takes hold of the bar."""
        raise NotImplementedError

    async def on_mouse_down(self, event: events.MouseDown) -> None:
        """Take hold of a bar, and go where it was pressed."""
        x, name = self._column(event), self.named_at(event.y - self.content_offset.y)
        if name and event.button == 1 and self.is_bar(name, x):
            event.stop()
            self._held = name
            self.capture_mouse()
            await self._slide(x, begins=True)

    async def on_mouse_move(self, event: events.MouseMove) -> None:
        """Follow."""
        if self._held:
            await self._slide(self._column(event), begins=False)

    def on_mouse_up(self) -> None:
        """Let go."""
        if self._held:
            self._held = ""
            self.release_mouse()

    async def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """One step, as the key does."""
        await self._step(event, 1)

    async def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """As above."""
        await self._step(event, -1)

    def _column(self, event: events.MouseEvent) -> int:
        return event.x - self.content_offset.x

    async def _slide(self, x: int, *, begins: bool) -> None:
        value = self.value_at(self._held, x)
        if value is not None:
            await self.run_action(f"screen.put('{self._held}', {value!r}, {begins})")

    async def _step(self, event: events.MouseEvent, direction: int) -> None:
        if name := self.named_at(event.y - self.content_offset.y):
            event.stop()
            await self.run_action(f"screen.step('{name}', {direction})")
