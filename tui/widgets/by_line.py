"""Text that is drawn line by line: of a change, only the lines that differ are drawn and sent.

Textual repaints a whole widget for one changed number, with its border and for a
container with all that is in it, which a held key makes visible as lag.
"""

from __future__ import annotations

from itertools import zip_longest
from typing import Self, TypeVar

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.content import Content
from textual.geometry import Region, Size
from textual.strip import Strip
from textual.visual import Visual
from textual.widget import Widget

from cliploc.tui.textual_private import put_title
from cliploc.tui.widgets.framed import Framed

# Texts, each with the name of its style. What changes with every key is said in these: they are compared
# and drawn at a tenth of what a Content costs.
Runs = tuple[tuple[str, str], ...]
Line = Content | Strip | Runs
AnyWidget = TypeVar("AnyWidget", bound=Widget)


class ByLine(Framed):
    """Draws `lines`, from the top; a strip is as wide as the widget, a text may be shorter.

    A change of a reactive attribute asks for the lines once, however many change together; a panel that is
    shown all that it shows at once says so itself, by `redraw`, which costs half as much.
    """

    _lines: list[Line]
    # Lines alone, as far as they were asked for.
    _strips: dict[int, Strip]
    # How text of each style looks; and in a frame, after the app's filters. None until it is asked for.
    _looks: dict[str, Style] | None = None
    _framed_looks: dict[str, Style | None]
    # Lines as they are shown, with what is beside them, as far as they were asked for.
    _framed: dict[int, Strip]
    _drawn_size: Size | None = None
    _asked = False

    def lines(self) -> list[Line]:
        """The present lines, for the present size."""
        raise NotImplementedError

    def render(self) -> Content:
        """All of it as one text."""
        return Content("\n").join(_as_content(line) for line in self.lines())

    def refresh(
        self, *regions: Region, repaint: bool = True, layout: bool = False, recompose: bool = False
    ) -> Self:
        """Draw soon what has changed; all of it where the size or the style may have."""
        if regions or layout or recompose or not repaint or self._drawn_size != self.size:
            return self._refresh_all(*regions, repaint=repaint, layout=layout, recompose=recompose)
        if not self._asked:
            self._asked = True
            self.call_next(self.redraw)
        return self

    def redraw(self) -> None:
        """Draw what differs from what is there."""
        self._asked = False
        size = self.size
        if self._drawn_size != size:
            self._refresh_all()
            return
        if self.text_selection is not None:
            self._draw_anew()
            return
        before, lines = self._lines, self.lines()
        pairs = zip_longest(before[: size.height], lines[: size.height])
        changed = [y for y, (old, new) in enumerate(pairs) if old != new]
        self._lines = lines
        for y in changed:
            self._strips.pop(y, None)
            self._framed.pop(y, None)
        if changed:
            self._refresh_all(*(Region(0, y, size.width, 1) for y in changed))

    def notify_style_update(self) -> None:
        """Colours may have changed: nothing that was drawn counts."""
        super().notify_style_update()
        self._drawn_size = self._looks = None

    def selection_updated(self, selection: object) -> None:
        """Selected text looks different."""
        self._draw_anew()

    def watch_mouse_hover(self) -> None:
        """The mouse is told which cells are where."""
        super().watch_mouse_hover()
        self._drawn_size = None

    def watch_highlight_link_id(self) -> None:
        """So does a link under the pointer."""
        self._draw_anew()

    def render_lines(self, crop: Region) -> list[Strip]:
        """As everywhere, of the present size."""
        if self._drawn_size != self.size:
            self._drawn_size = None
        return super().render_lines(crop)

    def render_line(self, y: int) -> Strip:
        if self._drawn_size is None:
            self._draw_all()
        if y not in self._strips:
            width = self.size.width
            is_there = y < len(self._lines) and self.text_selection is None
            blank = Strip.blank(width, self.visual_style.rich_style)
            self._strips[y] = self._strip(self._lines[y], y, width) if is_there else blank
        return self._strips[y]

    def framed_line(self, y: int) -> Strip:
        """As everywhere; kept, and of a text put together at once, with no strip in between."""
        if self._drawn_size is None:
            self._draw_all()
        if y not in self._framed:
            line = self._lines[y] if y < len(self._lines) else None
            if isinstance(line, tuple) and (bare := self._bare(line)) >= 0:
                self._framed[y] = self._text_in_frame(line, bare)
            else:
                self._framed[y] = super().framed_line(y)
        return self._framed[y]

    def _bare(self, line: Runs) -> int:
        """How many cells a text leaves; below 0 where it is too long."""
        assert self._drawn_size is not None  # there are lines
        return self._drawn_size.width - sum(cell_len(text) for text, _ in line)

    def _text_in_frame(self, line: Runs, bare: int) -> Strip:
        """bare: cells after it."""
        left, right, ground, look = self.beside()
        segments = [Segment(text, self._framed_look(style, ground)) for text, style in line if text]
        if bare > 0:
            segments.append(Segment(" " * bare, look))
        return Strip([*left, *segments, *right], self.outer_size.width)

    def _draw_anew(self) -> None:
        self._drawn_size = None
        self._refresh_all()

    def _refresh_all(self, *regions: Region, **how: bool) -> Self:
        return super().refresh(*regions, **how)

    def _draw_all(self) -> None:
        self._lines, self._drawn_size = self.lines(), self.size
        self._strips, self._framed = {}, {}
        if self.text_selection is not None:
            strips = Visual.to_strips(self, self.render(), *self.size, self.visual_style)
            self._strips = dict(enumerate(strips))

    def _strip(self, line: Line, y: int, width: int) -> Strip:
        """A line as cells, which say where they are while the mouse may ask."""
        strip = self._cells(line, width)
        return strip.apply_offsets(0, y) if self.mouse_hover else strip

    def _cells(self, line: Line, width: int) -> Strip:
        if isinstance(line, Strip):
            return line
        if isinstance(line, tuple):
            strip = Strip([Segment(text, self._look(style)) for text, style in line if text])
            return strip.crop(0, width)
        strips = Visual.to_strips(self, line, width, 1, self.visual_style)
        return strips[0] if strips else Strip.blank(width, self.visual_style.rich_style)

    def _look(self, style: str) -> Style:
        """How text of a style looks here."""
        if self._looks is None:
            self._looks, self._framed_looks = {}, {}
        if style not in self._looks:
            (strip,) = Visual.to_strips(self, Content.styled("x", style), 1, 1, self.visual_style)
            (segment, *_) = strip
            self._looks[style] = segment.style or Style.null()
        return self._looks[style]

    def _framed_look(self, style: str, ground: Color) -> Style | None:
        """The same after the app's filters."""
        if self._looks is None or style not in self._framed_looks:
            look = self._look(style)
            self._framed_looks[style] = self.filtered(look, ground)
        return self._framed_looks[style]


def _as_content(line: Line) -> Content:
    if isinstance(line, Strip):
        return Content(line.text)
    return Content.assemble(*line) if isinstance(line, tuple) else line


def title(widget: Widget, text: str) -> None:
    """Change a border's title, and draw no more than its line."""
    if widget.border_title != text:
        put_title(widget, text, below=False)
        widget.refresh(_border_line(widget, top=True))


def subtitle(widget: Widget, text: str) -> None:
    """Change a border's subtitle, as `title`."""
    if widget.border_subtitle != text:
        put_title(widget, text, below=True)
        widget.refresh(_border_line(widget, top=False))


def _border_line(widget: Widget, *, top: bool) -> Region:
    """The place of a border's line, from the corner of the content."""
    offset, (width, height) = widget.content_offset, widget.outer_size
    return Region(-offset.x, -offset.y if top else height - 1 - offset.y, width, 1)


def titled(widget: AnyWidget, text: str) -> AnyWidget:
    """A widget as a panel with a title in its border."""
    widget.add_class("panel")
    widget.border_title = text
    return widget
