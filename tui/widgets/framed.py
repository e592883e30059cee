"""Lines between borders are framed where they are drawn: in Textual that is most of what a line costs."""

from __future__ import annotations

from typing import NamedTuple

from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.geometry import Region, Size
from textual.strip import Strip
from textual.widget import Widget

BORDERS_KEPT = 16


class Beside(NamedTuple):
    """What Textual puts left and right of each line, the ground under it, and how bare ground looks."""

    left: Strip
    right: Strip
    ground: Color
    bare: Style | None


class Framed(Widget):
    """Puts together its own lines, but for those of the borders and those that a mouse is on."""

    # What is beside lines, and of which size that is.
    _beside: tuple[Size, Beside] | None = None
    # The lines of the borders by what they say; as long as that holds.
    _borders: dict[tuple[int, object, object], Strip]

    def notify_style_update(self) -> None:
        """Colours may have changed: nothing that was drawn counts."""
        super().notify_style_update()
        self._beside = None

    def watch_mouse_hover(self) -> None:
        """A mouse may change the style."""
        self._beside = None

    def render_lines(self, crop: Region) -> list[Strip]:
        """As everywhere, of the present size."""
        if self.mouse_hover or self.text_selection is not None:
            return super().render_lines(crop)
        edge = self.gutter
        first = min(max(crop.y, edge.top), crop.bottom)
        last = max(first, min(crop.bottom, self.outer_size.height - edge.bottom))
        return [
            *(self._border(y).crop(crop.x, crop.right) for y in range(crop.y, first)),
            *(self.framed_line(y - edge.top).crop(crop.x, crop.right) for y in range(first, last)),
            *(self._border(y).crop(crop.x, crop.right) for y in range(last, crop.bottom)),
        ]

    def _border(self, y: int) -> Strip:
        """A line above or below the content; a few titles come again and again."""
        self.beside()
        key = y, self.border_title, self.border_subtitle
        if key not in self._borders:
            if len(self._borders) >= BORDERS_KEPT:
                self._borders.clear()
            (self._borders[key],) = super().render_lines(Region(0, y, self.outer_size.width, 1))
        return self._borders[key]

    def framed_line(self, y: int) -> Strip:
        """A line of the content with what is beside it, as Textual would show it."""
        left, right, ground, _ = self.beside()
        width = self.outer_size.width - left.cell_length - right.cell_length
        line = self.render_line(y).adjust_cell_length(width, Style(bgcolor=ground.rich_color))
        for each in self.get_line_filters():
            line = line.apply_filter(each, ground)
        return Strip([*left, *line, *right], self.outer_size.width)

    def beside(self) -> Beside:
        """What is beside the present lines."""
        size = self.outer_size
        if self._beside is None or self._beside[0] != size:
            self._beside, self._borders = (size, self._what_is_beside()), {}
        return self._beside[1]

    def _what_is_beside(self) -> Beside:
        edge, width = self.gutter, self.outer_size.width
        (line,) = super().render_lines(Region(0, edge.top, width, 1))
        ground = self.background_colors[1]
        bare = self.filtered(Style(bgcolor=ground.rich_color), ground)
        return Beside(line.crop(0, edge.left), line.crop(width - edge.right), ground, bare)

    def filtered(self, style: Style, ground: Color) -> Style | None:
        """A style after the app's filters."""
        segments = [Segment("x", style)]
        for each in self.get_line_filters():
            segments = each.apply(segments, ground)
        return segments[0].style


def _rows(region: Region, first: int, last: int) -> Region:
    return Region(region.x, first, region.width, last - first)
