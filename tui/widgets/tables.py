"""Cells of the tables, and writing only those that are other than before."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.text import Text
from textual.coordinate import Coordinate
from textual.widgets import DataTable


def right(text: str) -> Text:
    """A figure."""
    return Text(text, justify="right")


def rewrite(table: DataTable[Text], rows: Iterable[Sequence[Text]]) -> None:
    """Change the cells that differ; the cursor and what is scrolled to stay."""
    for y, row in enumerate(rows):
        for x, cell in enumerate(row):
            place = Coordinate(y, x)
            if table.get_cell_at(place) != cell:
                table.update_cell_at(place, cell, update_width=True)
