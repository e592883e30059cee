"""Reading COCO's annotation files: what is in them, before any mask is drawn. LVIS's, too."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from cliploc.core.datasets import files
from cliploc.core.datasets.ids import label_of
from cliploc.core.errors import DatasetError, clean

LARGEST_ANNOTATIONS = 4 << 30
LONGEST_NAME = 255  # bytes of a file's name
Entry = Mapping[str, Any]  # one object of the JSON file


@dataclass(frozen=True, slots=True)
class CocoImage:
    """An image's file and size as the annotations tell it. id: its number there.

    source: what it was made from, where it says so (`source` beside `file_name`, our own addition).
    """

    id: str
    path: Path
    name: str
    height: int
    width: int
    source: str = ""

    @property
    def size(self) -> tuple[int, int]:
        """Width and height."""
        return self.width, self.height

    @property
    def names(self) -> tuple[str, str]:
        """What it may be called: its file's stem, its whole path without ending."""
        return PurePosixPath(self.name).stem, str(PurePosixPath(self.name).with_suffix(""))


@dataclass(frozen=True)
class Group:
    """The annotations of one category in one picture: ids with their segmentations.

    told: the file that they are from, where each picture has its own.
    """

    instances: list[tuple[str, Any]] = field(default_factory=list)
    crowds: list[tuple[str, Any]] = field(default_factory=list)
    told: Path | None = None


@dataclass(frozen=True)
class Annotations:
    """A file's content.

    groups: by image id and category id, each with an instance. crowds: how many images and
    categories have crowds alone, and so nothing to localize. problems: what was left out. addressed:
    whether some image has an address for a name, so that the files that are there say what it is called.
    """

    labels: Mapping[str, str]
    pictures: Mapping[str, CocoImage]
    groups: Mapping[tuple[str, str], Group]
    crowds: int
    problems: tuple[str, ...]
    addressed: bool


def read_annotations(path: Path, images: Path) -> Annotations:
    """Read an annotation file. images: the folder of its pictures. DatasetError when it is not COCO's."""
    content = read_content(path)
    if is_panoptic(content):
        raise DatasetError(
            f"{path} is COCO's panoptic format; its maps belong in {path.with_suffix('')}/ (layout=panoptic)"
        )
    left_out: Counter[str] = Counter()
    try:
        labels = labels_of(content["categories"])
        pictures = pictures_of(content["images"], images)
        groups = _groups(content["annotations"], pictures, labels, left_out)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise DatasetError(
            f"{path} is not COCO's instances format: {_what(error)}; "
            "expected images (id, file_name, height, width), annotations (image_id, category_id, "
            "segmentation) and categories (id, name)"
        ) from error
    problems = tuple(f"{count} annotations {what} and are left out" for what, count in left_out.items())
    instances = {key: group for key, group in groups.items() if group.instances}
    addressed = any("file_name" not in image for image in content["images"])
    return Annotations(labels, pictures, instances, len(groups) - len(instances), problems, addressed)


