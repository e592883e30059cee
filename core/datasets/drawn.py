"""True masks that the user drew: kept by the picture's content in our own data folder.

One file a picture, `drawn/SHA256.json`: COCO annotations of one image, one for each shape, whose
union is a label's true mask. So a picture keeps its truth wherever it lies and whatever it is
called. Each shape is written at once; a kill loses the one that is under way.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cliploc.core import paths
from cliploc.core.datasets import files
from cliploc.core.errors import DatasetError, ParameterError, StoreError, clean
from cliploc.core.lock import held

if TYPE_CHECKING:
    from cliploc.core.datasets.sample import Mask

Size = tuple[int, int]  # width, height
Segmentation = list[list[float]] | Mapping[str, object]
LARGEST = 64 << 20  # bytes of one picture's file


@dataclass(frozen=True)
class Drawn:
    """What is drawn on one picture. shapes: (label, segmentation) each, in the order of drawing."""

    size: Size
    shapes: tuple[tuple[str, Any], ...] = ()

    def of(self, label: str) -> tuple[Any, ...]:
        """The segmentations of a label."""
        return tuple(segmentation for name, segmentation in self.shapes if name == label)


@dataclass(frozen=True)
class Drawing:
    """What is drawn on the pictures of a dataset, by sample id.

    places: the picture's file and the label of each sample, by id; root: what paths are told from.
    """

    places: Mapping[str, tuple[Path, str]]
    root: Path

    def unmarked(self) -> frozenset[str]:
        """The samples on which nothing is drawn for their label."""
        if not _any():
            return frozenset(self.places)
        found = self._found()
        return frozenset(id_ for id_, (path, label) in self.places.items() if not found[path].of(label))

    def content(self) -> list[object]:
        """What decides the true masks, as plain values: for a digest."""
        found = self._found() if _any() else {}
        return [
            [id_, list(found[path].of(label)) if path in found else []]
            for id_, (path, label) in self.places.items()
        ]

    def count(self, id_: str) -> int:
        """How many shapes a sample has."""
        path, label = self.places[id_]
        return len(_read(_digest(path), (0, 0)).of(label))

    def add(self, id_: str, segmentation: Segmentation, size: Size) -> None:
        """One more shape. size: of the picture as it is shown. StoreError, DatasetError."""
        path, label = self.places[id_]
        _change(path, size, lambda shapes: [*shapes, (label, segmentation)])

    def undo(self, id_: str) -> None:
        """Take the sample's last shape away, if there is one."""
        label = self.places[id_][1]

        def without_last(shapes: list[tuple[str, Any]]) -> list[tuple[str, Any]]:
            last = max((place for place, (name, _) in enumerate(shapes) if name == label), default=None)
            return [shape for place, shape in enumerate(shapes) if place != last]

        _change(self.places[id_][0], None, without_last)

    def clear(self, id_: str) -> None:
        """Take all shapes of the sample away."""
        path, label = self.places[id_]
        _change(path, None, lambda shapes: [shape for shape in shapes if shape[0] != label])

    def coco(self) -> dict[str, object]:
        """All of it as one COCO annotation file, for `coco:ROOT:FILE`. ParameterError for none."""
        marked = [id_ for id_ in self.places if id_ not in self.unmarked()]
        if not marked:
            raise ParameterError("nothing is drawn yet; X in the explorer draws")
        wanted = {self.places[id_] for id_ in marked}
        images: list[Mapping[str, object]] = []
        annotations: list[Mapping[str, object]] = []
        labels = {label: place for place, label in enumerate(dict.fromkeys(label for _, label in wanted), 1)}
        for number, path in enumerate(dict.fromkeys(path for path, _ in self.places.values()), 1):
            drawn = _read(_digest(path), (0, 0))
            mine = [shape for shape in drawn.shapes if (path, shape[0]) in wanted]
            if mine:
                name = os.path.relpath(path, self.root)
                images.append(_image(number, name, drawn.size))
            for label, segmentation in mine:
                place = len(annotations) + 1
                annotations.append(_annotation(place, number, labels[label], segmentation, drawn.size))
        categories = [{"id": place, "name": label} for label, place in labels.items()]
        return {"images": images, "annotations": annotations, "categories": categories}

    def _found(self) -> dict[Path, Drawn]:
        pictures = list(dict.fromkeys(path for path, _ in self.places.values()))
        there = [path for path in pictures if path.is_file()]
        digests = dict(zip(there, files.digests(there), strict=True))
        return {path: _read(digests[path], (0, 0)) if path in digests else Drawn((0, 0)) for path in pictures}


