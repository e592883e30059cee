"""COCO's panoptic format: `coco:IMAGES:PANOPTIC.json`, with a folder of maps of the file's name beside it.

A map's colour is the number of a segment, R + 256 G + 65536 B; the file says its category. One
sample for each image and category. Crowds, and pixels of no segment, are ignored.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from cliploc.core.datasets.annotations import (
    CocoImage,
    Entry,
    file_name,
    is_crowd,
    is_panoptic,
    key_of,
    labels_of,
    pictures_of,
    read_content,
)
from cliploc.core.datasets.formats import format_of
from cliploc.core.datasets.numbered import (
    Map,
    Numbered,
    Part,
    counted_numbers,
    opened,
    present,
    problems_in,
)
from cliploc.core.datasets.sample import Dataset
from cliploc.core.datasets.spec import Options, written
from cliploc.core.errors import DatasetError, clean, few

NOTHING = 0  # the number of pixels of no segment
OPTIONS = ("orientation", "skip-missing", "allow-empty")


def lacks(place: Path) -> str:
    """What an annotation file lacks to be panoptic."""
    return "" if os.path.isdir(place.with_suffix("")) else f"it has no maps in {place.stem}/ beside it"


def open_place(place: str, options: Options) -> Dataset:
    """Open `coco:IMAGES:PANOPTIC.json`. DatasetError."""
    images, annotations = format_of(place).paths(place)
    return open_files(images, annotations, written(place, options), options)


def open_files(images: Path, annotations: Path, spec: str, options: Options) -> Dataset:
    """Open a folder of images and their panoptic annotations. DatasetError."""
    return opened(_read(images, annotations, options), f"coco-{annotations.stem}", spec)


def problems(place: str, options: Options) -> Iterator[str]:
    """Every problem of the pictures; maps must all be readable."""
    images, annotations = format_of(place).paths(place)
    yield from problems_of_files(images, annotations, options)


def problems_of_files(images: Path, annotations: Path, options: Options) -> Iterator[str]:
    """Every problem of the pictures of panoptic annotations."""
    yield from problems_in(_read(images, annotations, options))


def _read(images: Path, annotations: Path, options: Options) -> Numbered:
    options.limit("panoptic annotations", *OPTIONS)
    if lacks(annotations):
        raise DatasetError(f"{annotations}: {lacks(annotations)}")
    content = read_content(annotations)
    if not is_panoptic(content):
        raise DatasetError(f"{annotations} has no segments_info: it is not COCO's panoptic format")
    try:
        labels = labels_of(content["categories"])
        pictures = pictures_of(content["images"], images)
        segments = _segments(content["annotations"], pictures, labels)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise DatasetError(
            f"{annotations} is not COCO's panoptic format: {clean(error)[:200]}; expected annotations with "
            "image_id, file_name and segments_info (id, category_id, iscrowd)"
        ) from error
    root = Path(os.path.commonpath([images.absolute(), annotations.absolute().parent]))
    maps = {
        Map(
            os.path.relpath(pictures[image].path.absolute(), root),
            os.path.relpath(annotations.with_suffix("").absolute() / name, root),
            pictures[image].source or image,
        ): found
        for (image, name), found in segments.items()
    }
    there = present(root, list(maps), options)
    parts = [part for each in _parts(annotations, root, there, maps) for part in each]
    if not parts:
        raise DatasetError(f"{annotations} has no segments that are not crowds")
    return Numbered(root, tuple(sorted(parts, key=lambda part: part.label)), options)


Segments = Mapping[int, tuple[str, bool]]  # number -> label, and whether it is a crowd


def _segments(
    annotations: list[Entry], pictures: Mapping[str, CocoImage], labels: Mapping[str, str]
) -> dict[tuple[str, str], Segments]:
    """Each map's segments, by image id and the map's name. ValueError and its like for damage."""
    found: dict[tuple[str, str], Segments] = {}
    for annotation in annotations:
        image, name = key_of(annotation["image_id"]), file_name(annotation["file_name"])
        if image not in pictures:
            raise ValueError(f"map {name} is of image {image}, which the file does not have")
        if (image, name) in found:
            raise ValueError(f"map {name} stands twice")
        found[image, name] = dict(_segment(each, name, labels) for each in annotation["segments_info"])
    return found


def _segment(entry: Mapping[str, Any], name: str, labels: Mapping[str, str]) -> tuple[int, tuple[str, bool]]:
    number, category = int(key_of(entry["id"])), key_of(entry["category_id"])
    if category not in labels:
        raise ValueError(f"a segment of {name} is of category {category}, which the file does not have")
    return number, (labels[category], is_crowd(entry))


def _parts(
    annotations: Path, root: Path, there: list[Map], maps: Mapping[Map, Segments]
) -> Iterator[list[Part]]:
    """Each map's parts. DatasetError for numbers in it that are no segment's."""
    for map_, held in zip(there, counted_numbers([root / each.path for each in there]), strict=True):
        segments = maps[map_]
        strange = [str(number) for number in held if number not in segments and number != NOTHING]
        if strange:
            raise DatasetError(
                f"{root / map_.path} holds segments that {annotations.name} lacks: {few(strange)}"
            )
        numbers: dict[str, list[int]] = {}
        for number in sorted(held):
            label, crowd = segments.get(number, ("", True))
            if not crowd:
                numbers.setdefault(label, []).append(number)
        yield [
            Part(
                map_,
                label,
                tuple(own),
                tuple(
                    number
                    for number in sorted(held)
                    if number == NOTHING or (segments[number] == (label, True))
                ),
            )
            for label, own in numbers.items()
        ]
