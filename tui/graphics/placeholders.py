"""Kitty pictures as text: cells that stand for a picture in the terminal's memory.

A placeholder cell names the picture by its colour and its own row and column by two
combining characters, so it clips, scrolls and is covered like any text, and a new picture
under the same id needs no new text. https://sw.kovidgoyal.net/kitty/graphics-protocol/
"""

from __future__ import annotations

from rich.color import Color
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from cliploc.tui.graphics.diacritics import DIACRITICS, PLACEHOLDER
from cliploc.tui.graphics.fit import Box


def deletion(identity: int) -> str:
    """Free a picture and its placements: the capital I also frees the data."""
    return f"\x1b_Ga=d,d=I,i={identity},q=2\x1b\\"


def placeholders(identity: int, background: tuple[int, int, int], box: Box) -> list[Strip]:
    """The text of each of the widget's rows while the picture is shown."""
    around = Style(bgcolor=Color.from_rgb(*background))
    name = Color.from_rgb(identity >> 16, identity >> 8 & 255, identity & 255)
    style = Style(color=name, bgcolor=around.bgcolor)
    right = box.widget_columns - box.x - box.columns
    rows = []
    for row in range(box.widget_rows):
        if not box.y <= row < box.y + box.rows:
            rows.append(Strip([Segment(" " * box.widget_columns, around)], box.widget_columns))
            continue
        mark = DIACRITICS[row - box.y]
        text = "".join(PLACEHOLDER + mark + DIACRITICS[column] for column in range(box.columns))
        segments = [Segment(" " * box.x, around), Segment(text, style), Segment(" " * right, around)]
        rows.append(Strip([segment for segment in segments if segment.text], box.widget_columns))
    return rows
