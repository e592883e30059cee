"""PASCAL VOC: JPEGImages/, SegmentationClass/ (the index of a palette is the class, 255 is void), ImageSets/.

SegmentationObject/ is not needed: a sample is a label, with all its objects. Classes are VOC's twenty,
or those of a label file in the folder. `sources.txt`, lines `NAME SOURCE` with a tab between, says which
image a picture was made from where somebody wrote it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from cliploc.core.datasets import files, label_files
from cliploc.core.datasets.label_files import Labels
from cliploc.core.datasets.listing import folders_in, pictures_under
from cliploc.core.datasets.numbered import OPTIONS, Map, Numbered, opened, parts_of, present, problems_in
from cliploc.core.datasets.sample import Dataset
from cliploc.core.datasets.spec import Options, written
from cliploc.core.errors import DatasetError, clean, few
from cliploc.core.paths import expanded

PICTURES, CLASSES, OBJECTS = "JPEGImages", "SegmentationClass", "SegmentationObject"
SETS = Path("ImageSets/Segmentation")
SOURCES = "sources.txt"
LARGEST = 64 << 20  # bytes of a list of names
# The challenge's twenty classes in the order of their numbers, from 1 (VOC2012 development kit).
TWENTY = (
    "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow", "dining table",
    "dog", "horse", "motorbike", "person", "potted plant", "sheep", "sofa", "train", "tv monitor",
)  # fmt: skip


def lacks(place: Path) -> str:
    """What a place lacks to be VOC's."""
    missing = [name for name in (PICTURES, CLASSES) if name not in folders_in(place)]
    inside = [name for name in folders_in(place) if PICTURES in folders_in(place / name)]
    hint = f"; {inside[0]}/ has it: give that folder" if inside else ""
    return f"it has no {' and no '.join(f'{name}/' for name in missing)}{hint}" if missing else ""


def open_place(place: str, options: Options) -> Dataset:
    """Open a folder of VOC's. DatasetError."""
    root = expanded(place)
    return opened(_read(root, options), root.resolve().name, written(str(root), options))


def problems(place: str, options: Options) -> Iterator[str]:
    """Every problem of the pictures, one sentence each; maps must all be readable."""
    yield from problems_in(_read(expanded(place), options))


def _read(root: Path, options: Options) -> Numbered:
    options.limit("VOC", *OPTIONS)
    missing = lacks(root)
    if missing:
        objects = OBJECTS in folders_in(root)
        more = f"; {OBJECTS}/ alone says no class" if objects else ""
        raise DatasetError(f"{root}: {missing}{more}")
    names, notes = _names(root, options)
    pictures = _by_stem(root, PICTURES)
    maps = _by_stem(root, CLASSES)
    sources = _sources(root)
    found = [
        Map(
            pictures.get(name, f"{PICTURES}/{name}.jpg"),
            maps.get(name, f"{CLASSES}/{name}.png"),
            sources.get(name, ""),
        )
        for name in names or sorted(maps)
    ]
    if not found:
        raise DatasetError(f"{root / CLASSES} has no maps; expected files such as 2007_000032.png")
    there = present(root, found, options)
    return Numbered(root, tuple(parts_of(root, there, _labels(root))), options, tuple(notes))


def _labels(root: Path) -> Labels:
    path = label_files.find(root)
    return label_files.read(path) if path else label_files.meaning(dict(enumerate(TWENTY, 1)), "VOC's list")


def _by_stem(root: Path, folder: str) -> dict[str, str]:
    return {os.path.splitext(name)[0]: f"{folder}/{name}" for name in pictures_under(root / folder)}


def _names(root: Path, options: Options) -> tuple[list[str], list[str]]:
    """The names of the image set that is asked for, of all sets together, or [] where there is none."""
    folder = root / SETS
    there = sorted(path.stem for path in folder.glob("*.txt")) if folder.is_dir() else []
    if options.subset and options.subset not in there:
        raise DatasetError(
            f"{root} has no image set {clean(options.subset)!r}; "
            + (f"found {few(there)}" if there else f"expected {SETS}/{clean(options.subset)}.txt")
        )
    sets = [options.subset] if options.subset else there
    names = [name for each in sets for name in _lines(folder / f"{each}.txt")]
    for name in names:
        if name.startswith("/") or ".." in name.split("/") or "\0" in name:
            raise DatasetError(f"{folder}: {clean(name)[:60]!r} is no name of a picture")
    note = f"pictures of {len(sets)} image sets together: {few(sets)}; subset=NAME takes one"
    return list(dict.fromkeys(names)), [note] if len(sets) > 1 else []


def _lines(path: Path) -> list[str]:
    """The names of a list; what stands behind a name (VOC's marks of single classes) is passed over."""
    try:
        text = files.read(path, LARGEST).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DatasetError(f"cannot read {path}: {error.reason}; expected a name a line, in UTF-8") from error
    return [line.strip() for line in text.splitlines() if line.strip()]


def _sources(root: Path) -> dict[str, str]:
    if not os.path.lexists(root / SOURCES):
        return {}
    pairs = [line.partition("\t") for line in _lines(root / SOURCES)]
    return {name.strip(): source.strip() for name, _, source in pairs}
