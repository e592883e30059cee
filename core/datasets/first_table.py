"""A first `table.csv` for a folder, to be filled in: its pictures, and the masks that seem to be theirs."""

from __future__ import annotations

import csv
import os
from collections.abc import Sequence
from dataclasses import dataclass
from io import StringIO
from pathlib import Path, PurePosixPath

from cliploc.core.datasets.listing import label_in, paired, pictures_under
from cliploc.core.datasets.pairs import MASKS, PICTURES
from cliploc.core.datasets.table import TABLE
from cliploc.core.errors import DatasetError, ParameterError, few
from cliploc.core.paths import write_whole

_REALS = (*PICTURES, "real")
_MARKS = ("mask", "masks", "gt", "seg", "segmentation")  # what a mask's name may end in
_COLUMNS = ("real", "mask", "prompt", "source")


@dataclass(frozen=True)
class Written:
    """What a table holds: rows, and how many of them lack a mask or a label. alone: masks of no picture."""

    rows: int
    without_mask: int
    without_label: int
    alone: tuple[str, ...]


def write_first_table(root: Path) -> Written:
    """Write `root/table.csv`, a row a picture. Folders say the labels.

    ParameterError where a table is there already; DatasetError where no picture is.
    """
    if os.path.lexists(root / TABLE):
        raise ParameterError(f"{root / TABLE} is there already, and is not written over")
    if not os.path.isdir(root):
        raise DatasetError(f"{root} is no folder; expected one with pictures in it")
    found = pictures_under(root)
    masks = {_without(name, MASKS): name for name in found if _is_mask(name)}
    pictures = {_without(name, _REALS): name for name in found if not _is_mask(name)}
    if not pictures:
        raise DatasetError(f"{root} has no pictures" + (f", only masks: {few(found)}" if found else ""))
    matched = dict(paired(list(pictures), list(masks)).pairs)
    rows = [
        (name, masks[matched[key]] if key in matched else "", label_in(key), "")
        for key, name in pictures.items()
    ]
    lines = StringIO()
    csv.writer(lines, lineterminator="\n").writerows([_COLUMNS, *rows])
    write_whole(root / TABLE, lines.getvalue().encode("utf-8", "surrogateescape"))
    used = set(matched.values())
    return Written(
        len(rows),
        sum(not mask for _, mask, _, _ in rows),
        sum(not label for _, _, label, _ in rows),
        tuple(name for key, name in masks.items() if key not in used),
    )


def _is_mask(name: str) -> bool:
    path = PurePosixPath(name)
    words = path.stem.lower().replace("-", "_").replace(".", "_").split("_")
    return any(part.lower() in MASKS for part in path.parts[:-1]) or words[-1] in _MARKS


def _without(name: str, folders: Sequence[str]) -> str:
    """A path without the folders that only say what kind of files are in them."""
    path = PurePosixPath(name)
    return "/".join([*(part for part in path.parts[:-1] if part.lower() not in folders), path.name])
