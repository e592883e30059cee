"""The formats of datasets, each declared once: how a place is written, and which module reads it.

Standard library only: the screen names datasets, too. A format's module has `open_place` and
`problems`, and is imported when a dataset of its kind is.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from importlib import import_module
from itertools import combinations, pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast

from cliploc.core.errors import DatasetError, clean
from cliploc.core.paths import data_dir, embedded_dir, expanded

if TYPE_CHECKING:
    from cliploc.core.datasets.sample import Dataset
    from cliploc.core.datasets.spec import Options


class Reader(Protocol):
    """What a format's module has."""

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


def _holds_pictures_alone(place: str) -> bool:
    """A file, or a folder that has pictures in it and no table."""
    path = expanded(place)
    if os.path.isfile(path):
        return True
    if place in named() or not os.path.isdir(path) or os.path.lexists(path / "table.csv"):
        return False
    try:
        return any(map(is_picture_name, os.listdir(path)))
    except OSError:
        return False


def _any(place: str) -> bool:
    """Whatever has the format's prefix."""
    return True


@dataclass(frozen=True)
class Format:
    """A kind of dataset. prefix: of its places; parts: the paths behind it, with colons between.

    fits: whether a place with that prefix is of this kind.
    """

    prefix: str
    parts: tuple[str, ...]
    module: str
    fits: Callable[[str], bool] = _any

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


FORMATS = (
    Format("coco:", ("IMAGES", "ANNOTATIONS.json"), "cliploc.core.datasets.coco"),
    Format("", ("PICTURES",), "cliploc.core.datasets.pictures_alone", _holds_pictures_alone),
    Format("", ("FOLDER",), "cliploc.core.datasets.folder"),
)


def format_of(place: str) -> Format:
    """The format of a place: the first whose prefix it has and that it fits."""
    return next(each for each in FORMATS if place.startswith(each.prefix) and each.fits(place))


def named() -> dict[str, Path]:
    """The folders that have a name of their own."""
    return {"demo": embedded_dir() / "demo", "cocoglide": data_dir() / "cocoglide"}


def _are_there(paths: tuple[Path, ...]) -> bool:
    return all(map(os.path.exists, paths))
