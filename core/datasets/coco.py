"""COCO annotations as a dataset: `coco:IMAGES:ANNOTATIONS.json`, read by pycocotools.

One sample per image and category: the instances of a category in an image are
merged into one true mask. Crowd regions, where instances were not told apart,
are ignored pixels: they count neither for nor against. An image and category
with nothing but crowd has nothing to localize and is no sample.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.datasets.sample import Dataset, Sample
from core.errors import DatasetError, clean

if TYPE_CHECKING:
    from core.datasets.sample import Image, Mask

Segmentation = Any  # polygons (lists of numbers) or a run-length dict, as COCO has them


@dataclass(frozen=True)
class Picture:
    """An image's file and size as the annotations tell it."""

    path: Path
    height: int
    width: int


def open_coco(spec: str) -> Dataset:
    """Open `coco:IMAGES:ANNOTATIONS.json`. DatasetError when a file is missing or not COCO's.

    A sample's id is `CATEGORY_STEM`, the stem being its image file's. Samples are
    sorted by category and id; images need not be there until they are asked for.
    """
    images, annotations = _places(spec)
    coco = _read(annotations)
    try:
        merged: dict[tuple[int, int], list[Mapping[str, Any]]] = defaultdict(list)
        for annotation in coco["annotations"]:
            if annotation.get("segmentation"):
                merged[annotation["image_id"], annotation["category_id"]].append(annotation)
        labels = {category["id"]: str(category["name"]) for category in coco["categories"]}
        pictures = {
            image["id"]: Picture(
                _inside(images, image["file_name"]), int(image["height"]), int(image["width"])
            )
            for image in coco["images"]
        }
        samples = [
            _sample(pictures[image], labels[category], group)
            for (image, category), group in merged.items()
            if not all(annotation.get("iscrowd") for annotation in group)
        ]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise DatasetError(
            f"{annotations} is not COCO's instances format: {type(error).__name__} {clean(error)}; "
            "expected images, annotations (with image_id, category_id, segmentation) and categories"
        ) from error
    if not samples:
        raise DatasetError(f"{annotations} has no annotated instances")
    samples.sort(key=lambda sample: (sample.label, sample.id))
    return Dataset(f"coco-{annotations.stem}", spec, tuple(samples), partial(_digest, images, annotations))


def _places(spec: str) -> tuple[Path, Path]:
    _, _, rest = spec.partition(":")
    images, _, annotations = rest.rpartition(":")
    if not images or not annotations:
        raise DatasetError(f"found {clean(spec)!r}, expected coco:IMAGES:ANNOTATIONS.json")
    folder, file = Path(images).expanduser(), Path(annotations).expanduser()
    if not folder.is_dir():
        raise DatasetError(f"no folder of images at {folder}; expected coco:IMAGES:ANNOTATIONS.json")
    if not file.is_file():
        raise DatasetError(f"no annotations at {file}; expected coco:IMAGES:ANNOTATIONS.json")
    return folder, file


def _inside(images: Path, name: str) -> Path:
    if Path(name).is_absolute() or ".." in Path(name).parts:
        raise ValueError(f"file_name {name!r} leads out of the folder of images")
    return images / name


def _read(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DatasetError(f"cannot read {path}: {clean(error)}; expected COCO's instances JSON") from error
    if not isinstance(content, dict) or not {"images", "annotations", "categories"} <= content.keys():
        raise DatasetError(f"{path} is not COCO's instances format: no images, annotations and categories")
    return content


def _sample(picture: Picture, label: str, group: Sequence[Mapping[str, Any]]) -> Sample:
    things = tuple(a["segmentation"] for a in group if not a.get("iscrowd"))
    crowds = tuple(a["segmentation"] for a in group if a.get("iscrowd"))
    return Sample(
        id=f"{label}_{picture.path.stem}",
        label=label,
        load_image=partial(_image, picture.path),
        load_mask=partial(_union, things, picture.height, picture.width),
        load_ignore=partial(_crowd, crowds, things, picture.height, picture.width) if crowds else None,
    )


def _image(path: Path) -> Image:
    from core.datasets.images import read_image  # cv2 costs 0.3 s; listing samples needs none

    return read_image(path)


def _union(segmentations: Sequence[Segmentation], height: int, width: int) -> Mask:
    """All regions as one mask (H, W) bool, by COCO's own rasterization."""
    import numpy as np
    from pycocotools import mask as rle

    union = np.zeros((height, width), bool)
    for segmentation in segmentations:
        if isinstance(segmentation, list):
            runs = rle.merge(rle.frPyObjects(segmentation, height, width))
        elif isinstance(segmentation["counts"], list):
            runs = rle.frPyObjects(segmentation, height, width)
        else:
            runs = segmentation
        union |= rle.decode(runs).astype(bool)
    return union


def _crowd(crowds: Sequence[Segmentation], things: Sequence[Segmentation], height: int, width: int) -> Mask:
    """The crowd's pixels; those of single instances count even inside a crowd."""
    return _union(crowds, height, width) & ~_union(things, height, width)


def _digest(images: Path, annotations: Path) -> str:
    total = hashlib.sha256(annotations.read_bytes())
    with contextlib.suppress(OSError):
        # The annotations name the images; sizes tell resized copies apart without reading 20 GB.
        for path in sorted(images.iterdir()):
            total.update(f"{path.name}\0{path.stat().st_size}\0".encode())
    return total.hexdigest()
