"""The growth table: `make load`, or `python -m tests.load --folder FOLDER --sizes 512,5000`.

Sets are made once in the folder (640 x 480; 40,000 images are 0.5 GB), each with a home of its own. Between
two sizes of a kind, the exponent with which a figure grows with the number of samples stands in brackets.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import subprocess
import sys
import time
from pathlib import Path

from cliploc.tui.studio.launch import ENVIRONMENT
from tests.load import sets

Row = dict[str, float | None]
SIZES = {"glide": (512, 5000), "coco": (512, 5000, 40000)}
# A file that has just been written may change again: its facts are not kept.
SETTLED = 3.0


def measured(spec: str, part: str, home: Path) -> Row:
    """The figures of one part of a set."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.load.measured", spec, part],
        env={**os.environ, **ENVIRONMENT, "CLIPLOC_HOME": str(home)},
        stdout=subprocess.PIPE,
        check=True,
    )
    found: Row = json.loads(done.stdout)
    return found


def row_of(kind: str, images: int, folder: Path) -> Row:
    """All figures of a set."""
    place = folder / f"{kind}-{images}"
    spec = {"coco": sets.coco, "glide": sets.glide}[kind](place, images)
    time.sleep(SETTLED)
    home = place / "home"
    first = measured(spec, "open", home)
    later = measured(spec, "open", home)
    measured(spec, "import", home)
    row: Row = {"samples": later["samples"], "opened first CPU s": first["open CPU s"]}
    row |= {"opened again CPU s": later["open CPU s"], "opened again MB": later["open MB"]}
    return row | measured(spec, "screen", home) | measured(spec, "studio", home)


def table(kind: str, rows: dict[int, Row]) -> str:
    """The figures line by line, sizes side by side."""
    lines = [f"{kind:24}" + "".join(f"{f'{images:,} images':>22}" for images in rows)]
    found = list(rows.values())
    for name in found[0]:
        cells = []
        for number, row in enumerate(found):
            before = found[number - 1] if number else {}
            cells.append(f"{cell(row[name])}{exponent(before, row, name):>9}")
        lines.append(f"{name:24}" + "".join(f"{text:>22}" for text in cells))
    return "\n".join(lines)


def cell(value: float | None) -> str:
    """A figure in three digits; a dash for what was not measured."""
    return "–" if value is None else f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def exponent(before: Row, now: Row, name: str) -> str:
    """How a figure grows with the number of samples, since the size before."""
    one, two, few, many = before.get(name), now[name], before.get("samples"), now["samples"]
    if name == "samples" or not one or not two or not few or not many:
        return ""
    return f"({math.log(two / one) / math.log(many / few):.2f})"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path("load"), help="where the sets are made")
    parser.add_argument("--sizes", help="numbers of images, with commas between; else those of each kind")
    parser.add_argument("--kind", choices=SIZES, help="only this kind")
    asked = parser.parse_args()
    for kind in [asked.kind] if asked.kind else SIZES:
        sizes = [int(size) for size in asked.sizes.split(",")] if asked.sizes else SIZES[kind]
        rows = {images: row_of(kind, images, asked.folder.resolve()) for images in sizes}
        print(table(kind, rows), flush=True)


if __name__ == "__main__":
    main()
