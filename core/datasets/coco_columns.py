"""What is known of annotations without reading them: a sample's entry, and columns of entries in a file.

Columns are small numbers beside lists of texts, and stay that in memory: forty thousand pictures' samples
are twenty megabytes, and read in a third of a second.
"""

from __future__ import annotations

import json
import os
import sys
from array import array
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, NamedTuple

from cliploc.core.datasets.annotations import CocoImage, Group
from cliploc.core.datasets.columns import Coded, Made
from cliploc.core.errors import DatasetError

VERSION = f"coco index 3 {sys.byteorder}"
_LENGTH = 16  # digits that say how long the head is, at the end of the file
# Of samples and of pictures, with the type of their numbers.
_SAMPLES = {"labels": "i", "categories": "i", "picture": "i", "flags": "b", "end": "q"}
_PICTURES = {"source": "i", "height": "q", "width": "q"}
_CROWDED, _SMALL = 1, 2


@dataclass(frozen=True, slots=True)
class Kept:
    """A sample's annotations, in an index."""

    index: Path
    begin: int
    end: int

    def __call__(self) -> Group:
        """Read them. DatasetError when the index is gone, or another one by now."""
        try:
            with open(self.index, "rb") as file:
                file.seek(self.begin)
                instances, crowds = json.loads(file.read(self.end - self.begin))
            return Group(
                [(name, shape) for name, shape in instances], [(name, shape) for name, shape in crowds]
            )
        except (OSError, ValueError, TypeError) as error:
            raise DatasetError(
                f"{self.index} is gone or damaged; open the dataset again, and it is made anew"
            ) from error


class Entry(NamedTuple):
    """A sample. picture: its place among the pictures. crowded: whether it has crowds.

    small: whether its annotations may cover no whole pixel.
    """

    id: str
    label: str
    category: str
    picture: int
    crowded: bool
    small: bool
    group: Callable[[], Group]


@dataclass(frozen=True)
class Columns:
    """The entries and pictures of an index, by place.

    file: the index; folder: of the pictures. ids, numbers, names: of samples, of pictures, of these. texts:
    labels, categories and sources, as far as they differ.
    """

    file: Path
    folder: Path
    ids: list[str]
    numbers: list[str]
    names: list[str]
    texts: Mapping[str, list[str]]
    column: Mapping[str, array[int]]

    def entry(self, place: int) -> Entry:
        """The sample at a place."""
        column, texts, flags = self.column, self.texts, self.column["flags"][place]
        return Entry(
            self.ids[place],
            texts["labels"][column["labels"][place]],
            texts["categories"][column["categories"][place]],
            column["picture"][place],
            bool(flags & _CROWDED),
            bool(flags & _SMALL),
            Kept(self.file, column["end"][place - 1] if place else 0, column["end"][place]),
        )

    def picture(self, place: int) -> CocoImage:
        """The picture at a place."""
        name, column = self.names[place], self.column
        source = self.texts["source"][column["source"][place]]
        height, width = column["height"][place], column["width"][place]
        return CocoImage(self.numbers[place], self.folder / name, name, height, width, source)

    @property
    def labels(self) -> Coded:
        """The label of each sample."""
        return Coded(self.texts["labels"], self.column["labels"])


class Entries(Made[Entry]):
    """The entries of columns."""

    def __init__(self, columns: Columns) -> None:
        super().__init__(len(columns.ids), columns.entry)
        self.ids, self.labels, self.picture_of = columns.ids, columns.labels, columns.column["picture"]


def write(
    file: IO[bytes], entries: Sequence[Entry], pictures: Sequence[CocoImage], more: Mapping[str, Any]
) -> None:
    """Write an index: the annotations of each entry, the columns, then a head that says what they are.

    more: what else the head is to say.
    """
    ends = array("q")
    for each in entries:
        group = each.group()
        file.write(json.dumps([group.instances, group.crowds], separators=(",", ":")).encode())
        ends.append(file.tell())
    coded = {
        "labels": Coded.of([each.label for each in entries]),
        "categories": Coded.of([each.category for each in entries]),
        "source": Coded.of([each.source for each in pictures]),
    }
    numbers: dict[str, Sequence[int]] = {name: texts.codes for name, texts in coded.items()} | {
        "picture": [each.picture for each in entries],
        "flags": [_CROWDED * each.crowded + _SMALL * each.small for each in entries],
        "end": ends,
        "height": [each.height for each in pictures],
        "width": [each.width for each in pictures],
    }
    for name, code in (_SAMPLES | _PICTURES).items():
        file.write(array(code, numbers[name]).tobytes())
    head = {
        **more,
        "version": VERSION,
        "ids": [each.id for each in entries],
        "numbers": [each.id for each in pictures],
        "names": [each.name for each in pictures],
        "texts": {name: texts.names for name, texts in coded.items()},
    }
    text = json.dumps(head, separators=(",", ":")).encode()
    file.write(text + b"%0*d" % (_LENGTH, len(text)))


def read(path: Path, folder: Path) -> tuple[Columns, dict[str, Any]]:
    """The columns of a written index, and what else its head says. folder: of the pictures.

    OSError when it is not there; ValueError, KeyError or TypeError when it is not whole, or of another
    version.
    """
    with open(path, "rb") as file:
        file.seek(-_LENGTH, os.SEEK_END)
        at = file.tell()
        length = int(file.read(_LENGTH))
        file.seek(at - length)
        head: dict[str, Any] = json.loads(file.read(length))
        if head.pop("version") != VERSION:
            raise ValueError("an index of another version")
        ids, numbers, names, texts = (head.pop(name) for name in ("ids", "numbers", "names", "texts"))
        column = {name: array(code, [0]) * len(ids) for name, code in _SAMPLES.items()}
        column |= {name: array(code, [0]) * len(names) for name, code in _PICTURES.items()}
        file.seek(at - length - sum(len(each) * each.itemsize for each in column.values()))
        for name, each in column.items():
            column[name] = array(each.typecode, file.read(len(each) * each.itemsize))
    found = Columns(path, folder, ids, numbers, names, texts, column)
    _check(found)
    return found, head


def _check(found: Columns) -> None:
    """ValueError where columns name what is not there."""
    tops = {name: len(texts) for name, texts in found.texts.items()} | {"picture": len(found.names)}
    if len(found.numbers) != len(found.names) or not all(
        _below(found.column[name], top) for name, top in tops.items()
    ):
        raise ValueError("an index that does not fit itself")


def _below(column: array[int], top: int) -> bool:
    return not column or (min(column) >= 0 and max(column) < top)
