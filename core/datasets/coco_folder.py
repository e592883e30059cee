"""A folder that holds COCO's or LVIS's annotations, or one such file: which images go with it."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from cliploc.core.datasets import coco, label_files
from cliploc.core.datasets.sample import Dataset
from cliploc.core.datasets.spec import Options, written
from cliploc.core.errors import DatasetError, clean, few
from cliploc.core.paths import expanded

_PEEKED = 1 << 16  # bytes of a file that say whether it is COCO's
_KEYS = (b'"images"', b'"annotations"', b'"categories"')
# What COCO publishes beside instances: nothing is segmented in these.
_OTHERS = ("captions_", "person_keypoints_", "image_info_")
_FIRST = ("instances", "lvis", "", "stuff")  # of several files, whose names begin so


def lacks(place: Path) -> str:
    """What a place lacks to have COCO's annotations."""
    if files_in(place):
        return ""
    return "it has no .json with images, annotations and categories, nor has annotations/"


def files_in(place: Path, panoptic: bool = False) -> list[Path]:
    """The annotation files of a place; panoptic: those with a folder of maps beside them, else the others."""
    if os.path.isfile(place):
        found = [place] if place.suffix == ".json" else []
    else:
        found = [*sorted(place.glob("annotations/*.json")), *sorted(place.glob("*.json"))]
    return [
        path
        for path in found
        if not path.name.startswith((*_OTHERS, "."))
        and path.name not in label_files.NAMES
        and has_maps(path) == panoptic
        and _looks_like_coco(path)
    ]


def has_maps(path: Path) -> bool:
    """Whether maps of segments lie beside an annotation file, in a folder of its name."""
    return os.path.isdir(path.with_suffix(""))


def _peeked(path: Path) -> bytes:
    if not path.is_file():  # a pipe would never open
        return b""
    with suppress(OSError), path.open("rb") as file:
        return file.read(_PEEKED)
    return b""


def _looks_like_coco(path: Path) -> bool:
    return any(key in _peeked(path) for key in _KEYS)


def found(root: Path, options: Options, panoptic: bool = False) -> tuple[Path, Path]:
    """The folder of images and the annotation file that are meant. DatasetError where several may be."""
    there = [path for path in files_in(root, panoptic) if options.subset in path.stem]
    if not there:
        kind = "panoptic annotations" if panoptic else "annotations"
        known = [path.name for path in files_in(root, panoptic)]
        raise DatasetError(
            f"{root} has no {kind}"
            + (f" of subset {clean(options.subset)!r}; found {few(known)}" if known else f": {lacks(root)}")
        )
    ranked = sorted(there, key=_rank)
    best = [path for path in ranked if _rank(path) == _rank(ranked[0])]
    if len(best) > 1:
        names = [path.name for path in best]
        raise DatasetError(
            f"{root} has {len(best)} files of annotations, {few(names)}; say which: "
            f"subset={_end(best[0])}, or coco:IMAGES:{best[0]}"
        )
    folder = best[0].parent
    return _images_of(best[0], folder.parent if folder.name == "annotations" else folder), best[0]


def _rank(path: Path) -> int:
    return next((place for place, name in enumerate(_FIRST) if name and path.name.startswith(name)), 2)


def _end(path: Path) -> str:
    return path.stem.rpartition("_")[2]


def _images_of(path: Path, root: Path) -> Path:
    """The folder that has the file's first image, else the one that is most likely to."""
    end = _end(path)
    places = [root / end, root / "images" / end, root / "images", root, path.parent]
    there = [place for place in places if os.path.isdir(place)]
    name = re.search(rb'"file_name"\s*:\s*("(?:[^"\\]|\\.)*")', _peeked(path))
    first = ""
    with suppress(ValueError):
        first = str(json.loads(name[1])) if name else ""
    return next((place for place in there if first and os.path.isfile(place / first)), there[0])


def open_place(place: str, options: Options) -> Dataset:
    """Open the folder's annotations. DatasetError."""
    return opened(place, options, coco.open_files)


def opened(
    place: str,
    options: Options,
    open_files: Callable[[Path, Path, str, Options], Dataset],
    panoptic: bool = False,
) -> Dataset:
    """Open what lies in a folder as if its files had been named."""
    images, annotations = found(expanded(place), options, panoptic)
    return open_files(images, annotations, written(str(expanded(place)), options), _without_place(options))


def _without_place(options: Options) -> Options:
    """The options that are left when the files are found."""
    return options.with_({"layout": "", "subset": ""})


def problems(place: str, options: Options) -> Iterator[str]:
    """Every problem of the folder's annotations."""
    images, annotations = found(expanded(place), options)
    yield from coco.problems_of_files(images, annotations, _without_place(options))
