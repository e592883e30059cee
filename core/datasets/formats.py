"""The formats of datasets, each declared once: how a place is written, and which module reads it.

A place with a format's prefix is of that format. Any other place is looked at: the first format
of `FORMATS` that it lacks nothing of is taken, so that their order is the order of precedence.
`layout=NAME` in the spec decides instead.

Standard library only: the screen names datasets, too. A format's module has `lacks`, `open_place`
and `problems`; it is imported when a place is looked at, and imports no arrays until it must.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib import import_module
from itertools import combinations, pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast

from cliploc.core.errors import DatasetError, clean, unknown
from cliploc.core.paths import data_dir, embedded_dir, expanded

if TYPE_CHECKING:
    from cliploc.core.datasets.sample import Dataset
    from cliploc.core.datasets.spec import Options


class Reader(Protocol):
    """What a format's module has."""

    def lacks(self, place: Path) -> str:
        """What a place lacks to be of this format, in a few words; "" for nothing. No picture is read."""

    def open_place(self, place: str, options: Options) -> Dataset:
        """Open a dataset; no picture is decoded. DatasetError says what is missing."""

    def problems(self, place: str, options: Options) -> Iterable[str]:
        """Every problem of a dataset in a sentence; decodes everything."""


# Endings by which a folder's pictures are told from its other files. What a file is, its content says.
ENDINGS = (
    ".png", ".jpg", ".jpeg", ".jpe", ".tif", ".tiff", ".gif", ".webp", ".bmp", ".dib", ".ppm", ".pgm", ".tga",
    ".jp2", ".avif",
)  # fmt: skip


def is_picture_name(name: str) -> bool:
    """Whether a file of this name is taken for a picture where it was not named itself."""
    return name.lower().endswith(ENDINGS) and not name.startswith(".")


@dataclass(frozen=True)
class Format:
    """A kind of dataset. name: what `layout=` calls it; what: it is, in words.

    prefix: of its places, "" where they are looked at; parts: the paths behind it, with colons between.
    """

    name: str
    what: str
    module: str
    prefix: str = ""
    parts: tuple[str, ...] = ("PLACE",)

    @property
    def written(self) -> str:
        """How a place is written: `coco:IMAGES:ANNOTATIONS.json`."""
        return self.prefix + ":".join(self.parts)

    @property
    def reader(self) -> Reader:
        """The module that reads it."""
        return cast(Reader, import_module(self.module))

    def paths(self, place: str) -> tuple[Path, ...]:
        """The paths of a place: those that are there, else as its last colons part them. DatasetError."""
        ways = list(self._ways(place))
        if not ways:
            raise DatasetError(f"found {clean(place)!r}, expected {self.written}")
        return next((way for way in ways if _are_there(way)), ways[0])

    def is_there(self, place: str) -> bool:
        """Whether files of exactly these names exist."""
        return any(map(_are_there, self._ways(place)))

    def _ways(self, place: str) -> Iterator[tuple[Path, ...]]:
        """Every way to part a place at colons, the last ones first: paths may hold colons, too."""
        words = place.removeprefix(self.prefix).split(":")
        if len(self.parts) == 1:
            words = [":".join(words)]
        cuts = combinations(range(len(words) - 1, 0, -1), len(self.parts) - 1)
        for cut in cuts:
            ends = pairwise([0, *sorted(cut), len(words)])
            names = [":".join(words[first:last]) for first, last in ends]
            if all(names):
                yield tuple(map(expanded, names))


_HERE = "cliploc.core.datasets"
_COCO = ("IMAGES", "ANNOTATIONS.json")
FORMATS = (
    Format("table", "CocoGlide's table: table.csv, real/, mask/", f"{_HERE}.folder"),
    Format("voc", "VOC's JPEGImages/ and SegmentationClass/", f"{_HERE}.voc"),
    Format("cityscapes", "Cityscapes' leftImg8bit/ and gtFine/", f"{_HERE}.cityscapes"),
    Format("indexed", "images/, annotations/ of numbers and a label file", f"{_HERE}.indexed"),
    Format("imagenet-s", "ImageNet-S's folders and FOLDER-segmentation", f"{_HERE}.imagenet_s"),
    Format("yolo", "YOLO's images/ and labels/ of polygons", f"{_HERE}.yolo"),
    Format("panoptic", "COCO's panoptic annotations with their maps", f"{_HERE}.panoptic_folder"),
    Format("coco", "COCO's or LVIS's annotations beside images", f"{_HERE}.coco_folder"),
    Format("boxes", "pictures with lists of boxes", f"{_HERE}.boxes"),
    Format("parquet", "parquet with pictures and masks", f"{_HERE}.parquet"),
    Format("pairs", "images/ and masks/ with matching names", f"{_HERE}.pairs"),
    Format("pictures", "pictures alone", f"{_HERE}.pictures_alone"),
    Format("panoptic", "COCO's panoptic annotations", f"{_HERE}.panoptic", "coco:", _COCO),
    Format("coco", "COCO's or LVIS's annotations", f"{_HERE}.coco", "coco:", _COCO),
)
LAYOUTS = tuple(dict.fromkeys(each.name for each in FORMATS))
WRITABLE = ("table", "coco", "voc")  # by `written_layouts`
_PLACE = Format("", "any place that is looked at", "")


def format_of(place: str) -> Format:
    """How a place is written: by the prefix that it has, else as one path."""
    return next((each for each in FORMATS if each.prefix and place.startswith(each.prefix)), _PLACE)


def recognized(place: str, layout: str = "") -> Format:
    """The format of a place: the one with its prefix, the one that `layout` names, else the first that fits.

    DatasetError says what the place lacks to be of each format when none fits.
    """
    prefix = format_of(place).prefix
    alike = [each for each in FORMATS if each.prefix == prefix]
    if layout:
        named_so = [each for each in alike if each.name == layout]
        if not named_so:
            raise unknown(f"layout of {place}", layout, [each.name for each in alike])
        return named_so[0]
    path = expanded(place)
    if place in named() or len(alike) == 1 or not (prefix or os.path.exists(path)):
        return alike[0]
    lacking = []
    for each in alike:
        lacks = each.reader.lacks(each.paths(place)[-1])
        if not lacks:
            return each
        lacking.append(f"{each.name}: {lacks}")
    hint = "where pictures are, `cliploc dataset init FOLDER` begins a table.csv"
    raise DatasetError("\n  ".join([f"{path} is no dataset of a layout that is known; {hint}", *lacking]))


def named() -> dict[str, Path]:
    """The folders that have a name of their own."""
    return {"demo": embedded_dir() / "demo", "cocoglide": data_dir() / "cocoglide"}


def _are_there(paths: tuple[Path, ...]) -> bool:
    return all(map(os.path.exists, paths))