def read_content(path: Path) -> dict[str, Any]:
    """The JSON object of an annotation file. DatasetError where it is none, or has no images."""
    try:
        content = json.loads(files.read(path, LARGEST_ANNOTATIONS).decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise DatasetError(f"cannot read {path}: {clean(error)}; expected COCO's instances JSON") from error
    if not isinstance(content, dict) or not {"images", "annotations", "categories"} <= content.keys():
        raise DatasetError(f"{path} is not COCO's instances format: no images, annotations and categories")
    return content


def is_panoptic(content: Mapping[str, Any]) -> bool:
    """Whether the annotations are pictures' segments, as COCO's panoptic format has them."""
    found = content["annotations"]
    return (
        isinstance(found, list) and bool(found) and isinstance(found[0], dict) and "segments_info" in found[0]
    )


def _what(error: Exception) -> str:
    if isinstance(error, KeyError):
        return f"something has no {clean(error.args[0])}"
    return clean(error)[:200]


def key_of(value: object) -> str:
    """An id as it is compared: 1, 1.0 and "1" are the same one. ValueError for what is no id."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError(f"an id that is {type(value).__name__}, expected a number or text")
    if isinstance(value, float):
        if not value.is_integer():
            raise ValueError(f"an id that is {value}, expected a whole number")
        value = int(value)
    return str(value).strip()


def _by_id(entries: Sequence[Entry], what: str) -> dict[str, Entry]:
    found: dict[str, Entry] = {}
    for entry in entries:
        id_ = key_of(entry["id"])
        if id_ in found:
            raise ValueError(f"{what} id {id_} stands twice")
        found[id_] = entry
    return found


def labels_of(categories: Sequence[Entry]) -> dict[str, str]:
    """Labels by category id. KeyError, TypeError, ValueError, AttributeError for damage."""
    return {id_: label_of(str(category["name"])) for id_, category in _by_id(categories, "category").items()}


def pictures_of(images: Sequence[Entry], folder: Path) -> dict[str, CocoImage]:
    """Images by id. KeyError, TypeError, ValueError, AttributeError, OverflowError for damage."""
    pictures: dict[str, CocoImage] = {}
    for id_, image in _by_id(images, "image").items():
        name = _file_name(image, folder)
        height, width = _side(image["height"]), _side(image["width"])
        if height * width > files.largest_pixels():
            raise ValueError(f"image {name!r} of {width} x {height} pixels")
        source = image.get("source", "")
        pictures[id_] = CocoImage(
            id_, folder / name, name, height, width, source if isinstance(source, str) else ""
        )
    return pictures


def _file_name(image: Entry, folder: Path) -> str:
    """The picture's path in the folder; LVIS gives an address, of which the last parts count."""
    names: list[str]
    if "file_name" in image:
        names = [image["file_name"]]
    elif "coco_url" in image:
        parts = PurePosixPath(str(image["coco_url"])).parts
        names = ["/".join(parts[-count:]) for count in (1, 2)]
    else:
        raise ValueError(f"image {image['id']!r} has neither file_name nor coco_url")
    names = [file_name(name) for name in names]
    return next((name for name in names if os.path.isfile(folder / name)), names[0])


def file_name(name: object) -> str:
    """A path inside a folder, as a file tells it. ValueError for what is none, or leads out of it."""
    if not isinstance(name, str) or not name.strip("/.") or "\0" in name:
        raise ValueError(f"file_name {name!r} is no name of a file")
    if max(len(os.fsencode(part)) for part in PurePosixPath(name).parts) > LONGEST_NAME:
        raise ValueError(f"file_name {name[:40]!r}… is too long for a file")
    if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts:
        raise ValueError(f"file_name {name!r} leads out of the folder of images")
    return name


def _side(value: object) -> int:
    number = int(value) if isinstance(value, str | int | float) else 0
    if isinstance(value, bool) or number < 1 or float(value) != number:  # type: ignore[arg-type]
        raise ValueError(f"a side of {value!r} pixels, expected a whole number from 1 up")
    return number


def _groups(
    annotations: Sequence[Entry],
    pictures: Mapping[str, CocoImage],
    labels: Mapping[str, str],
    left_out: Counter[str],
) -> dict[tuple[str, str], Group]:
    """Instances and crowds by image and category."""
    groups: dict[tuple[str, str], Group] = {}
    for number, annotation in enumerate(annotations):
        segmentation = annotation.get("segmentation")
        image, category = key_of(annotation["image_id"]), key_of(annotation["category_id"])
        if image not in pictures:
            left_out["name an image that the file does not have"] += 1
        elif category not in labels:
            left_out["name a category that the file does not have"] += 1
        elif not encloses(segmentation):
            left_out["enclose nothing"] += 1
        else:
            name = str(annotation.get("id", f"number {number}"))
            group = groups.setdefault((image, category), Group())
            (group.crowds if is_crowd(annotation) else group.instances).append((name, segmentation))
    return groups


def encloses(segmentation: object) -> bool:
    """Whether anything can be inside: some polygon with three corners, or run lengths. Nothing is drawn."""
    if isinstance(segmentation, list):
        return any(not isinstance(ring, list) or len(ring) >= 6 for ring in rings_of(segmentation))
    return bool(segmentation)


def rings_of(polygons: list[Any]) -> list[Any]:
    """The polygons of a segmentation; one that stands bare, `[x, y, x, y, …]`, is a list of one."""
    bare = bool(polygons) and all(isinstance(each, int | float) for each in polygons)
    return [polygons] if bare else polygons


def is_crowd(annotation: Entry) -> bool:
    """Whether its instances were not told apart. ValueError where it does not say."""
    found = annotation.get("iscrowd", 0)
    if found in (None, 0, "0", "", "false"):
        return False
    if found in (1, "1", "true"):
        return True
    raise ValueError(f"an iscrowd of {str(found)[:40]!r}, expected 0 or 1")
