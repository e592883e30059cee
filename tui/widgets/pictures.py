"""The middle of the explorer: the chosen pictures, arranged so that they come out as large as possible."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.containers import Container, Vertical
from textual.content import Content
from textual.markup import escape
from textual.timer import Timer
from textual.widgets import Static

from cliploc.core.errors import clean
from cliploc.core.terminal import Terminal
from cliploc.tui.freshness import Key, picture_key
from cliploc.tui.state import PICTURES, ExplorerState, View
from cliploc.tui.widgets.by_line import subtitle, title
from cliploc.tui.widgets.picture import Picture

if TYPE_CHECKING:
    from cliploc.tui.graphics.frame import PictureId

FEWER_BELOW_ROWS = 21
# Seconds: a mark that goes before it is read would only flicker, and cost two updates of the screen.
MARKED_AFTER = 0.2
BLINK_SECONDS = 0.7
UNMARKED = "nobody has marked the truth here; X draws it"
TITLES = {"image": "image", "heatmap": "heatmap", "mask": "mask", "truth": "true mask"}


class Pane(Vertical):
    """A caption and a picture under it, or a sentence where there is no picture."""

    def __init__(self, name: str, terminal: Terminal) -> None:
        super().__init__(id=f"pane-{name}")
        self._terminal = terminal
        self._caption = Content()
        # The first generation whose picture is the wanted one, and whether an older one is there now.
        self._wanted = -1
        self.is_stale = False
        self._marking: Timer | None = None

    def compose(self) -> ComposeResult:
        yield Static(classes="caption")
        yield Picture(terminal=self._terminal)
        yield Static(classes="note")

    def on_mount(self) -> None:
        self.watch(self.query_one(Picture), "shown_generation", self._mark, init=False)

    def expect(self, generation: int) -> None:
        """Pictures before this generation are not what is wanted any more: marked while they are there."""
        self._wanted = generation
        self._mark()

    def _mark(self) -> None:
        """Say whether the picture on the screen is the wanted one; that it is not, after a moment."""
        self.is_stale = -1 < self.query_one(Picture).shown_generation < self._wanted
        if not self.is_stale:
            if self._marking is not None:
                self._marking.stop()
                self._marking = None
            self._say(".caption", self._caption)
        elif self._marking is None:
            self._marking = self.set_timer(MARKED_AFTER, self._say_stale)

    def _say_stale(self) -> None:
        name = self._caption.plain.split()[:1]
        self._say(".caption", Content.styled(" ".join([*name, "…"]), "$faint"))

    def show(self, caption: Content, picture: PictureId | None, note: str, generation: int) -> None:
        """Draw a picture, or the note that says why there is none."""
        self._caption = caption
        self._mark()
        self._say(".note", Content(note))
        self.set_class(picture is None, "-empty")
        self.query_one(Picture).show(picture, generation)

    def _say(self, where: str, text: Content) -> None:
        # The boxes have fixed sizes: a new text asks for no layout, the same one for nothing.
        line = self.query_one(where, Static)
        if line.content != text:
            line.update(text, layout=False)


class PictureGrid(Container):
    """Up to four panes in a grid, or the contact sheet alone."""

    def __init__(self, terminal: Terminal, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._terminal = terminal
        self._view = View()
        self._laid_out: tuple[object, ...] = ()
        self._keys: dict[str, Key] = {}
        self._before_single = View()
        self._blinking: tuple[str, ...] = ()
        self._blink_timer: Timer | None = None

    def compose(self) -> ComposeResult:
        for name in (*PICTURES, "sheet"):
            yield Pane(name, self._terminal)

    def on_mount(self) -> None:
        self.lay_out(self._view)

    def on_resize(self) -> None:
        self.lay_out(self._view)

    async def on_mouse_scroll_up(self) -> None:
        """The wheel zooms as the keys do."""
        await self.run_action("screen.view('zoomed', 1)")

    async def on_mouse_scroll_down(self) -> None:
        """As above."""
        await self.run_action("screen.view('zoomed', -1)")

    def lay_out(self, view: View) -> None:
        """Show the panes that the view asks for."""
        self._view = view
        names = self.shown()
        if self._laid_out == (names, self.size):
            return
        self._laid_out = (names, self.size)
        columns = best_columns(len(names), self.size.width, self.size.height)
        rows = math.ceil(len(names) / columns)
        self.styles.grid_size_columns, self.styles.grid_size_rows = columns, rows
        # All of one size, so that a place is found again in the next picture; what is left over stays free.
        self.styles.grid_columns = str(max((self.size.width + 1) // columns - 1, 1))  # one between two
        self.styles.grid_rows = str(max(self.size.height // rows, 1))
        for pane in self.query(Pane):
            pane.display = pane.id in {f"pane-{name}" for name in names}

    def single(self, view: View) -> View:
        """One picture large, or all that were shown before."""
        shown = self.shown()
        if len(shown) > 1:
            self._before_single = view
            return replace(view, pictures=("heatmap" if "heatmap" in shown else shown[0],))
        before = self._before_single
        return replace(view, pictures=before.pictures, layout=before.layout)

    def toggled(self, view: View, name: str) -> View:
        """One picture more or less; the last one stays."""
        shown = [other for other in self.shown() if other in PICTURES]
        names = [other for other in PICTURES if (other in shown) != (other == name)] or [name]
        layout = "auto" if view.layout == "sheet" else view.layout
        return replace(view, pictures=tuple(names), layout=layout)

    def blink(self, view: View) -> None:
        """Alternate the first two pictures in one place, or stop."""
        if self._blink_timer is not None:
            self._blink_timer.stop()
            self._blink_timer = None
            self.lay_out(view)
            return
        names = [name for name in self.shown() if name in PICTURES]
        other = "heatmap" if names == ["image"] else "image"
        self._blinking = (names[0], names[1]) if len(names) > 1 else (other, names[0] if names else "mask")
        self._blink_timer = self.set_interval(BLINK_SECONDS, self._blink)
        self._blink()

    def _blink(self) -> None:
        self._blinking = self._blinking[::-1]
        self.lay_out(View(pictures=self._blinking[:1]))

    def shown(self) -> tuple[str, ...]:
        """The pictures that are visible now."""
        return shown_pictures(self._view, self.size.height)

    def expect(self, generation: int, state: ExplorerState) -> None:
        """The pictures of a state were asked for; those of another one are marked until they come."""
        for picture in self.query(Picture):
            picture.expect(generation)
        for name in (*PICTURES, "sheet"):
            key = picture_key(name, state)
            if key != self._keys.get(name):
                self._keys[name] = key
                self.query_one(f"#pane-{name}", Pane).expect(generation)

    def say_which(self, state: ExplorerState, label: str, place: str) -> None:
        """Say which sample it is and where in the list, and what it is looked at for."""
        prompt = escape(clean(state.prompt))
        title(self, f"{escape(clean(state.sample))}  {place}")
        subtitle(self, f"“{prompt}”" if prompt else escape(clean(label)))

    @property
    def sheet_room(self) -> tuple[int, int]:
        """How wide and high a contact sheet may be, in columns."""
        return max(self.size.width, 1), 2 * max(self.size.height - 1, 1)

    def show(
        self, pictures: Mapping[str, PictureId], captions: Mapping[str, Content], note: str, generation: int
    ) -> None:
        """Hand every pane its picture."""
        for name in PICTURES:
            pane = self.query_one(f"#pane-{name}", Pane)
            why = UNMARKED if name == "truth" and "image" in pictures else note
            pane.show(captions.get(name, Content(TITLES[name])), pictures.get(name), why, generation)

    def show_sheet(self, picture: PictureId, caption: str, generation: int) -> None:
        """Hand the contact sheet its picture."""
        self.query_one("#pane-sheet", Pane).show(Content.styled(caption, "$dim"), picture, "", generation)


def shown_pictures(view: View, rows: int) -> tuple[str, ...]:
    """Which pictures a view means in `rows` rows: those chosen, or what its layout has room for."""
    if view.layout == "sheet":
        return ("sheet",)
    if view.pictures:
        return view.pictures
    if view.layout == "single":
        return ("heatmap",)
    if view.layout == "pair" or (view.layout == "auto" and rows < FEWER_BELOW_ROWS):
        return ("heatmap", "mask")
    return PICTURES


def best_columns(count: int, width: int, height: int) -> int:
    """How many columns make `count` square pictures largest in width x height cells of 1:2."""
    return max(range(1, count + 1), key=lambda columns: (side_of(count, columns, width, height), -columns))


def side_of(count: int, columns: int, width: int, height: int) -> int:
    """The side, in columns, of `count` square pictures with a caption each in so many columns."""
    return min(width // columns, 2 * (height // math.ceil(count / columns) - 1))


def captions_of(view: View, *, judged: bool = True) -> dict[str, Content]:
    """A title a picture, with what its colours mean. judged: against a true mask."""
    mask = [("■hit ", "$hit"), ("■miss ", "$miss"), ("■false", "$false")]
    if view.outlines:
        mask = [("□mask ", "$foreground"), ("□true", "$hit")]
    if not judged:
        mask = []
    close = f" ×{view.zoom:g}" if view.zoom > 1 else ""
    return {
        "image": Content.assemble(("image", "$dim"), (close, "$accent")),
        "heatmap": Content.assemble(
            ("heatmap", "$dim"), (f"  {view.colours} {view.opacity:.0%}", "$faint"), (close, "$accent")
        ),
        "mask": Content.assemble(("mask ", "$dim"), *mask),
        "truth": Content.styled("true mask", "$dim"),
    }
