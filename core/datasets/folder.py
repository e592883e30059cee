"""A folder in CocoGlide's layout: table.csv beside real/, mask/ and, perhaps, fake/.

The base names of the three folders do not match, so files are paired through
the table alone. Columns that are not ours are ignored.
"""

from __future__ import annotations

import csv
import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from core.datasets.sample import Dataset, Sample
from core.errors import DatasetError, clean

if TYPE_CHECKING:
    from core.datasets.sample import Image, Mask

TABLE = "table.csv"
COLUMNS = ("real", "mask", "prompt")


@dataclass(frozen=True)
class Row:
    """One line of the table. number: its line in the file, the header being 1."""

    number: int
    real: str
    mask: str
    label: str

    @property
    def id(self) -> str:
        """The sample's id: the stem of its real image."""
        return os.path.splitext(os.path.basename(self.real))[0]


def open_folder(root: Path, name: str | None = None) -> Dataset:
    """Open a folder in CocoGlide's layout. DatasetError when it, its table or a row is unusable."""
    rows = read_table(root)
    problems = [*_row_problems(rows), *_missing_files(root, rows)]
    if problems:
        raise DatasetError(summary(root, problems))
    samples = tuple(
        Sample(row.id, row.label, partial(_image, root / row.real), partial(_mask, root / row.mask))
        for row in rows
    )
    return Dataset(name or root.resolve().name, str(root), samples, partial(_digest, root, tuple(rows)))


def read_table(root: Path) -> list[Row]:
    """The rows of `root/table.csv` (UTF-8, with or without BOM). DatasetError when it cannot be read."""
    if not root.is_dir():
        raise DatasetError(
            f"no dataset at {root}: expected a folder with {TABLE}; "
            "`cliploc fetch cocoglide` gets the real one, `--dataset demo` needs nothing"
        )
    path = root / TABLE
    try:
        with open(path, newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            missing = [column for column in COLUMNS if column not in (reader.fieldnames or ())]
            if missing:
                found = clean(", ".join(reader.fieldnames or ())) or "nothing"
                raise DatasetError(f"{path} has no column {', '.join(missing)}; found {found}")
            rows = [_row(reader.line_num, line) for line in reader]
    except FileNotFoundError:
        raise DatasetError(
            f"{root} has no {TABLE}; expected CocoGlide's layout: "
            f"{TABLE} (real,fake,mask,prompt), real/, mask/"
        ) from None
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DatasetError(f"cannot read {path}: {error}; expected UTF-8 text with commas") from error
    if not rows:
        raise DatasetError(f"{path} has a header but no rows")
    return rows


def _row(number: int, line: dict[str, str | None]) -> Row:
    real, mask, label = ((line.get(column) or "").strip() for column in COLUMNS)
    return Row(number, real, mask, label)


def check_folder(root: Path) -> list[str]:
    """Every problem of the dataset, one sentence with file and row each; [] for a sound one.

    Decodes every picture. DatasetError only when there is no table to check.
    """
    rows = read_table(root)
    problems = [*_row_problems(rows), *_missing_files(root, rows)]
    for row in rows:
        problems.extend(_picture_problems(root, row))
    return problems


def summary(root: Path, problems: list[str], shown: int = 20) -> str:
    """All problems as one message, the first ones written out."""
    lines = [f"{root}: {counted(problems)}", *problems[:shown]]
    if len(problems) > shown:
        lines.append(f"and {len(problems) - shown} more; `cliploc dataset check --dataset {root}` lists all")
    return "\n  ".join(lines)


def counted(problems: list[str]) -> str:
    """How many there are: `sound`, `1 problem`, `2 problems`."""
    if not problems:
        return "sound"
    return "1 problem" if len(problems) == 1 else f"{len(problems)} problems"


def _row_problems(rows: list[Row]) -> Iterator[str]:
    first: dict[str, int] = {}
    for row in rows:
        empty = [
            name for name, text in zip(COLUMNS, (row.real, row.mask, row.label), strict=True) if not text
        ]
        if empty:
            yield f"row {row.number}: no {', '.join(empty)}"
        elif row.id in first:
            yield f"row {row.number}: id {clean(row.id)!r} was already used in row {first[row.id]}"
        first.setdefault(row.id, row.number)


def _missing_files(root: Path, rows: list[Row]) -> Iterator[str]:
    for row in rows:
        for name in filter(None, (row.real, row.mask)):
            if not _inside(root, name):
                yield f"row {row.number}: {clean(name)} leads out of the dataset's folder"
            elif not os.path.isfile(os.path.join(root, name)):
                yield f"row {row.number}: file {clean(name)} is missing"


def _inside(root: Path, name: str) -> bool:
    return not os.path.isabs(name) and ".." not in name.split("/")


def _picture_problems(root: Path, row: Row) -> Iterator[str]:
    shapes = []
    for name, read in ((row.real, _image), (row.mask, _mask)):
        path = root / name
        if not name or not _inside(root, name) or not path.is_file():
            continue
        try:
            picture = read(path)
        except DatasetError as error:
            yield f"row {row.number}: {clean(str(error).removeprefix(str(root)).lstrip('/'))}"
            continue
        shapes.append(picture.shape[:2])
        if name == row.mask and not picture.any():
            yield f"row {row.number}: mask {clean(name)} is empty: no pixel above 127"
    if len(set(shapes)) > 1:
        (height, width), (mask_height, mask_width) = shapes
        yield (
            f"row {row.number}: mask {clean(row.mask)} is {mask_width} x {mask_height}, "
            f"its image {width} x {height}"
        )


def _image(path: Path) -> Image:
    from core.datasets.images import read_image  # cv2 costs 0.3 s; listing samples needs none

    return read_image(path)


def _mask(path: Path) -> Mask:
    from core.datasets.images import read_mask  # as above

    return read_mask(path)


def _digest(root: Path, rows: tuple[Row, ...]) -> str:
    total = hashlib.sha256()
    for row in rows:
        total.update(f"{row.id}\0{row.label}\0".encode())
        for name in (row.real, row.mask):
            try:
                content = (root / name).read_bytes()
            except OSError as error:
                raise DatasetError(f"cannot read {root / name}: {error.strerror}") from error
            total.update(hashlib.sha256(content).digest())
    return total.hexdigest()
