"""Pictures, maps of numbers with matching names, and a label file: ADE20K, and what is laid out like it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from cliploc.core.datasets import label_files
from cliploc.core.datasets.listing import first_of, has_pictures, of_subset, paired, pictures_under
from cliploc.core.datasets.numbered import OPTIONS, Map, Numbered, opened, parts_of, problems_in
from cliploc.core.datasets.pairs import MASKS, PICTURES, summed
from cliploc.core.datasets.sample import Dataset
from cliploc.core.datasets.spec import Options, written
from cliploc.core.errors import DatasetError
from cliploc.core.paths import expanded

MAPS = ("annotations", "labels", "label", "maps", *MASKS)


def lacks(place: Path) -> str:
    """What a place lacks to be pictures with maps of numbers and a label file."""
    images, maps = first_of(place, PICTURES), first_of(place, MAPS)
    missing = [] if label_files.find(place) else [f"label file ({', '.join(label_files.NAMES[:2])} …)"]
    missing += [] if images else ["images/"]
    missing += [] if maps and has_pictures(place / maps) else ["annotations/ with PNGs"]
    return f"it has no {' and no '.join(missing)}" if missing else ""


def open_place(place: str, options: Options) -> Dataset:
    """Open a folder of pictures, maps and a label file. DatasetError."""
    root = expanded(place)
    return opened(_read(root, options), root.resolve().name, written(str(root), options))


def problems(place: str, options: Options) -> Iterator[str]:
    """Every problem of the pictures, one sentence each; names must match and maps be readable."""
    yield from problems_in(_read(expanded(place), options))


def _read(root: Path, options: Options) -> Numbered:
    options.limit("maps with a label file", *OPTIONS)
    if lacks(root):
        raise DatasetError(f"{root}: {lacks(root)}")
    images, maps = first_of(root, PICTURES), first_of(root, MAPS)
    labels = label_files.find(root)
    assert labels is not None  # lacks has looked
    found = paired(
        of_subset(pictures_under(root / images), options.subset, root / images),
        of_subset(pictures_under(root / maps), options.subset, root / maps),
    )
    summed(root, found, options)
    there = [Map(f"{images}/{picture}", f"{maps}/{map_}") for picture, map_ in found.pairs]
    parts = parts_of(root, there, label_files.read(labels))
    left = len(found.lonely)
    notes = (f"{left} pictures have no map and are left out",) if left else ()
    return Numbered(root, tuple(parts), options, notes)
