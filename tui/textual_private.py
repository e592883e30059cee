"""What is used of Textual that Textual keeps to itself: every name once, with its reason.

Textual is pinned to the minor release that this was tested with; a test says in a sentence which of
these names an installed release no longer has.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from io import TextIOWrapper
from typing import TYPE_CHECKING, Any, TypeVar, cast

from rich.segment import Segment
from rich.text import Text
from textual import constants
from textual._compositor import ChopsUpdate as ChopsUpdate
from textual._compositor import Compositor as Compositor
from textual._compositor import LayoutUpdate as LayoutUpdate
from textual._styles_cache import StylesCache
from textual._xterm_parser import XTermParser as XTermParser
from textual.app import App
from textual.drivers import linux_driver
from textual.drivers.linux_driver import LinuxDriver
from textual.strip import Strip
from textual.widgets import DataTable
from textual.widgets.data_table import RowKey

if TYPE_CHECKING:
    from rich.console import RenderableType
    from textual.driver import Driver
    from textual.geometry import Region, Size
    from textual.screen import Screen
    from textual.widget import Widget

Result = TypeVar("Result")
# A synchronized update. Textual writes the end as a write of its own, after the text.
SYNC_START, SYNC_END = "\x1b[?2026h", "\x1b[?2026l"

REASONS = {
    "_compositor:Compositor.render_partial_update": "the lines of what has changed, put together",
    "_compositor:Compositor._regions_to_spans": "rectangles as lines, as Textual has them",
    "_compositor:ChopsUpdate.render_segments": "an update of some lines, written as what differs",
    "_compositor:LayoutUpdate.render_segments": "an update of the whole screen, written as what differs",
    "_ansi_sequences:SYNC_END": "where pixels go so that they come with the text under them",
    "_styles_cache:StylesCache.get_inner_outer.cache_clear": "it holds all that a closed screen has drawn",
    "_xterm_parser:XTermParser.feed": "late answers of the terminal are no keys",
    "drivers.linux_driver:XTermParser": "Textual has no other way to give its driver a parser",
    "constants:COLOR_SYSTEM": "Textual looks at COLORTERM alone, which SSH does not forward",
    "app:App._display": "the one way of text to the terminal",
    "drivers.linux_driver:LinuxDriver._get_terminal_size": "asked whenever the window has changed",
    "strip:Strip._segments": "thousands of half-cells are segments only when somebody changes them",
    "widget:Widget._scroll_update": "a scroll bar follows the rows without a new layout of the screen",
    "widgets:DataTable._update_dimensions": "when columns get their widths, which is after a first paint",
    "widgets:DataTable._clear_caches": "lines that were painted before that",
}
# What an object has once it is made.
OWN_REASONS = {
    "App._driver": "pictures write on the terminal themselves",
    "Screen._compositor.visible_widgets": "pixels are drawn only where nothing covers them",
    "Screen._compositor._dirty_regions": "what has changed since the last update",
    "Widget._border_title": "a new title repaints its line, not the widget",
    "Widget._border_subtitle": "as the title",
    "LinuxDriver._file": "a terminal that has gone away must not end the thread that writes",
    "LinuxDriver._loop": "the answers that pace pictures are read in another thread",
    "LinuxDriver._app": "a screen is painted again where the terminal lost its pictures",
}


def use_parser(kind: type[XTermParser]) -> None:
    """Have what the terminal sends read by this parser, in every driver that is made from now on."""
    linux_driver.XTermParser = kind  # type: ignore[attr-defined]


class OwnDisplay(App[Result]):
    """An app that may change each update on its way to the terminal."""

    def displayed(self, renderable: RenderableType | None) -> RenderableType | None:
        """What is written in an update's place."""
        return renderable

    def _display(self, screen: Screen[Any], renderable: RenderableType | None) -> None:
        super()._display(screen, self.displayed(renderable))


class TerminalDriver(LinuxDriver):
    """Textual's driver, with what a driver of pictures needs of it."""

    @property
    def file(self) -> TextIOWrapper:
        """The terminal; another file may be put in its place before anything is written."""
        return cast("TextIOWrapper", self._file)

    @file.setter
    def file(self, file: object) -> None:
        self._file = cast("TextIOWrapper", file)

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The app's event loop."""
        return self._loop

    @property
    def app(self) -> App[Any]:
        """The app whose terminal it is."""
        return self._app

    def window_changed(self) -> None:
        """Called whenever the window changed, also when its size in cells did not."""

    def _get_terminal_size(self) -> tuple[int, int]:
        self.window_changed()
        return super()._get_terminal_size()


class LocalCompositor(Compositor):
    """Puts a screen's widgets together; how, where only some lines have changed, may be another's way."""

    def composed(self, spans: Sequence[tuple[int, int, int]]) -> ChopsUpdate:
        """An update of these spans: row, first column, column after the last."""
        raise NotImplementedError

    def render_partial_update(self) -> ChopsUpdate | None:
        """Of what has changed since the last one; None for nothing."""
        changed = [region.intersection(self.size.region) for region in self._dirty_regions]
        self._dirty_regions.clear()
        spans = list(self._regions_to_spans(region for region in changed if region))
        return self.composed(spans) if spans else None


def use_compositor(screen: Screen[Any], compositor: Compositor) -> None:
    """Have a screen that has nothing on it yet put together in another way."""
    screen._compositor = compositor


class Table(DataTable[Text]):
    """A table that is painted again once its columns have their widths.

    Textual measures new rows when a table has nothing else to do. Painted before that, because of something
    else on the screen, it kept those lines where its whole size was to stay the same: columns without widths.
    """

    def _update_dimensions(self, new_rows: Iterable[RowKey]) -> None:
        super()._update_dimensions(new_rows)
        self._clear_caches()
        self.refresh()


class MadeLater(Strip):
    """A strip whose segments are made when somebody first asks for them."""

    __slots__ = ("_made",)

    def __init__(self, cell_length: int) -> None:
        self._made: list[Segment] | None = None
        super().__init__((), cell_length)

    def made(self) -> list[Segment]:
        """The segments."""
        raise NotImplementedError

    @property
    def _segments(self) -> list[Segment]:
        if self._made is None:
            self._made = self.made()
        return self._made

    @_segments.setter
    def _segments(self, _: list[Segment]) -> None:
        """`Strip.__init__` sets what is made later."""


def driver_of(app: App[Any]) -> Driver | None:
    """What writes on the terminal; None before the app runs."""
    return app._driver


def visible_widgets(screen: Screen[Any]) -> Mapping[Widget, tuple[Region, Region]]:
    """The (region, clip) of a screen's widgets, front to back."""
    return screen._compositor.visible_widgets


def forget_drawn() -> None:
    """Drop a cache that holds what every widget has drawn, also of screens that are gone."""
    StylesCache.get_inner_outer.cache_clear()


def use_colours(system: str) -> None:
    """The colour system of the apps that are made from now on, "truecolor" or "256"."""
    constants.COLOR_SYSTEM = system  # type: ignore[misc]


def put_title(widget: Widget, text: str, *, below: bool) -> None:
    """Change a border's title or subtitle and draw nothing, where Textual would repaint the widget."""
    line = widget.render_str(text)
    if below:
        widget._border_subtitle = line
    else:
        widget._border_title = line


def tell_size(widget: Widget, size: Size) -> None:
    """Tell a widget's scroll bars what there is, without a new layout of the screen."""
    widget._scroll_update(size)
