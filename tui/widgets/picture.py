"""A picture among text widgets, drawn by the best protocol the terminal has.

Resizing and encoding run in a thread, sending waits for the link, and only the newest
picture is kept waiting; the event loop does no more than hand bytes to the driver.
Pixels are drawn only where the whole widget is visible. Anywhere else (under a dialog,
half scrolled out) the same picture is half-cells, which Textual clips and tints as text.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from core.terminal import Terminal
from tui.graphics.frame import Frame, Job
from tui.graphics.pacing import Link

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from textual import events

SYNC = ("\x1b[?2026h", "\x1b[?2026l")
# Seconds without a new picture after which a coarse one is sent again in full.
SETTLED = 0.15


class Picture(Widget):
    """One picture; `show` gives it the next one."""

    ALLOW_SELECT = False
    DEFAULT_CSS = "Picture { width: 1fr; height: 1fr; }"

    def __init__(
        self,
        *,
        terminal: Terminal,
        name: str | None = None,
        id: str | None = None,
        classes: str | None = None,
    ) -> None:
        super().__init__(name=name, id=id, classes=classes)
        self.terminal = terminal
        self.frame: Frame | None = None
        self._rgb: NDArray[np.uint8] | None = None
        self._generation = -1
        self._wanted = asyncio.Event()
        self._link = Link(lambda _: None, answers=False)
        self._repaint_due = False

    def show(self, rgb: NDArray[np.uint8] | None, generation: int) -> None:
        """Show this picture as soon as the link allows; None clears. Call on the event loop.

        rgb: (H, W, 3) uint8, not changed afterwards. generation: grows with what the user
        asked for; an older one than the last shown is dropped.
        """
        if generation < self._generation:
            return
        self._generation = generation
        self._rgb = rgb
        if rgb is None:
            self.frame = None
            self._repaint()
        self._wanted.set()

    @property
    def shown_generation(self) -> int:
        """The generation of the picture on the screen, -1 before the first."""
        return -1 if self.frame is None else self.frame.generation

    def on_mount(self) -> None:
        driver = self.app._driver
        self._link = getattr(driver, "link", self._link)
        self.run_worker(self._keep_drawing(), group=f"picture-{id(self)}", exit_on_error=True)

    def on_resize(self, event: events.Resize) -> None:
        self._wanted.set()

    async def _keep_drawing(self) -> None:
        """Encode and send the newest picture, one at a time, for as long as the widget lives."""
        while True:
            await self._wanted.wait()
            await self._link.turn(self)
            self._wanted.clear()
            if self._rgb is None or not self.size or self.terminal.protocol == "none":
                continue
            job = self._job(self._rgb)
            frame = await asyncio.to_thread(_encode, job)
            if self._rgb is None or job.size != (self.size.width, self.size.height):
                self._wanted.set()
                continue
            self._present(job, frame)

    def _job(self, rgb: NDArray[np.uint8]) -> Job:
        background = self.background_colors[1]
        place = self._place()
        return Job(
            rgb=rgb,
            generation=self._generation,
            size=(self.size.width, self.size.height),
            terminal=self.terminal,
            background=background.rgb,
            grey=self.app.no_color,
            coarse=False,
            identity=0,
            origin=None if place is None else (place.x, place.y),
            before=self.frame,
        )

    def _present(self, job: Job, frame: Frame) -> None:
        """Put a frame on the screen: directly where it is wholly visible, else through Textual."""
        before, self.frame = self.frame, frame
        place = self._place()
        direct = place is not None and job.origin == (place.x, place.y) and not self._repaint_due
        driver = self.app._driver
        if (
            direct
            and driver is not None
            and before is job.before
            and before is not None
            and before.size == frame.size
        ):
            if frame.draw:
                self._link.send(self, SYNC[0] + frame.draw + SYNC[1])
        else:
            self._repaint()

    def _repaint(self) -> None:
        self._repaint_due = True
        self.refresh()

    def _place(self) -> Region | None:
        """Where on the screen the widget is, when all of it is visible and nothing covers it."""
        if not self.is_attached or self.app.screen is not self.screen:
            return None
        # Front to back: whatever comes before this widget paints over it.
        for widget, (region, clip) in self.screen._compositor.visible_widgets.items():
            if widget is self:
                return region if clip.contains_region(region) else None
            if region.intersection(clip).overlaps(self.region):
                return None
        return None

    def render_lines(self, crop: Region) -> list[Strip]:
        """The rows that Textual repaints; styles other than the background do not apply to a picture."""
        self._repaint_due = False
        frame = self.frame
        if frame is None or frame.size != (self.size.width, self.size.height):
            blank = Strip.blank(self.size.width, self.rich_style)
            strips = [blank] * crop.height
        else:
            strips = [frame.strips[y] for y in crop.line_range]
        if crop.column_span != (0, self.size.width):
            strips = [strip.crop(*crop.column_span) for strip in strips]
        return strips


def _encode(job: Job) -> Frame:
    # Loads numpy, cv2 and PIL, which would delay the first paint.
    from tui.graphics.encode import encode

    return encode(job)
