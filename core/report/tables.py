"""Tables that are written once and rendered as HTML, Markdown and LaTeX.

A number keeps its exact value: HTML carries it in `<data value=…>`, so that a
reader sees four digits and a program reads the float64 that the ledger holds.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import TypeAlias

from cliploc.core.errors import clean


@dataclass(frozen=True)
class Number:
    """A number and how it is shown. unit: put behind it; signed: with its plus sign."""

    value: float
    digits: int = 4
    unit: str = ""
    signed: bool = False

    def __str__(self) -> str:
        digits = f"{self.value:{'+' if self.signed else ''},.{self.digits}f}"
        if not digits.strip("+-0."):
            digits = digits.lstrip("+-")  # what rounds to nothing has no sign
        return digits.replace("-", "−") + self.unit


@dataclass(frozen=True)
class Interval:
    """The two ends of an interval."""

    low: Number
    high: Number

    def __str__(self) -> str:
        return f"{self.low} to {self.high}"


@dataclass(frozen=True)
class Estimate:
    """A number over its 95 % interval; without one where it is not known. mark: put behind the number."""

    value: Number
    interval: Interval | None = None
    mark: str = ""

    def __str__(self) -> str:
        return f"{self.value}{self.mark}" + (f" ({self.interval})" if self.interval else "")


WRAPS = 16  # characters from which a column of text is given room to wrap

Cell: TypeAlias = str | Number | Interval | Estimate | None


@dataclass(frozen=True)
class Table:
    """Rows under columns. name: of its file and anchor; caption: what the numbers mean, with convention.

    quoted: the columns that are not ours but quoted from the poster.
    """

    name: str
    title: str
    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    quoted: frozenset[str] = frozenset()

    def without_empty_columns(self) -> Table:
        """The table without the columns in which no row says anything."""
        kept = [
            place for place in range(len(self.columns)) if any(row[place] is not None for row in self.rows)
        ]
        return Table(
            self.name,
            self.title,
            self.caption,
            tuple(self.columns[place] for place in kept),
            tuple(tuple(row[place] for place in kept) for row in self.rows),
            self.quoted,
        )


def number(value: float | None, digits: int = 4) -> Number | None:
    """A number that may be unknown."""
    return None if value is None else Number(value, digits)


def interval(
    low: float | None, high: float | None, *, digits: int = 4, signed: bool = False
) -> Interval | None:
    """An interval that may be unknown."""
    if low is None or high is None:
        return None
    return Interval(Number(low, digits, signed=signed), Number(high, digits, signed=signed))


def percent(part: float, whole: float) -> Number | None:
    """How many percent a part is of a whole, with its sign; unknown of nothing."""
    return Number(100 * part / whole, 1, " %", signed=True) if whole else None


def shown(cell: Cell) -> str:
    """A cell as plain text."""
    return "" if cell is None else clean(cell)


# HTML.


def as_html(table: Table) -> str:
    """A `<figure>` that scrolls sideways where the screen is narrow; the caption comes first."""
    head = "".join(
        f'<th scope="col"{_attribute(table, place)}>{escape(column)}</th>'
        for place, column in enumerate(table.columns)
    )
    body = "\n".join(
        f"<tr>{''.join(_html_cell(table, place, cell) for place, cell in enumerate(row))}</tr>"
        for row in table.rows
    )
    return (
        f'<figure class="table" id="table-{table.name}">\n'
        f"<figcaption><strong>{escape(table.title)}</strong> {escape(table.caption)}</figcaption>\n"
        f'<div class="scroll" tabindex="0"><table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n'
        "</tbody>\n</table></div>\n</figure>"
    )


def _html_cell(table: Table, place: int, cell: Cell) -> str:
    if place == 0:
        return f'<th scope="row"{_attribute(table, place)}>{escape(shown(cell))}</th>'
    return f"<td{_attribute(table, place)}>{_html_value(cell)}</td>"


def _html_value(cell: Cell) -> str:
    if isinstance(cell, Estimate):
        interval = f"<br><small>{_html_value(cell.interval)}</small>" if cell.interval else ""
        return f"{_html_value(cell.value)}{escape(cell.mark)}{interval}"
    if isinstance(cell, Interval):
        return f"{_html_value(cell.low)} to {_html_value(cell.high)}"
    if isinstance(cell, Number):
        return f'<data value="{cell.value!r}">{escape(str(cell))}</data>'
    return escape(shown(cell))


def _attribute(table: Table, place: int) -> str:
    kinds = ["quoted"] if table.columns[place] in table.quoted else []
    if is_numeric(table.rows, place):
        kinds.append("number")
    elif max((len(shown(row[place])) for row in table.rows), default=0) > WRAPS:
        kinds.append("text")
    return f' class="{" ".join(kinds)}"' if kinds else ""


def is_numeric(rows: Sequence[Sequence[Cell]], place: int) -> bool:
    """Whether a column holds numbers alone."""
    cells = [row[place] for row in rows if row[place] is not None]
    return bool(cells) and all(isinstance(cell, Number | Interval | Estimate) for cell in cells)


# Markdown.


def as_markdown(table: Table) -> str:
    """A pipe table under its title, the caption below."""
    aligned = ["---:" if is_numeric(table.rows, place) else "---" for place in range(len(table.columns))]
    lines = [_markdown_row(table.columns), _markdown_row(aligned)]
    lines += [_markdown_row([shown(cell) for cell in row]) for row in table.rows]
    return f"### {table.title}\n\n" + "\n".join(lines) + f"\n\n{_markdown(table.caption)}\n"


def _markdown_row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(_markdown(cell) for cell in cells)} |"


def _markdown(text: str) -> str:
    return re.sub(r"([|<>*_`\\])", r"\\\1", text)
