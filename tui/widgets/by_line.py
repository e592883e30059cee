"""Text that is drawn line by line: of a change, only the lines that differ are drawn and sent.

Textual repaints a whole widget for one changed number, with its border and for a
container with all that is in it, which a held key makes visible as lag.
"""

from __future__ import annotations

from typing import Self, TypeVar

from textual.content import Content
from textual.geometry import Region, Size
from textual.strip import Strip
from textual.visual import Visual
from textual.widget import Widget

from cliploc.tui.textual_private import put_title

Line = Content | Strip
AnyWidget = TypeVar("AnyWidget", bound=Widget)


class ByLine(Widget):
    """Draws `lines`, from the top; a strip is as wide as the widget, a text may be shorter.

    A change of a reactive attribute asks for the lines once, however many change together.
    """

    _lines: list[Line]
    _strips: list[Strip]
    _drawn_size: Size | None = None
    _asked = False

    def lines(self) -> list[Line]:
        """The present lines, for the present size."""
        raise NotImplementedError

    def render(self) -> Content:
        """All of it as one text."""
        lines = (Content(line.text) if isinstance(line, Strip) else line for line in self.lines())
        return Content("\n").join(lines)

    def refresh(
        self, *regions: Region, repaint: bool = True, layout: bool = False, recompose: bool = False
    ) -> Self:
        """Draw soon what has changed; all of it where the size or the style may have."""
        if regions or layout or recompose or not repaint or self._drawn_size != self.size:
            return self._refresh_all(*regions, repaint=repaint, layout=layout, recompose=recompose)
        if not self._asked:
            self._asked = True
            self.call_next(self._refresh_changed)
        return self

    def notify_style_update(self) -> None:
        """Colours may have changed: nothing that was drawn counts."""
        super().notify_style_update()
        self._drawn_size = None

    def selection_updated(self, selection: object) -> None:
        """Selected text looks different."""
        self._redraw()

    def watch_highlight_link_id(self) -> None:
        """So does a link under the pointer."""
        self._redraw()

    def render_line(self, y: int) -> Strip:
        if self._drawn_size != self.size:
            self._draw_all()
        if y < len(self._strips):
            return self._strips[y]
        return Strip.blank(self.size.width, self.visual_style.rich_style)

    def _redraw(self) -> None:
        self._drawn_size = None
        self._refresh_all()

    def _refresh_all(self, *regions: Region, **how: bool) -> Self:
        return super().refresh(*regions, **how)

    def _refresh_changed(self) -> None:
        self._asked = False
        if self._drawn_size != self.size:
            self._refresh_all()
            return
        before, lines, width = self._lines, self.lines(), self.size.width
        if len(before) != len(lines) or self.text_selection is not None:
            self._redraw()
            return
        changed = [y for y, line in enumerate(lines) if line != before[y]]
        self._lines = lines
        for y in changed:
            self._strips[y] = self._strip(lines[y])
        if changed:
            self._refresh_all(*(Region(0, y, width, 1) for y in changed))

    def _draw_all(self) -> None:
        self._lines, self._drawn_size = self.lines(), self.size
        if self.text_selection is None:
            self._strips = [self._strip(line) for line in self._lines]
        else:
            width, height = self.size
            self._strips = Visual.to_strips(self, self.render(), width, height, self.visual_style)

    def _strip(self, line: Line) -> Strip:
        if isinstance(line, Strip):
            return line
        strips = Visual.to_strips(self, line, self.size.width, 1, self.visual_style)
        return strips[0] if strips else Strip.blank(self.size.width, self.visual_style.rich_style)


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
