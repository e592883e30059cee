"""YOLO segmentation: images/ and labels/ with a text file a picture, lines `CLASS x y x y x y …` from 0 to 1.

Class names are in `data.yaml` (or another .yaml), or line by line in `classes.txt`, from 0. Both
folders lie in the root or in parts of it, such as `train`. Polygons are drawn as COCO's are.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from cliploc.core.datasets import coco, files, yolo_names
from cliploc.core.datasets.annotations import Annotations, CocoImage, Group
from cliploc.core.datasets.coco_index import indexed
from cliploc.core.datasets.listing import folders_in, of_subset, pictures_under
from cliploc.core.datasets.sample import Dataset
from cliploc.core.datasets.spec import Options, written
from cliploc.core.errors import DatasetError, clean, few
from cliploc.core.paths import expanded

PICTURES, LABELS = "images", "labels"
OPTIONS = ("orientation", "skip-missing", "allow-empty", "subset")
LARGEST = 64 << 20  # bytes of one picture's lines
_BOX = 5  # numbers of a line that is a box: class, centre, size
_SLACK = 1e-3  # how far outside of 0 to 1 rounding may lead


def lacks(place: Path) -> str:
    """What a place lacks to be YOLO's."""
    found = _places(place)
    missing = [] if found else [f"{PICTURES}/ and {LABELS}/ with .txt files"]
    missing += [] if yolo_names.find(place) else ["data.yaml or classes.txt"]
    return f"it has no {' and no '.join(missing)}" if missing else ""


def _places(root: Path) -> list[str]:
    """Where images/ and labels/ lie, from the root: "" for the root itself."""
    return [
        place
        for place in ("", *(f"{name}/" for name in folders_in(root)))
        if {PICTURES, LABELS} <= set(folders_in(root / place)) and _has_lines(root / place / LABELS)
    ]


def _has_lines(folder: Path) -> bool:
    return any(name.endswith(".txt") for _, _, names in os.walk(folder) for name in names)


def open_place(place: str, options: Options) -> Dataset:
    """Open a folder of YOLO's. DatasetError."""
    root = expanded(place)
    found = _read(root, options)
    return coco.dataset_of(found, root.resolve().name, written(str(root), options), options)


def problems(place: str, options: Options) -> Iterator[str]:
    """Every problem of the pictures and polygons, one sentence each; lines must all be readable."""
    yield from coco.problems_of_regions(_read(expanded(place), options), options)


def _read(root: Path, options: Options) -> coco.Coco:
    from cliploc.core.datasets.pictures import headers_of

    options.limit("YOLO segmentation", *OPTIONS)
    names_file = yolo_names.find(root)
    if lacks(root) or names_file is None:
        raise DatasetError(f"{root}: {lacks(root)}")
    names = yolo_names.read(names_file)
    pictures = [
        f"{place}{PICTURES}/{name}"
        for place in _places(root)
        for name in pictures_under(root / place / PICTURES)
    ]
    pictures = of_subset(pictures, options.subset, root)
    heads = headers_of([root / name for name in pictures])
    broken = [head.problem for head in heads if head.problem]
    if broken:
        raise DatasetError("; ".join(broken[:3]))
    images: dict[str, CocoImage] = {}
    groups: dict[tuple[str, str], Group] = {}
    told = [names_file]
    for name, head in zip(pictures, heads, strict=True):
        # As the networks' trainers turn it: a picture's numbers are those of its upright form.
        width, height = head.size if options.orientation == "stored" else head.upright
        images[name] = CocoImage(name, root / name, name, height, width)
        lines = root / _lines_of(name)
        if os.path.lexists(lines):
            told.append(lines)
            for key, group in _groups(lines, names, width, height).items():
                groups[name, key] = group
    if len(told) == 1:
        raise DatasetError(
            f"{root}: none of its {len(pictures)} pictures has lines; "
            "expected labels/NAME.txt for images/NAME.jpg"
        )
    labels = {str(number): label for number, label in names.items()}
    upright = options.with_({"orientation": "upright"}) if options.orientation == "auto" else options
    found = indexed(Annotations(labels, images, groups, 0, (), addressed=False))
    return coco.regions_of(found, root, tuple(told), upright)


def _lines_of(picture: str) -> str:
    """The file of a picture's lines: `labels` for the last `images` of its path, .txt for its ending."""
    before, _, after = f"/{picture}".rpartition(f"/{PICTURES}/")
    return f"{before}/{LABELS}/{os.path.splitext(after)[0]}.txt".lstrip("/")


def _groups(path: Path, names: dict[int, str], width: int, height: int) -> dict[str, Group]:
    """A picture's polygons by class, in pixels. DatasetError for a line that is none."""
    try:
        text = files.read(path, LARGEST).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DatasetError(f"cannot read {path}: {error.reason}; expected lines of numbers") from error
    groups: dict[str, Group] = {}
    for number, line in enumerate(text.splitlines(), 1):
        cells = line.split()
        if not cells:
            continue
        try:
            place, polygon = _polygon(cells, names)
        except ValueError as error:
            raise DatasetError(f"{path}: line {number} {clean(error)}") from error
        pixels = [each * (height if odd % 2 else width) for odd, each in enumerate(polygon)]
        group = groups.setdefault(str(place), Group(told=path))
        group.instances.append((f"line {number}", [pixels]))
    return groups


def _polygon(cells: Sequence[str], names: dict[int, str]) -> tuple[int, list[float]]:
    """A line's class and its corners, x y x y. ValueError says what is wrong with it."""
    try:
        place, corners = int(cells[0]), [float(cell) for cell in cells[1:]]
    except ValueError as error:
        raise ValueError(f"is not CLASS x y x y …: {' '.join(cells)[:40]!r}") from error
    if place not in names:
        raise ValueError(f"is of class {place}; known: {few([str(number) for number in names])}")
    if len(cells) == _BOX:
        raise ValueError("is a box (class, centre, size); expected a polygon: CLASS x y x y x y …")
    if len(corners) < 6 or len(corners) % 2:
        raise ValueError(f"has {len(corners)} coordinates; expected pairs of x and y, three at least")
    if not all(math.isfinite(each) and -_SLACK <= each <= 1 + _SLACK for each in corners):
        raise ValueError(
            "has coordinates outside of 0 to 1; expected parts of the picture's width and height"
        )
    return place, [min(max(each, 0.0), 1.0) for each in corners]
