"""Tables as LaTeX that fits a page of A4 with margins of 2 cm.

Headings and texts are wrapped to the room there is, long tables are cut, and what is
still too wide is scaled down to the line.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from cliploc.core.report.tables import WRAPS, Cell, Estimate, Table, is_numeric, shown

PREAMBLE = "% needs \\usepackage{booktabs} and \\usepackage{graphicx}\n"

_LINE = 17.0  # cm between the margins
_ROWS = 36  # of one table on a page
_CHARACTER, _BETWEEN = 0.14, 0.25  # cm: a character of \footnotesize, and what is between columns
_HEADING = 12  # characters after which a heading is wrapped
_TINY = 0.75  # how wide a character of an interval is against one of the text
_NARROWEST = 2.0  # cm of a column of text

_ESCAPES = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{",
    "}": r"\}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}",
    ">": r"\textgreater{}", "×": r"$\times$", "±": r"$\pm$", "−": r"$-$", "|": r"\textbar{}",
}  # fmt: skip


def as_latex(table: Table) -> str:
    """`table` environments with booktabs rules; the text is escaped."""
    parts = [table.rows[first : first + _ROWS] for first in range(0, len(table.rows), _ROWS)]
    return "\n".join(_part(table, rows, number, len(parts)) for number, rows in enumerate(parts))


def _part(table: Table, rows: Sequence[Sequence[Cell]], number: int, of: int) -> str:
    alignments = _alignments(table)
    title, label = _escaped(table.title), table.name if number == 0 else f"{table.name}-{number + 1}"
    caption = _escaped(table.caption) if number == 0 else f"Continued, part {number + 1} of {of}."
    heads = [
        _escaped(column) if alignment.startswith("p") else _stacked(_wrapped(column), alignment)
        for column, alignment in zip(table.columns, alignments, strict=True)
    ]
    return "\n".join(
        [
            r"\begin{table}",
            r"\centering\footnotesize\setlength{\tabcolsep}{3.5pt}",
            rf"\caption{{\textbf{{{title}}} {caption}}}",
            rf"\label{{tab:{label}}}",
            r"\resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}{%",
            rf"\begin{{tabular}}{{{''.join(alignments)}}}",
            r"\toprule",
            _row(heads),
            r"\midrule",
            *(_row([_cell(cell) for cell in row]) for row in rows),
            r"\bottomrule",
            r"\end{tabular}}",
            r"\end{table}",
            "",
        ]
    )


def _alignments(table: Table) -> list[str]:
    """`r` for numbers, `l` for short texts, and paragraphs that share the rest of the line for long ones."""
    numeric = [is_numeric(table.rows, place) for place in range(len(table.columns))]
    lengths = [max(_lengths(table, place)) for place in range(len(table.columns))]
    long = {place for place, length in enumerate(lengths) if not numeric[place] and length > WRAPS}
    taken = sum(length for place, length in enumerate(lengths) if place not in long) * _CHARACTER
    room = _LINE - taken - _BETWEEN * len(lengths)
    shares = {place: lengths[place] ** 0.5 for place in long}  # a text twice as long wraps more often
    kinds = []
    for place, is_number in enumerate(numeric):
        if place in long:
            width = max(_NARROWEST, room * shares[place] / sum(shares.values()))
            kinds.append(f"p{{{min(width, lengths[place] * _CHARACTER + 0.2):.2f}cm}}")
        else:
            kinds.append("r" if is_number else "l")
    return kinds


def _lengths(table: Table, place: int) -> list[float]:
    """Characters on the longest line of each cell of a column, and of its heading."""
    cells = (_lines(row[place]) for row in table.rows)
    lengths = (max(len(first), *(_TINY * len(line) for line in rest), 0) for first, *rest in cells)
    return [*map(len, _wrapped(table.columns[place])), 0, *lengths]


def _wrapped(heading: str) -> list[str]:
    return textwrap.wrap(heading, _HEADING, break_long_words=False)


def _lines(cell: Cell) -> list[str]:
    if isinstance(cell, Estimate) and cell.interval is not None:
        return [f"{cell.value}{cell.mark}", str(cell.interval)]
    return [shown(cell)]


def _cell(cell: Cell) -> str:
    if isinstance(cell, Estimate) and cell.interval is not None:
        value, interval = map(_escaped, _lines(cell))
        return rf"\begin{{tabular}}[t]{{@{{}}r@{{}}}}{value}\\[-2pt] \tiny {interval}\end{{tabular}}"
    text = _escaped(shown(cell))
    return rf"\raggedright {text}" if isinstance(cell, str) and len(cell) > WRAPS else text


def _stacked(lines: Sequence[str], alignment: str) -> str:
    if len(lines) < 2:
        return _escaped("".join(lines))
    stacked = r"\\ ".join(map(_escaped, lines))
    return rf"\begin{{tabular}}[b]{{@{{}}{alignment}@{{}}}}{stacked}\end{{tabular}}"


def _row(cells: Sequence[str]) -> str:
    return " & ".join(cells) + r" \tabularnewline"


def _escaped(text: str) -> str:
    return "".join(_ESCAPES.get(c, c) for c in text).replace(r"\textgreater{}=", r"$\geq$")
