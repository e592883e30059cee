"""Cityscapes: leftImg8bit/SPLIT/CITY/*_leftImg8bit.png with gtFine/SPLIT/CITY/*_gtFine_labelIds.png."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from cliploc.core.datasets.label_files import Labels
from cliploc.core.datasets.listing import folders_in, of_subset, pictures_under
from cliploc.core.datasets.numbered import OPTIONS, Map, Numbered, opened, parts_of, present, problems_in
from cliploc.core.datasets.sample import Dataset
from cliploc.core.datasets.spec import Options, written
from cliploc.core.errors import DatasetError
from cliploc.core.paths import expanded

PICTURES, PICTURE = "leftImg8bit", "_leftImg8bit.png"
MAPS = ("gtFine", "gtCoarse")
# By their numbers (cityscapesScripts, helpers/labels.py); the others are not evaluated: void.
LABELS = {
    7: "road", 8: "sidewalk", 11: "building", 12: "wall", 13: "fence", 17: "pole", 19: "traffic light",
    20: "traffic sign", 21: "vegetation", 22: "terrain", 23: "sky", 24: "person", 25: "rider", 26: "car",
    27: "truck", 28: "bus", 31: "train", 32: "motorcycle", 33: "bicycle",
}  # fmt: skip
VOID = frozenset({*range(34), 255} - LABELS.keys())


def lacks(place: Path) -> str:
    """What a place lacks to be Cityscapes."""
    there = folders_in(place)
    missing = [] if PICTURES in there else [f"{PICTURES}/"]
    missing += [] if _maps(place) else [f"{MAPS[0]}/"]
    return f"it has no {' and no '.join(missing)}" if missing else ""


def _maps(root: Path) -> str:
    return next((name for name in MAPS if name in folders_in(root)), "")


def open_place(place: str, options: Options) -> Dataset:
    """Open Cityscapes' folder. DatasetError."""
    root = expanded(place)
    return opened(_read(root, options), root.resolve().name, written(str(root), options))


def problems(place: str, options: Options) -> Iterator[str]:
    """Every problem of the pictures, one sentence each; maps must all be readable."""
    yield from problems_in(_read(expanded(place), options))


def _read(root: Path, options: Options) -> Numbered:
    options.limit("Cityscapes", *OPTIONS)
    if lacks(root):
        raise DatasetError(f"{root}: {lacks(root)}")
    kind, folder = _maps(root), root / PICTURES
    pictures = [name for name in pictures_under(folder) if name.endswith(PICTURE)]
    if not pictures:
        raise DatasetError(f"{folder} has no pictures whose names end in {PICTURE}")
    maps = [
        Map(f"{PICTURES}/{name}", f"{kind}/{name.removesuffix(PICTURE)}_{kind}_labelIds.png")
        for name in of_subset(pictures, options.subset, folder)
    ]
    labels = Labels(LABELS, frozenset(), VOID, "Cityscapes' list")
    return Numbered(root, tuple(parts_of(root, present(root, maps, options), labels)), options)
