"""Where in a widget's cells a picture goes: as large as fits, centred, aspect kept."""

from __future__ import annotations

from dataclasses import dataclass

from cliploc.core.terminal import Terminal


@dataclass(frozen=True)
class Box:
    """A rectangle of whole cells inside a widget, and the widget's own size in cells."""

    x: int
    y: int
    columns: int
    rows: int
    widget_columns: int
    widget_rows: int


def fit(
    image: tuple[int, int],
    widget: tuple[int, int],
    terminal: Terminal,
    *,
    most: int | None = None,
    spare_last_row: bool = False,
) -> Box:
    """Fit an image of (height, width) pixels into a widget of (columns, rows) cells.

    At least one cell; the aspect is off by less than one cell. most: no more columns or
    rows than this. spare_last_row: leave the widget's last row free, if it has another.
    """
    height, width = image
    columns = min(widget[0], most or widget[0])
    rows = min(widget[1], most or widget[1])
    if spare_last_row and rows == widget[1] and rows > 1:
        rows -= 1
    scale = min(columns * terminal.cell_width / width, rows * terminal.cell_height / height)
    fitted_columns = min(columns, max(1, round(width * scale / terminal.cell_width)))
    fitted_rows = min(rows, max(1, round(height * scale / terminal.cell_height)))
    return Box(
        (widget[0] - fitted_columns) // 2,
        (rows - fitted_rows) // 2,
        fitted_columns,
        fitted_rows,
        *widget,
    )
