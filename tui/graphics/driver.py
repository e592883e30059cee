"""Textual's Linux driver, with a link for pictures.

It hears the answers that pace the pictures, puts pixels inside the frame that they
belong to, and leaves the terminal clean: no picture in its memory, and no answer still
on its way that a shell would read as typing.
"""

from __future__ import annotations

import os
import re
import sys
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TextIO

from textual import events

from cliploc.tui.graphics import late
from cliploc.tui.graphics.pacing import Link
from cliploc.tui.textual_private import SYNC_END, SYNC_START, TerminalDriver, use_parser

if TYPE_CHECKING:
    from textual.app import App
    from textual.message import Message

use_parser(late.Parser)
# Seconds that a quit waits for answers that are still on their way.
LAST_ANSWERS = 0.7
# Seconds; Python's own 5 ms, a few times in a row, would be felt as a late key.
SWITCH_INTERVAL = 0.001
# Where Textual leaves the cursor after each update.
MOVE = re.compile(r"\x1b\[\d+;\d+H\Z")


class Vanishing:
    """A terminal's file that may go away, as it does when a connection drops.

    A write that failed would end Textual's writer thread, and the app would then wait
    for that thread forever instead of leaving; so what is written to nobody is dropped.
    """

    def __init__(self, file: TextIO) -> None:
        self._file = file

    def write(self, text: str) -> int:
        """Write, or drop it when the terminal is gone."""
        try:
            return self._file.write(text)
        except OSError:
            return self._dropped(len(text))

    def flush(self) -> None:
        """Flush, or drop what was buffered when the terminal is gone."""
        try:
            self._file.flush()
        except OSError:
            self._dropped(0)

    def fileno(self) -> int:
        """The descriptor of the terminal."""
        return self._file.fileno()

    def isatty(self) -> bool:
        """Whether it was a terminal."""
        return self._file.isatty()

    def _dropped(self, length: int) -> int:
        # What Python still buffers goes to nowhere, or it would be tried again at exit.
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self._file.fileno())
        os.close(nowhere)
        return length


class GraphicsDriver(TerminalDriver):
    """The driver to give to an app that shows pictures: `App(driver_class=GraphicsDriver)`."""

    def __init__(
        self, app: App[Any], *, debug: bool = False, mouse: bool = True, size: tuple[int, int] | None = None
    ) -> None:
        super().__init__(app, debug=debug, mouse=mouse, size=size)
        self.file = Vanishing(self.file)
        self.link = Link(super().write, answers=True)
        self._heard = threading.Condition()
        self._answers_heard = 0
        self._after_text: list[Callable[[], None]] = []
        # What an update that is under way has written so far; None between updates.
        self._held: list[str] | None = None
        self._cursor = ""

    def start_application_mode(self) -> None:
        """Take the terminal; from now on the event loop gets its turn beside busy encoder threads."""
        sys.setswitchinterval(SWITCH_INTERVAL)
        super().start_application_mode()  # type: ignore[no-untyped-call]
        if self.link.sessions:
            # Back from a suspension, where Textual itself leaves the screen blank.
            self.loop.call_soon_threadsafe(self.app.screen.refresh)

    def write(self, data: str) -> None:
        """Write; an update in one piece, which costs the event loop one handing over and not four.

        Of an update that changes nothing, nothing is written: at rest a connection is silent.
        """
        if data == SYNC_START:
            self._held = []
        elif data == SYNC_END:
            self._write_update()
        elif data != self._cursor or self._after_text:
            if move := MOVE.search(data):
                self._cursor = move.group()
            if self._held is None:
                self._write_text(data)
            else:
                self._held.append(data)

    def _write_update(self) -> None:
        """What was held; pixels that wait for the text under them go before its end."""
        text, self._held = "".join(self._held or ()), None
        waiting, self._after_text = self._after_text, []
        if waiting:
            self._write_text(SYNC_START + text)
            for draw in waiting:
                draw()
            self._write_text(SYNC_END)
        elif text:
            self._write_text(SYNC_START + text + SYNC_END)

    def _write_text(self, data: str) -> None:
        super().write(data)
        self.link.wrote_text(len(data))

    def draw_after_text(self, draw: Callable[[], None]) -> None:
        """Call `draw` when the text that is being rendered now was written, in the same update."""
        self._after_text.append(draw)

    def process_message(self, message: Message) -> None:
        """Runs in the input thread: a cursor position is the answer to a picture's question."""
        if not isinstance(message, events.CursorPosition):
            if isinstance(message, events.Resize):
                self.link.resizes += 1
            elif isinstance(message, events.AppFocus) and "TMUX" in os.environ:
                self.loop.call_soon_threadsafe(self._come_back)
            super().process_message(message)
            return
        with self._heard:
            self._answers_heard += 1
            self._heard.notify_all()
        # The event loop may hear of it late.
        self.loop.call_soon_threadsafe(self.link.answered, time.monotonic())

    def _come_back(self) -> None:
        """tmux drops pictures that are sent while another of its windows is shown: send them again."""
        self.link.sessions += 1
        self.app.screen.refresh()

    def window_changed(self) -> None:
        """Pixels are where they were no more."""
        self.link.resizes += 1

    def disable_input(self) -> None:
        """Stop reading, but not before the answers that are on their way were read."""
        if not self.exit_event.is_set():
            with self._heard:
                self._heard.wait_for(lambda: self._answers_heard >= self.link.questions, LAST_ANSWERS)
        super().disable_input()

    def stop_application_mode(self) -> None:
        """Free the terminal's picture memory, then give the terminal back."""
        self._after_text.clear()
        self.link.hush()
        self.write(self.link.farewell())
        super().stop_application_mode()
        self._answers_heard = self.link.restart()
