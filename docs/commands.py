"""The table of commands in `docs/scripting.md`, from their declaration; `make docs` writes it."""

from __future__ import annotations

from pathlib import Path

from cliploc.core.commands import COMMANDS

PAGE = Path(__file__).resolve().parent / "scripting.md"
BEGINNING = "<!-- written by docs/commands.py -->\n"
END = "<!-- end -->\n"


def page() -> str:
    """The whole page, with the table as the code has it."""
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGINNING)
    rows = [f"| `cliploc {name}` | {text} |" for name, text in COMMANDS.items()]
    table = "\n".join(["| command | what it does |", "|---|---|", *rows, ""])
    return before + BEGINNING + table + END + rest.partition(END)[2]


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
