"""How commands speak: data to stdout, narration to stderr."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, NoReturn

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from cliploc.core.errors import brief, clean, escaped, unknown

if TYPE_CHECKING:
    from _typeshed import SupportsWrite

_GAP = 2  # characters between columns
_LEAST_TEXT = 3  # characters of a column of words, whose cells may be folded


class CommandLine(argparse.ArgumentParser):
    """A parser whose complaints repeat nothing that a terminal would obey."""

    def error(self, message: str) -> NoReturn:
        """Print usage and what is wrong, and exit with 2."""
        super().error(brief(clean(message)))

    def _check_value(self, action: argparse.Action, value: object) -> None:
        """A wrong word is answered with the nearest right ones, as everywhere."""
        if action.choices is not None and value not in action.choices:
            known = unknown("word", str(value), map(str, action.choices))
            raise argparse.ArgumentError(action, str(known))

    def _print_message(self, message: str, file: SupportsWrite[str] | None = None) -> None:
        """Help and version, as data are written: argparse's own says nothing where that fails."""
        if file is sys.stdout and file is not None:
            print_whole(message, self.prog)
        else:
            super()._print_message(message, file)


def give_up_output() -> None:
    """What still cannot be written is not tried again at Python's end, which would say so in its own way."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def print_whole(text: str, program: str) -> None:
    """Print a text on stdout, and end with 1 and a sentence where it cannot be written."""
    try:
        print(text, end="", flush=True)
    except BrokenPipeError:  # the reader has seen enough
        give_up_output()
    except OSError as error:
        give_up_output()
        say(f"{program}: {error.strerror}")
        sys.exit(1)


def say(text: str) -> None:
    """Narrate on stderr: progress, hints, what was decided."""
    print(brief(clean_lines(text)), file=sys.stderr)


def say_notes(notes: Iterable[str]) -> None:
    """What must be known beside what is printed."""
    for note in notes:
        say(f"note: {note}")


def clean_lines(text: str) -> str:
    """Strip control characters, line by line."""
    return "\n".join(clean(line) for line in text.split("\n"))


def print_json(value: object) -> None:
    """Print a value as JSON on stdout; floats keep their exact value."""
    print(escaped(json.dumps(value, ensure_ascii=False, indent=2)))


def print_lines(lines: Iterable[str]) -> None:
    """Print plain lines of data on stdout."""
    for line in lines:
        print(clean_lines(line))


def print_table(rows: Sequence[Mapping[str, object]], *, as_json: bool, caption: str = "") -> None:
    """Print rows (dicts, what some lack is empty) as a table, or as a JSON list.

    caption: the convention of the numbers, under the table. Where the terminal is too narrow, what is the
    same in all rows stands above, and the last numbers that do not fit are left out and named.
    """
    if as_json:
        print_json([dict(row) for row in rows])
        return
    piped = not sys.stdout.isatty()  # a pipe has no width: do not fold what a script will read
    console = Console(width=10_000 if piped else None, soft_wrap=piped)
    names = list(dict.fromkeys(name for row in rows for name in row))
    rows = [{name: row.get(name) for name in names} for row in rows]
    for line in _narrowed(rows, console.width):
        console.print(escape(line))
    table = Table(caption=escape(clean_lines(caption)) or None, box=None, pad_edge=False, header_style="bold")
    for column in rows[0] if rows else ():
        number = _is_number(rows, column)
        table.add_column(
            escape(clean(column)), justify="right" if number else "left", no_wrap=number, overflow="fold"
        )
    for row in rows:
        table.add_row(*(escape(_cell(value)) for value in row.values()))
    console.print(table)


def _narrowed(rows: list[Mapping[str, object]], width: int) -> list[str]:
    """Take out of wide rows what a terminal has no room for. Returns lines that say what it was."""
    widths = _widths(rows)
    if sum(widths.values()) <= width:
        return []
    same = [name for name in widths if len(rows) > 1 and len({str(row[name]) for row in rows}) == 1]
    left = {name: widths[name] for name in widths if name not in same}
    numbers = [name for name in left if _is_number(rows, name)]
    room = width - (_LEAST_TEXT + _GAP) * (len(left) - len(numbers))
    out: list[str] = []
    while numbers and sum(left[name] for name in numbers) > room:
        out.insert(0, numbers.pop())
    told = [f"{clean(name)} {cell}" for name in same if (cell := _cell(rows[0][name]))]
    rows[:] = [{n: v for n, v in row.items() if n in left and n not in out} for row in rows]
    unshown = f"no room for {', '.join(map(clean, out))}: a wider terminal, a pipe and --json have them"
    return [f"in all rows: {', '.join(told)}"] * bool(told) + [unshown] * bool(out)


def _widths(rows: Sequence[Mapping[str, object]]) -> dict[str, int]:
    """Of each column, in characters, with the gap behind it."""
    names = rows[0] if rows else ()
    return {name: max(len(name), *(len(_cell(row[name])) for row in rows)) + _GAP for name in names}


def _is_number(rows: Sequence[Mapping[str, object]], name: str) -> bool:
    return all(isinstance(row[name], int | float | None) for row in rows)


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.4f}"
    return "" if value is None else clean(value)
