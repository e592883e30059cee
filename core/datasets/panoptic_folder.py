"""A folder that holds COCO's panoptic annotations with their maps: which images go with them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from cliploc.core.datasets import coco_folder, panoptic
from cliploc.core.datasets.sample import Dataset
from cliploc.core.datasets.spec import Options
from cliploc.core.paths import expanded


def lacks(place: Path) -> str:
    """What a place lacks to have panoptic annotations."""
    if coco_folder.files_in(place, panoptic=True):
        return ""
    return "it has no .json with a folder of maps of the same name beside it, nor has annotations/"


def open_place(place: str, options: Options) -> Dataset:
    """Open the folder's annotations. DatasetError."""
    return coco_folder.opened(place, options, panoptic.open_files, panoptic=True)


def problems(place: str, options: Options) -> Iterator[str]:
    """Every problem of the folder's annotations."""
    images, annotations = coco_folder.found(expanded(place), options, panoptic=True)
    yield from panoptic.problems_of_files(images, annotations, options.with_({"layout": "", "subset": ""}))
