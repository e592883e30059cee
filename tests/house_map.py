"""The map in CONTRIBUTING: every module of core and tui with the first sentence of its docstring.

`python -m tests.house_map` writes it anew.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
CONTRIBUTING = REPOSITORY / "CONTRIBUTING.md"
HEADING = "## Where things are\n"
BEGINNING = (
    "Every module, in its own words (written by `python -m tests.house_map` from the docstrings, "
    "checked by a test):\n"
)


def first_sentence(path: Path) -> str:
    """What a module says that it is."""
    text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    paragraph = " ".join(text.split("\n\n")[0].split())
    return paragraph.split(". ")[0].rstrip(".:")


def lines() -> Iterator[str]:
    """One heading a folder, one line a module."""
    for top in ("core", "tui"):
        folders = sorted({path.parent for path in (REPOSITORY / top).rglob("*.py")})
        for folder in folders:
            yield f"\n**`{folder.relative_to(REPOSITORY)}/`**\n"
            for path in sorted(folder.glob("*.py")):
                if words := first_sentence(path):
                    yield f"- `{path.name}`: {words}"


def house_map() -> str:
    """The section, to the end of the file."""
    return HEADING + BEGINNING + "\n".join(lines()) + "\n"


def written() -> str:
    """CONTRIBUTING with the map as the code has it."""
    before, _, _ = CONTRIBUTING.read_text(encoding="utf-8").partition(HEADING)
    return before.rstrip() + "\n\n" + house_map()


if __name__ == "__main__":
    CONTRIBUTING.write_text(written(), encoding="utf-8")
