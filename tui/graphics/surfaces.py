"""How the pictures of each protocol come onto the screen, and whether they are still there.

A surface is one protocol's part of one widget; its encoder is the module of the protocol's name beside
this one, which other processes load without it.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Sequence
from typing import ClassVar

from rich.style import Style
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from cliploc.core.terminal import Protocol, Terminal
from cliploc.tui.graphics.celltexts import PictureTexts
from cliploc.tui.graphics.frame import Cells, Frame, Job
from cliploc.tui.graphics.occlusion import occlusion_of
from cliploc.tui.graphics.pacing import Link
from cliploc.tui.graphics.pixelrow import PixelRow
from cliploc.tui.graphics.placeholders import deletion, placeholders


class Place(Widget):
    """What a surface sees and uses of the widget that it draws in."""

    terminal: Terminal
    link: Link
    texts: PictureTexts
    # Set when the picture is to be encoded anew.
    wanted: asyncio.Event

    def repaint(self) -> None:
        """Let Textual write the rows."""
        raise NotImplementedError

    def send(self, payload: str) -> None:
        """Write on the terminal at once."""
        raise NotImplementedError

    def draw_pixels(self) -> None:
        """Send the pixels of the present frame to where it is now."""
        raise NotImplementedError

    def pixels_wiped(self) -> None:
        """Text is being written where the pixels go."""
        raise NotImplementedError

    def is_on_top(self) -> bool:
        """Whether no other screen lies over it."""
        return self.app.screen is self.screen

    def place(self) -> Region | None:
        """Where on the screen the widget is, when all of it is visible and nothing covers it."""
        seen = occlusion_of(self)
        return None if seen is None or seen[1] else Region(*seen[0], *self.size)

    def is_at_bottom(self, y: int) -> bool:
        """Whether the widget, from row y of the screen, ends in the screen's last row."""
        return y + self.size.height >= self.app.size.height

    def background(self) -> Style:
        """The style around the picture."""
        return Style(bgcolor=self.background_colors[1].rich_color)


class PictureSurface:
    """Half-cells: text, of which a frame brings what differs."""

    # Whether there are pixels beside the text, and whether they need the whole widget to be visible.
    has_pixels: ClassVar[bool] = False
    needs_whole: ClassVar[bool] = False
    # The name that the terminal knows a picture by.
    identity = 0

    def __init__(self, picture: Place) -> None:
        self.picture = picture
        # What the terminal holds of the picture: the frame, and all that makes it valid.
        self._held: tuple[object, ...] = ()

    def present(self, job: Job, frame: Frame, base: Frame | None, known: bool) -> None:
        """Put a frame on the screen. known: `base` is what is there, None for the widget's blank."""
        if not known or job.before is None or occlusion_of(self.picture) != (job.origin, job.covered):
            self.picture.repaint()
        elif frame.difference:
            self.picture.texts.drawn_over()
            self.picture.send(frame.difference)

    def rows(self, frame: Frame, cells: Cells) -> Sequence[Strip]:
        """The widget's rows, as they are written when they are painted. cells: the frame's half-cells."""
        return self.picture.texts.half_cells(cells)

    def payload(self, frame: Frame) -> str:
        """The bytes that draw the frame's pixels where the widget is now; "" where they cannot be drawn."""
        return ""

    def valid(self, frame: Frame) -> tuple[object, ...]:
        """What must stay the same for the terminal to still hold the frame's pixels; empty if it cannot."""
        return ()

    def drawn(self, frame: Frame) -> None:
        """The frame's pixels were sent."""
        self._held = self.valid(frame)

    def holds(self, frame: Frame) -> bool:
        """Whether the terminal still has the frame's pixels."""
        return bool(self._held) and self._held == self.valid(frame)

    def forget(self) -> None:
        """Others may have painted where the pixels were."""
        self._held = ()


class Kitty(PictureSurface):
    """Pixels in the terminal's memory, under text that names them."""

    has_pixels = True

    def __init__(self, picture: Place) -> None:
        super().__init__(picture)
        # At random, since other programs name theirs too.
        self.identity = 256 + secrets.randbelow(2**24 - 256)
        self._rows: tuple[object, list[Strip]] = (None, [])

    def present(self, job: Job, frame: Frame, base: Frame | None, known: bool) -> None:
        """Send the pixels; the text only where it is another one."""
        on_top = self.picture.is_on_top()
        if on_top:
            self.picture.draw_pixels()
        text_stays = known and base is not None and _text_of(base) == _text_of(frame)
        if not (text_stays and on_top):
            self.picture.repaint()

    def rows(self, frame: Frame, cells: Cells) -> Sequence[Strip]:
        """Placeholders; half-cells under another screen, which tints them."""
        if not self.picture.is_on_top():
            return super().rows(frame, cells)
        if not self.holds(frame):
            self.picture.pixels_wiped()
        if self._rows[0] != _text_of(frame):
            self._rows = (_text_of(frame), placeholders(self.identity, frame.background, frame.box))
        return self._rows[1]

    def payload(self, frame: Frame) -> str:
        """The transmission; what frees it is kept for the end."""
        self.picture.link.keep(self.picture, self.picture.terminal.passed(deletion(self.identity)))
        return frame.pixels

    def valid(self, frame: Frame) -> tuple[object, ...]:
        """Another terminal may be around tmux now; a new size is all that tells."""
        link = self.picture.link
        return (frame, link.sessions, link.resizes if self.picture.terminal.tmux else 0)


class Sixel(PictureSurface):
    """Pixels painted over cells, which any text written there wipes."""

    has_pixels = needs_whole = True

    def present(self, job: Job, frame: Frame, base: Frame | None, known: bool) -> None:
        """Over the pixels that are there, else after the blanks that they need."""
        if known and base is not None and base.box == frame.box and self.holds(base):
            self.picture.draw_pixels()
        else:
            self.picture.repaint()

    def rows(self, frame: Frame, cells: Cells) -> Sequence[Strip]:
        """Rows that leave the pixels alone; half-cells where a part of them cannot be seen."""
        picture, place = self.picture, self.picture.place()
        if place is None:
            self.forget()
            return super().rows(frame, cells)
        if frame.at_bottom != picture.is_at_bottom(place.y):
            picture.wanted.set()
        row = PixelRow(picture.size.width, picture.background(), self.holds(frame), picture.pixels_wiped)
        return [row] * picture.size.height

    def payload(self, frame: Frame) -> str:
        """The pixels at their place, if they were made for it: they keep off the screen's last row."""
        place = self.picture.place()
        if place is None or frame.at_bottom != self.picture.is_at_bottom(place.y):
            return ""
        x, y = place.x + frame.box.x, place.y + frame.box.y
        return f"\x1b7\x1b[{y + 1};{x + 1}H{frame.pixels}\x1b8"

    def valid(self, frame: Frame) -> tuple[object, ...]:
        """The same terminal and place."""
        link, place = self.picture.link, self.picture.place()
        return () if place is None else (frame, link.sessions, link.resizes, place)


SURFACES: dict[Protocol, type[PictureSurface]] = {
    "kitty": Kitty,
    "sixel": Sixel,
    "halfcell": PictureSurface,
    "none": PictureSurface,
}


def _text_of(frame: Frame) -> tuple[object, ...]:
    """What a kitty frame's text depends on."""
    return (frame.box, frame.background)
