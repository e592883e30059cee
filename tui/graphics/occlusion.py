"""What of a widget can be seen, for a widget that writes on the terminal itself."""

from __future__ import annotations

from textual.geometry import Region
from textual.widget import Widget

from cliploc.tui.graphics.frame import Rectangle
from cliploc.tui.textual_private import visible_widgets


def occlusion_of(widget: Widget) -> tuple[tuple[int, int], tuple[Rectangle, ...]] | None:
    """Where on the screen (x, y) a widget begins, and what of it is covered or scrolled away.

    The rectangles count from the widget's corner. None when it is nowhere, or under another screen.
    """
    if not widget.is_attached or widget.app.screen is not widget.screen:
        return None
    covered: list[Region] = []
    # Front to back: whatever comes before this widget paints over it.
    for other, (region, clip) in visible_widgets(widget.screen).items():
        if other is widget:
            covered += _outside(region, clip)
            return (region.x, region.y), tuple(_within(part, region) for part in covered if part)
        covered.append(region.intersection(clip).intersection(widget.region))
    return None


def _within(part: Region, region: Region) -> Rectangle:
    return part.x - region.x, part.y - region.y, part.width, part.height


def _outside(region: Region, clip: Region) -> list[Region]:
    """The parts of a region that lie outside of the clip."""
    inside = region.intersection(clip)
    if not inside:
        return [region]
    x, y, width, _ = region
    return [
        Region(x, y, width, inside.y - y),
        Region(x, inside.bottom, width, region.bottom - inside.bottom),
        Region(x, inside.y, inside.x - x, inside.height),
        Region(inside.right, inside.y, region.right - inside.right, inside.height),
    ]
