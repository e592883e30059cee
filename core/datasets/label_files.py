"""Files that say what numbers mean: `labels.txt`, `classes.txt`, ADE20K's `objectInfo150.txt`, JSON, YAML."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from cliploc.core.datasets import files
from cliploc.core.datasets.ids import label_of
from cliploc.core.errors import DatasetError, clean

NAMES = (
    "labels.txt", "classes.txt", "class_names.txt", "label_names.txt", "labelmap.txt", "label_map.txt",
    "objectInfo150.txt", "labels.csv", "classes.csv", "labels.json", "classes.json", "id2label.json",
)  # fmt: skip
ADE20K = "objectInfo150.txt"
LARGEST = 16 << 20
MOST = 1 << 16  # labels
# What is no label: the ground that everything is on, and pixels that do not count.
GROUND = ("background", "__background__", "_background_", "bg", "ground")
VOID = (
    "void",
    "ignore",
    "ignored",
    "unlabeled",
    "unlabelled",
    "__ignore__",
    "unknown",
    "unclassified",
    "other",
)


@dataclass(frozen=True)
class Labels:
    """What numbers mean. labels: of things to find, by number; ground: numbers of what is behind them;
    void: numbers of pixels that do not count. where: the file that says so, for people.
    """

    labels: Mapping[int, str]
    ground: frozenset[int]
    void: frozenset[int]
    where: str


def find(root: Path) -> Path | None:
    """The label file of a folder, None where it has none."""
    return next((root / name for name in NAMES if (root / name).is_file()), None)


def read(path: Path) -> Labels:
    """Read a label file. DatasetError where it is none.

    Lines `NUMBER NAME` (or with a colon, comma or tab between); names alone, from 0, where the first one
    is the ground or void; a table whose header has `Idx` and `Name` (ADE20K); JSON, a list or an object.
    0 and names such as `background` are the ground, 255 and names such as `void` do not count, unless
    the file names them.
    """
    try:
        text = files.read(path, LARGEST).decode("utf-8-sig")
        named = _of_json(json.loads(text)) if path.suffix == ".json" else _of_lines(text)
    except (ValueError, RecursionError, TypeError, AttributeError, OverflowError) as error:
        raise DatasetError(
            f"{path} is no file of labels: {clean(error)[:120]}; expected a line `NUMBER NAME` for each"
        ) from error
    if not named:
        raise DatasetError(f"{path} names nothing; expected a line `NUMBER NAME` for each label")
    found = meaning(named, str(path))
    if path.name == ADE20K:  # whose benchmark leaves out 0, `other objects`
        return Labels(found.labels, found.ground - {0}, found.void | {0}, found.where)
    return found


def meaning(named: Mapping[int, str], where: str) -> Labels:
    """Which numbers are labels, ground and void, by their names."""
    ground = frozenset(n for n, name in named.items() if name.lower() in GROUND)
    void = frozenset(n for n, name in named.items() if name.lower() in VOID)
    return Labels(
        {number: name for number, name in named.items() if number not in ground | void},
        ground | ({0} - named.keys()),
        void | ({255} - named.keys()),
        where,
    )


def _of_json(found: object) -> dict[int, str]:
    if isinstance(found, list):
        return _in_order(found)
    if isinstance(found, dict):
        if all(isinstance(value, int) and not isinstance(value, bool) for value in found.values()):
            return _numbered([(value, name) for name, value in found.items()])
        return _numbered(list(found.items()))
    raise ValueError(f"found {type(found).__name__}, expected a list or an object")


def _of_lines(text: str) -> dict[int, str]:
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    head = [cell.strip().lower() for cell in re.split(r"[\t,]", lines[0])] if lines else []
    sign = "\t" if lines and "\t" in lines[0] else ","
    number = next((head.index(name) for name in ("idx", "id", "index", "number") if name in head), None)
    name = next((head.index(name) for name in ("name", "label", "class") if name in head), None)
    if number is not None and name is not None:
        rows = [line.split(sign) for line in lines[1:]]
        short = [line for line, cells in zip(lines[1:], rows, strict=True) if len(cells) <= max(number, name)]
        if short:
            raise ValueError(f"{short[0]!r} has fewer columns than its header")
        return _numbered([(cells[number], re.split("[;,]", cells[name])[0]) for cells in rows])
    pairs = [re.fullmatch(r"\s*(\d+)\s*[\s:,=]\s*(\S.*)", line) for line in lines]
    if all(pairs) and pairs:
        return _numbered([(each[1], each[2]) for each in pairs if each])
    if any(re.fullmatch(r"[^:]+:\d+,\d+,\d+:.*", line) for line in lines):
        raise ValueError("labels by colour are not read: write R + 256 G + 65536 B as the number")
    return _in_order(lines)


def _in_order(names: Sequence[object]) -> dict[int, str]:
    """Names alone: whether the first one is 0 or 1 only a ground or void in its place tells."""
    if not names or str(names[0]).strip().lower() not in GROUND + VOID:
        raise ValueError("names without numbers do not say whether the first is 0 or 1")
    return _numbered(list(enumerate(names)))


def _numbered(pairs: Sequence[tuple[object, object]]) -> dict[int, str]:
    found: dict[int, str] = {}
    if len(pairs) > MOST:
        raise ValueError(f"{len(pairs):,} labels, expected at most {MOST:,}")
    for number, name in pairs:
        if isinstance(number, bool) or not isinstance(number, int | str) or len(str(number)) > 9:
            raise ValueError(f"{str(number)[:40]!r} is no number of a label")
        place = int(number)
        if not isinstance(name, str) or not label_of(name):
            raise ValueError(f"label {place} has no name")
        if place < 0 or found.setdefault(place, label_of(name)) != label_of(name):
            raise ValueError(f"number {place} has two names" if place >= 0 else f"a number {place} below 0")
    return found
