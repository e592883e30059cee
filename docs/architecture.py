"""The picture of the architecture: the parts of the code, and who imports whom, read from the code.

`make docs` writes `docs/architecture.svg`; the same code gives the same bytes. Of all imports those are
drawn that no chain of others replaces, or the picture would be black.
"""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
PICTURE = REPOSITORY / "docs" / "architecture.svg"
LETTER, HEIGHT, GAP, ROW, MARGIN = 8.6, 34, 28, 74, 24
SCREEN = ("tui",)


def floors() -> list[list[str]]:
    """The parts of the code by floor, from the top, as the contract in pyproject.toml has them."""
    settings = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = settings["tool"]["importlinter"]["contracts"]
    (layers,) = (contract["layers"] for contract in contracts if contract["type"] == "layers")
    return [[part.strip().removeprefix("cliploc.") for part in layer.split("|")] for layer in layers]


def imports() -> dict[str, set[str]]:
    """By part, the other parts that its modules import."""
    parts = [part for floor in floors() for part in floor]
    found: dict[str, set[str]] = {part: set() for part in parts}
    for path in (*(REPOSITORY / "core").rglob("*.py"), *(REPOSITORY / "tui").rglob("*.py")):
        here = _part(".".join(path.relative_to(REPOSITORY).with_suffix("").parts), parts)
        if here:
            found[here] |= {_part(name, parts) for name in _imported(path)} - {here, ""}
    return found


def _imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{name.name}".removeprefix("cliploc.") for name in node.names)
        elif isinstance(node, ast.Import):
            yield from (name.name.removeprefix("cliploc.") for name in node.names)


def _part(module: str, parts: list[str]) -> str:
    """The part that a module belongs to; "" for one that is none of ours."""
    return next((part for part in parts if f"{module}.".startswith(f"{part}.")), "")


def drawn() -> list[tuple[str, str]]:
    """The imports that no chain of others replaces."""
    direct = imports()
    below: dict[str, set[str]] = {}
    for floor in reversed(floors()):
        for part in floor:
            below[part] = direct[part].union(*(below[other] for other in direct[part]))
    return sorted(
        (part, other)
        for part, others in direct.items()
        for other in others
        if not any(other in below[between] for between in others)
    )


def places(width: float) -> dict[str, tuple[float, float, float]]:
    """Of each part, the left and upper edge and the width of its box."""
    found = {}
    for row, floor in enumerate(floors()):
        widths = [len(part) * LETTER + 24 for part in floor]
        # Floors of one part step to the sides by turns, so that lines pass them by.
        aside = (-1, 1)[row % 2] * width * 0.16 if len(floor) == 1 and row > 0 else 0.0
        left = (width - sum(widths) - GAP * (len(floor) - 1)) / 2 + aside
        for part, wide in zip(floor, widths, strict=True):
            found[part] = (left, MARGIN + row * ROW, wide)
            left += wide + GAP
    return found


def picture() -> str:
    """The whole SVG: a box for each part, a line from who imports to who is imported."""
    rows = [sum(len(part) * LETTER + 24 + GAP for part in floor) for floor in floors()]
    width = max(rows) - GAP + 2 * MARGIN
    boxes = places(width)
    height = MARGIN * 2 + (len(rows) - 1) * ROW + HEIGHT
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height}" role="img">',
        "<title>Parts of cliploc: each imports only what lies below it</title>",
        f'<rect width="{width:.0f}" height="{height}" fill="#ffffff"/>',
    ]
    for above, below in drawn():
        (left, top, wide), (other_left, other_top, other_wide) = boxes[above], boxes[below]
        x, y, to_x, to_y = left + wide / 2, top + HEIGHT, other_left + other_wide / 2, other_top
        bend = (to_y - y) / 2
        lines.append(
            f'<path d="M{x:.1f} {y} C{x:.1f} {y + bend:.1f} {to_x:.1f} {to_y - bend:.1f} {to_x:.1f} {to_y}" '
            'fill="none" stroke="#8a93a6"/>'
        )
    for part, (left, top, wide) in boxes.items():
        fill, stroke = ("#e8f6ef", "#12805c") if part in SCREEN else ("#eef2fb", "#2257c5")
        lines.append(
            f'<rect x="{left:.1f}" y="{top}" width="{wide:.1f}" height="{HEIGHT}" rx="6" '
            f'fill="{fill}" stroke="{stroke}"/>'
        )
        lines.append(
            f'<text x="{left + wide / 2:.1f}" y="{top + HEIGHT / 2 + 5:.0f}" text-anchor="middle" '
            f'font-family="sans-serif" font-size="14" fill="#1f2430">{part}</text>'
        )
    return "\n".join([*lines, "</svg>", ""])


if __name__ == "__main__":
    PICTURE.write_text(picture(), encoding="utf-8")
