"""Lists of boxes, as weakly supervised localization has them: where things are, but no masks.

CUB-200-2011 (`images.txt`, `bounding_boxes.txt`, `image_class_labels.txt`, `classes.txt`), and the
lists of Choe et al. (2020): `localization.txt`, lines `PATH,x0,y0,x1,y1` with both ends inside, and
`class_labels.txt`, lines `PATH,NUMBER`, beside a `classes.txt` of lines `NUMBER NAME`. Boxes are
scored by MaxBoxAcc (`cliploc evaluate`); there is no true mask, and so no IoU.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING

from cliploc.core.datasets import files, ids, label_files
from cliploc.core.datasets.ids import label_of
from cliploc.core.datasets.sample import Box, Content, Dataset, Sample
from cliploc.core.datasets.spec import Options, written
from cliploc.core.errors import DatasetError, clean, few
from cliploc.core.paths import expanded

if TYPE_CHECKING:
    from cliploc.core.datasets.pictures import Size
    from cliploc.core.datasets.sample import Image, Mask

OPTIONS = ("orientation", "skip-missing", "subset")
CUB = ("images.txt", "bounding_boxes.txt", "image_class_labels.txt", "classes.txt")
LISTS = ("localization.txt", "class_labels.txt", "classes.txt")
SPLIT = "train_test_split.txt"  # of CUB: 1 is train, 0 test
LARGEST = 512 << 20  # bytes of a list
_FARTHEST = 1 << 20  # pixels


@dataclass(frozen=True)
class Boxed:
    """A picture with its label and boxes, as a path from the root."""

    picture: str
    label: str
    boxes: tuple[Box, ...]


@dataclass(frozen=True)
class Lists:
    """All boxed pictures of a folder, in a fixed order."""

    root: Path
    found: tuple[Boxed, ...]
    options: Options
    notes: tuple[str, ...] = ()

    @cached_property
    def ids(self) -> list[str]:
        """Each picture's id: its stem."""
        return ids.unique([_names(each) for each in self.found])

    @cached_property
    def pictures(self) -> list[Path]:
        """Each picture's file."""
        return [self.root / each.picture for each in self.found]

    @cached_property
    def sizes(self) -> list[Size]:
        """Each picture's size as it is stored: boxes are told in its pixels."""
        from cliploc.core.datasets.pictures import headers_of

        return [head.size for head in headers_of(self.pictures)]

    def image(self, place: int) -> Image:
        """A picture, as it is stored unless orientation says otherwise."""
        from cliploc.core.datasets.pictures import read_image

        return read_image(self.pictures[place], orientation=self.options.orientation)

    def true_mask(self, place: int) -> Mask:
        """There is none. DatasetError."""
        raise DatasetError(
            f"{self.pictures[place]} has boxes and no true mask; MaxBoxAcc is what can be scored"
        )


def lacks(place: Path) -> str:
    """What a place lacks to be lists of boxes."""
    missing = [[name for name in names if not (place / name).is_file()] for names in (CUB, LISTS)]
    if not all(missing):
        return ""
    nearest = missing[0] if len(missing[0]) < len(missing[1]) else missing[1]
    return f"it has no {', '.join(nearest)}"


def open_place(place: str, options: Options) -> Dataset:
    """Open a folder of pictures with lists of boxes. DatasetError."""
    root = expanded(place)
    lists = _read(root, options)
    samples = tuple(
        Sample(
            id_,
            each.label,
            partial(lists.image, place),
            partial(lists.true_mask, place),
            path=lists.pictures[place],
            boxes=each.boxes,
        )
        for place, (id_, each) in enumerate(zip(lists.ids, lists.found, strict=True))
    )
    content = Content(
        pictures=partial(_pictures_digest, lists),
        truth=partial(_truth_digest, lists),
        legacy=str,
        sources=partial(_sources, lists),
        notes=partial(_notes, lists),
        without_truth=partial(frozenset, lists.ids),
    )
    return Dataset(root.resolve().name, written(str(root), options), samples, content)


def _read(root: Path, options: Options) -> Lists:
    options.limit("lists of boxes", *OPTIONS)
    if lacks(root):
        raise DatasetError(f"{root}: {lacks(root)}")
    is_cub = all((root / name).is_file() for name in CUB)
    found = _cub(root, options.subset) if is_cub else _listed(root, options.subset)
    gone = [each.picture for each in found if not os.path.isfile(root / each.picture)]
    if gone and not options.skip_missing:
        raise DatasetError(
            f"{root}: {len(gone)} pictures are missing: {few(gone)}; put them there, or leave them out: "
            "skip-missing=yes (--skip-missing)"
        )
    lost = set(gone)
    kept = tuple(each for each in found if each.picture not in lost)
    if not kept:
        raise DatasetError(f"{root}: none of its {len(found)} pictures has a box and is there")
    notes = (f"{len(gone)} pictures are not there and are left out: {few(gone)}",) if gone else ()
    return Lists(root, kept, options, notes)


def _cub(root: Path, subset: str) -> list[Boxed]:
    names = dict(_cells(root / "images.txt", 2, " "))
    numbers = dict(_cells(root / "image_class_labels.txt", 2, " "))
    labels = {number: _bird(name) for number, name in _cells(root / "classes.txt", 2, " ")}
    boxes: dict[str, list[Box]] = {}
    for cells in _cells(root / "bounding_boxes.txt", 5, " "):
        x, y, width, height = _numbers(root / "bounding_boxes.txt", cells[1:])
        box = (math.floor(x), math.floor(y), math.ceil(x + width) - 1, math.ceil(y + height) - 1)
        boxes.setdefault(cells[0], []).append(_checked(root / "bounding_boxes.txt", box))
    wanted = _cub_subset(root, subset)
    return [
        Boxed(f"images/{_inside(root, name)}", _label(root, number, numbers, labels), tuple(boxes[number]))
        for number, name in names.items()
        if number in boxes and (not wanted or number in wanted)
    ]