def true_mask(path: Path, label: str, size: Size) -> Mask | None:
    """What is drawn on a picture for a label, (H, W) bool; None for nothing.

    size: (width, height) of the picture as it is shown; DatasetError where it was drawn on another one.
    """
    if not _any():
        return None
    drawn = _read(_digest(path), size)
    shapes = drawn.of(label)
    if not shapes:
        return None
    if drawn.size != size:
        raise DatasetError(
            f"{path} was {drawn.size[0]} x {drawn.size[1]} when its truth was drawn and is shown "
            f"{size[0]} x {size[1]}; open it with the orientation of then"
        )
    from cliploc.core.datasets.segmentations import union

    return union([_mask(shape, size) for shape in shapes], size[1], size[0])


def _mask(segmentation: Segmentation, size: Size) -> Mask:
    """One shape. StoreError where its file is damaged."""
    from cliploc.core.datasets.segmentations import drawn

    try:
        return drawn(segmentation, size[1], size[0])
    except (ValueError, TypeError, OverflowError) as error:
        raise StoreError(
            f"a shape that is kept in {_folder()} is damaged: {clean(error)}; delete its file"
        ) from error


def _change(
    path: Path, size: Size | None, change: Callable[[list[tuple[str, Any]]], Sequence[tuple[str, Any]]]
) -> None:
    digest = _digest(path)
    with held(_folder() / "lock", what="another explorer is drawing"):
        before = _read(digest, size or (0, 0))
        if size is not None and before.shapes and before.size != size:
            raise DatasetError(
                f"{path}: the truth was drawn on the picture turned otherwise; open it so again"
            )
        after = Drawn(size or before.size, tuple(change(list(before.shapes))))
        if after.shapes:
            paths.write_whole(_file(digest), json.dumps(_coco(after, path.name), ensure_ascii=False).encode())
        else:
            _file(digest).unlink(missing_ok=True)


def _coco(drawn: Drawn, name: str) -> dict[str, object]:
    labels = {label: place for place, label in enumerate(dict.fromkeys(name for name, _ in drawn.shapes), 1)}
    return {
        "images": [_image(1, name, drawn.size)],
        "annotations": [
            _annotation(place, 1, labels[label], segmentation, drawn.size)
            for place, (label, segmentation) in enumerate(drawn.shapes, 1)
        ],
        "categories": [{"id": place, "name": label} for label, place in labels.items()],
    }


def _image(number: int, name: str, size: Size) -> dict[str, object]:
    return {"id": number, "file_name": name, "width": size[0], "height": size[1]}


def _annotation(
    place: int, image: int, category: int, segmentation: Segmentation, size: Size
) -> dict[str, object]:
    import numpy as np

    mask = _mask(segmentation, size)
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    box = (
        [columns[0], rows[0], columns[-1] - columns[0] + 1, rows[-1] - rows[0] + 1]
        if len(rows)
        else [0, 0, 0, 0]
    )
    return {
        "id": place,
        "image_id": image,
        "category_id": category,
        "segmentation": segmentation,
        "area": int(mask.sum()),
        "bbox": [float(side) for side in box],
        "iscrowd": 0,
    }


def _read(digest: str, fallback: Size) -> Drawn:
    """What is drawn on the picture with this digest. StoreError for a damaged file."""
    path = _file(digest)
    if not path.exists():
        return Drawn(fallback)
    try:
        content = json.loads(files.read(path, LARGEST))
        (image,) = content["images"]
        names = {each["id"]: str(each["name"]) for each in content["categories"]}
        shapes = [(names[each["category_id"]], each["segmentation"]) for each in content["annotations"]]
        width, height = int(image["width"]), int(image["height"])
        if not (width > 0 and height > 0 and width * height <= files.largest_pixels()):
            raise ValueError(f"a picture of {width} x {height}")
        return Drawn((width, height), tuple(shapes))
    except (DatasetError, ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
        raise StoreError(
            f"{path} is damaged ({clean(error)}); it holds what was drawn on one picture: "
            "put a copy back, or delete it"
        ) from error


def _any() -> bool:
    try:
        with os.scandir(_folder()) as entries:
            return any(entry.name.endswith(".json") for entry in entries)
    except OSError:
        return False


def _digest(path: Path) -> str:
    return files.digests([path])[0]


def _folder() -> Path:
    return paths.data_dir() / "drawn"


def _file(digest: str) -> Path:
    return _folder() / f"{digest}.json"
