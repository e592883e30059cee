"""The tables of the guide that are made from declarations: commands, and the methods' parameters.

`make docs` writes them into their pages, between two comments.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from cliploc.core.commands import COMMANDS
from cliploc.core.methods import METHODS

FOLDER = Path(__file__).resolve().parent
BEGINNING = "<!-- written by docs/tables.py -->\n"
END = "<!-- end -->\n"


def commands() -> list[tuple[str, ...]]:
    """What each command does."""
    rows = [(f"`cliploc {name}`", text) for name, text in COMMANDS.items()]
    return [("command", "what it does"), *rows]


def parameters() -> list[tuple[str, ...]]:
    """What can be set of methods, with `--set PARAMETER=VALUE`; one that several have is one row."""
    defaults: dict[tuple[str, str, str], dict[str, list[str]]] = {}
    for spec in METHODS.values():
        for each in spec.parameters:
            same = defaults.setdefault((each.name, each.help, each.range_text()), {})
            same.setdefault(_said(each.default), []).append(f"`{spec.name}`")
    rows = [
        (
            f"`{name}`",
            text,
            allowed,
            "; ".join(f"{' '.join(who)}: {value}" for value, who in by_value.items()),
        )
        for (name, text, allowed), by_value in defaults.items()
    ]
    return [("parameter", "what it is", "allowed", "methods and defaults"), *rows]


TABLES: dict[str, Callable[[], list[tuple[str, ...]]]] = {
    "scripting.md": commands,
    "methods.md": parameters,
}


def page(name: str) -> str:
    """A page with its table as the code has it."""
    before, _, rest = (FOLDER / name).read_text(encoding="utf-8").partition(BEGINNING)
    head, *rows = TABLES[name]()
    lines = [head, tuple("---" for _ in head), *rows]
    table = "".join(f"| {' | '.join(line)} |\n" for line in lines)
    return before + BEGINNING + table + END + rest.partition(END)[2]


def _said(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value) if value != "" else "nothing"


if __name__ == "__main__":
    for name in TABLES:
        (FOLDER / name).write_text(page(name), encoding="utf-8")