def _cub_subset(root: Path, subset: str) -> set[str]:
    if not subset:
        return set()
    if subset not in ("train", "test"):
        raise DatasetError(f"{root} has no subset {clean(subset)!r}; found test, train")
    return {number for number, mark in _cells(root / SPLIT, 2, " ") if mark == str(int(subset == "train"))}


def _bird(name: str) -> str:
    """A class's name without its number, in words: `001.Black_footed_Albatross`."""
    return label_of(re.sub(r"^\d+\.", "", name).replace("_", " "))


def _listed(root: Path, subset: str) -> list[Boxed]:
    labels = label_files.read(root / "classes.txt").labels
    numbers = dict(_cells(root / "class_labels.txt", 2))
    boxes: dict[str, list[Box]] = {}
    for name, *cells in _cells(root / "localization.txt", 5):
        x0, y0, x1, y1 = (math.floor(each) for each in _numbers(root / "localization.txt", cells))
        boxes.setdefault(name, []).append(_checked(root / "localization.txt", (x0, y0, x1, y1)))
    found = [
        Boxed(
            _inside(root, name),
            _label(root, name, numbers, {str(number): label for number, label in labels.items()}),
            tuple(those),
        )
        for name, those in boxes.items()
        if not subset or subset in name.split("/")[:-1]
    ]
    if not found:
        raise DatasetError(f"{root} has no subset {clean(subset)!r}")
    return found


def _cells(path: Path, count: int, sign: str = ",") -> list[list[str]]:
    """The lines of a list, each with so many cells. DatasetError for another number of them."""
    try:
        lines = files.read(path, LARGEST).decode("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise DatasetError(f"cannot read {path}: {error.reason}; expected lines of UTF-8 text") from error
    cells = [line.strip().split(sign, count - 1) for line in lines if line.strip()]
    wrong = next((place for place, each in enumerate(cells) if len(each) != count), None)
    if wrong is not None:
        raise DatasetError(
            f"{path}: line {wrong + 1} is {' '.join(cells[wrong])[:60]!r}; expected {count} cells, with "
            f"{'commas' if sign == ',' else 'spaces'} between"
        )
    return cells


def _numbers(path: Path, cells: Sequence[str]) -> list[float]:
    try:
        numbers = [float(cell) for cell in cells]
    except ValueError:
        numbers = [math.nan]
    if not all(math.isfinite(each) and abs(each) < _FARTHEST for each in numbers):
        raise DatasetError(f"{path} has a box {' '.join(cells)[:60]!r}; expected four numbers of pixels")
    return numbers


def _checked(path: Path, box: Box) -> Box:
    if not (0 <= box[0] <= box[2] and 0 <= box[1] <= box[3]):
        raise DatasetError(f"{path} has a box {box} that holds no pixel; expected left, top, right, bottom")
    return box


def _inside(root: Path, name: str) -> str:
    if os.path.isabs(name) or ".." in name.split("/") or "\0" in name:
        raise DatasetError(f"{root}: {clean(name)[:80]!r} leads out of the dataset's folder")
    return name


def _label(root: Path, name: str, numbers: Mapping[str, str], labels: Mapping[str, str]) -> str:
    number = numbers.get(name)
    if number is None or not labels.get(number):
        what = f"the class {clean(number)}, which classes.txt does not name" if number else "no class"
        raise DatasetError(f"{root}: {clean(name)[:80]} has {what}")
    return labels[number]


def _names(each: Boxed) -> tuple[str, ...]:
    path = os.path.splitext(each.picture)[0]
    return os.path.basename(path), f"{each.label}_{os.path.basename(path)}", path, each.picture


def _pictures_digest(lists: Lists) -> str:
    from cliploc.core.datasets.pictures import digest_of

    labels = [each.label for each in lists.found]
    return digest_of(lists.ids, labels, lists.pictures, lists.sizes, lists.options.orientation)


def _truth_digest(lists: Lists) -> str:
    boxes = [[id_, each.boxes] for id_, each in zip(lists.ids, lists.found, strict=True)]
    return files.digest_of("truth 2", ["boxes", *boxes])


def _sources(lists: Lists) -> dict[str, str]:
    return {id_: one[:16] for id_, one in zip(lists.ids, files.digests(lists.pictures), strict=True)}


def _notes(lists: Lists) -> tuple[str, ...]:
    from cliploc.core.datasets.pictures import notes_on

    boxes = sum(len(each.boxes) for each in lists.found)
    told = f"{boxes} boxes and no true masks: MaxBoxAcc can be scored, IoU cannot"
    return (*lists.notes, told, *notes_on(lists.pictures, lists.sizes, lists.options.orientation))


def problems(place: str, options: Options) -> Iterator[str]:
    """Every picture that cannot be read, and every box outside of its picture."""
    lists = _read(expanded(place), options)
    for place_, each in enumerate(lists.found):
        try:
            height, width = lists.image(place_).shape[:2]
        except DatasetError as error:
            yield str(error)
            continue
        for box in each.boxes:
            if box[2] >= width or box[3] >= height:
                yield f"{clean(each.picture)}: box {box} is not inside its {width} x {height} pixels"
