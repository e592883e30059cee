"""A picture among text widgets, drawn by the best protocol the terminal has.

Resizing and encoding happen elsewhere (the app's `encode_picture`, else a thread), sending
waits for the link, and only the newest is kept waiting; the event loop only hands bytes over.
Pixels are drawn only where the whole widget is visible. Anywhere else (under a dialog,
half scrolled out) the same picture is half-cells, which Textual clips and tints as text.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from textual.geometry import Region
from textual.reactive import var
from textual.strip import Strip

from cliploc.core.terminal import Terminal
from cliploc.tui.graphics.celltexts import CELL_BYTES, PictureTexts
from cliploc.tui.graphics.frame import Cells, Detail, Frame, Job
from cliploc.tui.graphics.occlusion import occlusion_of
from cliploc.tui.graphics.pacing import Link, within
from cliploc.tui.graphics.partial_update import Painter
from cliploc.tui.graphics.surfaces import SURFACES, PictureSurface, Place
from cliploc.tui.textual_private import SYNC_END, SYNC_START, driver_of
from cliploc.tui.widgets.encoder import Encoder, Shown, in_thread, is_same
from cliploc.tui.widgets.rhythm import Rhythm

if TYPE_CHECKING:
    from textual import events
    from textual.screen import Screen

# Seconds. What takes longer to send comes coarsely first, even after a single key.
FIRST_SIGHT = 0.25
# Seconds. All detail is sent, when nothing else is, where it takes no longer than this.
LAST_TOUCH = 0.5


class Picture(Place, Painter):
    """One picture; `show` gives it the next one."""

    ALLOW_SELECT = False
    DEFAULT_CSS = "Picture { width: 1fr; height: 1fr; }"
    # Of the picture that was last put on the screen, -1 for none.
    shown_generation: var[int] = var(-1)

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
        self.link = Link(lambda _: None, answers=False)
        self._shown: Shown | None = None
        self._encode: Encoder = in_thread
        self._generation = -1
        self.wanted = asyncio.Event()
        self._rhythm = Rhythm()
        # The largest step towards the last picture that is whole, and towards the next.
        self._full_bytes = self._step_bytes = 0
        self._encode_seconds = 0.0
        self._may_get_finer = False
        # Nothing is known of the screen before Textual has painted there.
        self._repaint_due = True
        self._pixels_due = False
        self._draw_scheduled = False
        self.texts = PictureTexts(terminal)
        # Covered pictures may be half-cells in any terminal.
        self._half_cells = PictureSurface(self)
        self._surface = SURFACES[terminal.protocol](self)
        # What the present frame was made from.
        self._drawn: tuple[Shown, Job] | None = None

    def show(self, shown: Shown | None, generation: int) -> None:
        """Show this picture as soon as the link allows; None clears. Call on the event loop.

        shown: a kept picture of the app's encoder, or (H, W, 3) uint8, not changed afterwards.
        generation: grows with what the user asked for; an older one than the last shown is dropped.
        """
        if generation < self._generation:
            return
        self._rhythm.ask(generation)
        self._generation, self._shown = generation, shown
        if shown is None:
            self.frame, self._drawn, self.shown_generation = None, None, -1
            self.repaint()
        self.wanted.set()

    def expect(self, generation: int) -> None:
        """Another picture was asked for: what is there may be coarse until it comes."""
        self._rhythm.ask(generation)

    def on_mount(self) -> None:
        driver = driver_of(self.app)
        if driver is not None:
            # Only our own driver hears the terminal's answers; with another, time alone paces.
            self.link = getattr(driver, "link", Link(driver.write, answers=False))
            if self.terminal.round_trip_ms is not None:
                self.link.knows(self.terminal.round_trip_ms / 1000)
        self._encode = getattr(self.app, "encode_picture", in_thread)
        self.app.screen_change_signal.subscribe(self, self._screen_changed, immediate=True)
        self.run_worker(self._keep_drawing(), group="picture", exclusive=False)

    def on_unmount(self) -> None:
        if farewell := self.link.forget(self):
            self.link.write(farewell)

    def on_resize(self, event: events.Resize) -> None:
        self.wanted.set()

    def on_hide(self) -> None:
        """Others may paint where its pixels were."""
        self._surface.forget()

    def _screen_changed(self, screen: Screen[object]) -> None:
        """Back on the screen after a dialog or a page: on a slow link in steps, as a new picture."""
        if screen is not self.screen:
            # What a page writes wipes them, and nothing else tells of it.
            if self._surface.needs_whole:
                self._surface.forget()
        elif self._shows_cells() and self._is_blank_instead():
            self.frame = self._drawn = None
            self.repaint()

    def _is_blank_instead(self) -> bool:
        """Whether half-cells would be too much for the link, and a blank can be shown for now."""
        size = CELL_BYTES * self.size.width * self.size.height
        return self._blank() is not None and self.link.is_slow_for(size, 0.0)

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self.wanted.set()  # the letterbox shows the background

    async def _keep_drawing(self) -> None:
        """Encode and send the newest picture, one at a time, for as long as the widget lives."""
        while True:
            await self._wait_for_work()
            # The encoder works while the last frame is still under way.
            await self.link.nearly(self, self._encode_seconds)
            self.wanted.clear()
            shown = self._shown
            if shown is None or not self.size or self.terminal.protocol == "none":
                continue
            job, base = self._job(), self.frame
            frame = await self._encoded(shown, job)
            await self.link.turn(self)
            if frame is None or frame is base:
                self._may_get_finer = job.coarse if frame is None else self._lacks_detail(frame)
                self.shown_generation = job.generation
                self._draw_due_pixels()
                continue
            if not await self._may_go(frame):
                continue
            if self._shown is None or job.size != (self.size.width, self.size.height):
                self.wanted.set()
                continue
            self._drawn = (shown, replace(job, detail=frame.detail, before=None))
            self.shown_generation = job.generation
            self._present(job, frame, base)

    async def _may_go(self, frame: Frame) -> bool:
        """Wait for a moment when a large frame is in nobody's way; False when a newer one is wanted then."""
        size = len(frame.difference) + len(frame.pixels)
        if frame.coarse or not self.link.is_slow_for(size, 0.0):
            return True
        await self.link.quiet(self.wanted)
        if self.wanted.is_set():
            self._full_bytes = size
        return not self.wanted.is_set()

    async def _encoded(self, shown: Shown, job: Job) -> Frame | None:
        """The picture's frame: the one that is there if it would be the same, None if there can be none."""
        if self.frame is not None and self._drawn is not None:
            drawn, before = self._drawn
            if is_same(shown, drawn) and job.is_done_by(before):
                return self.frame
        start = time.monotonic()
        frame = await self._encode(shown, job)
        if not job.coarse:
            self._encode_seconds = time.monotonic() - start
        return frame

    async def _wait_for_work(self) -> None:
        """Until a picture is wanted, or the coarse one on the screen may have its detail."""
        if self.frame is None or not self._may_get_finer or not self.size:
            await self.wanted.wait()
        elif (rest := self._rest(self.frame)) > 0:
            await within(self.wanted, rest)

    def _rest(self, frame: Frame) -> float:
        """Seconds until the frame's detail may come, if nothing else is wanted."""
        return self._rhythm.held_for(self._generation) if frame.coarse else self._rhythm.rest_in()

    def _job(self) -> Job:
        seen = occlusion_of(self)
        return Job(
            generation=self._generation,
            size=(self.size.width, self.size.height),
            terminal=self.terminal,
            background=self.background_colors[1].rgb,
            grey=self.app.no_color,
            detail=self._detail(),
            budget=self.link.budget,
            identity=self._surface.identity,
            needs_whole=self._surface.needs_whole,
            origin=None if seen is None else seen[0],
            covered=() if seen is None else seen[1],
            at_bottom=seen is not None and self.is_at_bottom(seen[0][1]),
            before=self._cells() if self._shows_cells() else None,
        )

    def _detail(self) -> Detail:
        """What may go now: after first sight on a slow link, once a key is let go, at rest."""
        seen = self._drawn is not None and is_same(self._shown, self._drawn[0])
        if self._rhythm.held_for(self._generation) > 0:
            coarse = self.link.is_slow_for(self._full_bytes, self._encode_seconds)
        else:
            coarse = not seen and self.link.is_slow_for(self._full_bytes, 0.0, FIRST_SIGHT)
        if coarse:
            return Detail.COARSE
        at_rest = self._may_get_finer and self.frame is not None and not self.frame.coarse
        return Detail.ALL if seen and at_rest and self._rhythm.rest_in() <= 0 else Detail.COMFORTABLE

    def _lacks_detail(self, frame: Frame) -> bool:
        """Whether a finer one is to follow: all detail only where the link has time for it."""
        slow = self.link.is_slow_for(len(frame.pixels), 0.0, LAST_TOUCH)
        return frame.coarse or (frame.detail < Detail.ALL and not slow)

    def _shows_cells(self) -> bool:
        """Whether half-cells are all that there is."""
        return self.frame is None or not self.frame.pixels

    def _cells(self) -> Cells | None:
        """The half-cells that the widget's rows show where no pixels are; None if they are no colours."""
        frame, size = self.frame, (self.size.width, self.size.height)
        if frame is not None and frame.size == size:
            return frame.cells
        return None if self._surface.has_pixels else self._blank()

    def _blank(self) -> Cells | None:
        """Half-cells of the background, None where that is no colour."""
        return self.texts.blank((self.size.width, self.size.height), self.background_colors[1])

    def _present(self, job: Job, frame: Frame, base: Frame | None) -> None:
        """Put a frame on the screen: directly where `base` is still there, else through Textual."""
        known = base is self.frame and not self._repaint_due
        self.frame, self._may_get_finer = frame, self._lacks_detail(frame)
        self._step_bytes = max(self._step_bytes, len(frame.difference) + len(frame.pixels))
        if job.detail is Detail.ALL:
            self._step_bytes = 0
        elif not frame.coarse:
            self._full_bytes, self._step_bytes = self._step_bytes, 0
        (self._surface if frame.pixels else self._half_cells).present(job, frame, base, known)

    def repaint(self) -> None:
        """Let Textual write the rows; the next frame waits until they have arrived."""
        self._repaint_due = True
        self.refresh()

    def send(self, payload: str) -> None:
        self.link.send(self, SYNC_START + payload + SYNC_END)

    def draw_pixels(self) -> None:
        """Send the pixels of the present frame to where it is now."""
        self._pixels_due = False
        frame = self.frame
        if frame is None or not frame.pixels or frame.size != (self.size.width, self.size.height):
            return
        if payload := self._surface.payload(frame):
            self.send(payload)
            self._surface.drawn(frame)

    def painted_over(self) -> None:
        """Something in front of it is drawn: where pixels lie on cells, they are gone."""
        if self._surface.needs_whole and self.place() is None:
            self._surface.forget()

    def pixels_wiped(self) -> None:
        """Text is being written where the pixels go: draw them right after it."""
        self._pixels_due = True
        self._follow_text()

    def _follow_text(self) -> None:
        """Have `_after_text` called when the text that is being rendered now was written."""
        if self._draw_scheduled:
            return
        self._draw_scheduled = True
        draw_after_text = getattr(driver_of(self.app), "draw_after_text", None)
        if draw_after_text is not None:
            draw_after_text(self._after_text)
        # Without synchronized updates nothing calls the driver back.
        self.call_later(self._after_text)

    def _after_text(self) -> None:
        if not self._draw_scheduled:
            return
        self._draw_scheduled = False
        if self._pixels_due:
            self._draw_due_pixels()
        else:
            self.link.send(self, "")

    def _draw_due_pixels(self) -> None:
        if not self._pixels_due:
            return
        if self.link.is_free(self):
            self.draw_pixels()
        else:
            # A storm of repaints: draw when the last frame has arrived.
            self.wanted.set()

    def render_lines(self, crop: Region) -> list[Strip]:
        """The rows that Textual repaints; of the styles, only the background applies to a picture."""
        if self._repaint_due:
            self._repaint_due = False
            self._follow_text()
        if self.frame is None and self._shown is not None:
            self.wanted.set()
        rows = self._rows()
        strips = [rows[y] for y in crop.line_range]
        if crop.column_span != (0, self.size.width):
            strips = [strip.crop(*crop.column_span) for strip in strips]
        return strips

    def _rows(self) -> Sequence[Strip]:
        frame, cells = self.frame, self._cells()
        if not self.is_on_top() and self._is_blank_instead():
            cells = self._blank()
        if cells is None:
            return [Strip.blank(self.size.width, self.background())] * self.size.height
        if frame is None or self._shows_cells():
            self._want_pixels()
            return self.texts.half_cells(cells)
        return self._surface.rows(frame, cells)

    def _want_pixels(self) -> None:
        """Pixels were not encoded while something lay over them; now they can be seen."""
        if self._surface.needs_whole and self._drawn is not None and self.place() is not None:
            self.wanted.set()
