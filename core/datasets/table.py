"""CocoGlide's table: which files are a sample, and its label."""

from __future__ import annotations

import csv
import difflib
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

from cliploc.core.datasets import files
from cliploc.core.datasets.ids import label_of
from cliploc.core.errors import DatasetError, clean

TABLE = "table.csv"
COLUMNS = ("real", "mask", "prompt")
OPTIONAL = ("fake", "source")
LARGEST_TABLE = 1 << 28
MORE = "\n"  # the name, which no column has, of what stands behind the last one: a list


@dataclass(frozen=True)
class TableRow:
    """One line of the table. number: its line in the file, the header being 1. more: what stands behind
    the last column.
    """

    number: int
    real: str
    mask: str
    label: str
    fake: str = ""
    source: str = ""
    more: str = ""

    @property
    def stem(self) -> str:
        """The name of its real image's file, without ending."""
        return os.path.splitext(os.path.basename(self.real))[0]

    @property
    def names(self) -> tuple[str, ...]:
        """What its sample may be called, the shortest first."""
        path = os.path.splitext(self.real)[0]
        full = f"{self.label}_{path}"
        return self.stem, f"{self.label}_{self.stem}", path, full, f"{self.label}_{self.real}"


def _near(root: Path) -> str:
    """The names that are meant, perhaps: the two that need no path, and what lies beside."""
    try:
        beside = os.listdir(root.parent)
    except OSError:
        beside = []
    near = difflib.get_close_matches(root.name, ["demo", "cocoglide", *beside], n=3)
    return f"did you mean {' or '.join(map(clean, dict.fromkeys(near)))}? " if near else ""


def read_table(root: Path) -> list[TableRow]:
    """The rows of `root/table.csv` (UTF-8, with or without BOM). DatasetError when it cannot be read."""
    if not os.path.isdir(root):  # a Path says no too, but an error for a name that is too long
        raise DatasetError(
            f"no dataset at {root}: {_near(root)}expected a folder with {TABLE}; "
            "`cliploc fetch cocoglide` gets the real one, `--dataset demo` needs nothing"
        )
    path = root / TABLE
    if not path.exists():
        raise DatasetError(
            f"{root} has no {TABLE}; expected CocoGlide's layout: "
            f"{TABLE} (real,fake,mask,prompt), real/, mask/; layout= names others"
        )
    try:
        text = files.read(path, LARGEST_TABLE).decode("utf-8-sig")
        reader = csv.DictReader(StringIO(text, newline=""), restkey=MORE, strict=True)
        twice = [name for name in (*COLUMNS, *OPTIONAL) if (reader.fieldnames or []).count(name) > 1]
        if twice:
            raise DatasetError(f"{path} has the column {twice[0]} twice; expected it once")
        missing = [column for column in COLUMNS if column not in (reader.fieldnames or ())]
        if missing:
            raise DatasetError(_other_table(path, missing, list(reader.fieldnames or ())))
        rows = [_row(reader.line_num, line) for line in reader]
    except UnicodeDecodeError as error:
        raise DatasetError(
            f"cannot read {path}: {error.reason} at byte {error.start}; expected UTF-8 text with commas "
            "(in a spreadsheet: save as CSV UTF-8)"
        ) from error
    except csv.Error as error:
        raise DatasetError(f"cannot read {path}: {clean(error)}; expected UTF-8 text with commas") from error
    if not rows:
        raise DatasetError(f"{path} has a header but no rows")
    return rows


def _other_table(path: Path, missing: Sequence[str], found: list[str]) -> str:
    shown = clean(", ".join(found))[:200] or "nothing"
    alike = {name.strip().lower() for name in found}
    if len(found) == 1 and any(mark in found[0] for mark in ";\t|"):
        way = "its columns are separated by another sign; save it with commas"
    elif alike >= set(missing):
        way = f"names are written {', '.join(COLUMNS)}, in small letters"
    else:
        way = f"expected the columns {', '.join(COLUMNS)} (and fake, source), separated by commas"
    return f"{path} has no column {', '.join(missing)}; found {shown}; {way}"


def _row(number: int, line: Mapping[str, str | None]) -> TableRow:
    cells = {name: (line.get(name) or "").strip() for name in (*COLUMNS, *OPTIONAL)}
    label = label_of(cells["prompt"])
    more = ",".join(line.get(MORE) or ()).strip(", ")
    return TableRow(number, cells["real"], cells["mask"], label, cells["fake"], cells["source"], more)


def row_problems(rows: Sequence[TableRow]) -> Iterator[str]:
    """What is wrong with the table's rows themselves."""
    first: dict[tuple[str, str, str], int] = {}
    for row in rows:
        cells = (row.real, row.mask, row.label)
        same = (os.path.normpath(row.real), os.path.normpath(row.mask), row.label)
        empty = [name for name, text in zip(COLUMNS, cells, strict=True) if not text]
        if empty:
            yield f"row {row.number}: no {', '.join(empty)}"
        elif row.more:
            yield (
                f"row {row.number}: {clean(row.more)[:40]!r} stands behind the last column; a text with a "
                "comma needs quotes"
            )
        elif same in first:
            yield f"row {row.number}: the same image, mask and label stand in row {first[same]}"
        first.setdefault(same, row.number)
