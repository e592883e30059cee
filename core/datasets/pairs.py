"""`images/` and `masks/` with matching names; their folders inside are labels, or parts such as `train`.

A mask is read as one of CocoGlide's table is, see `masks`. Where no folder says the label, the
option `prompt` does.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from cliploc.core.datasets.folder import open_rows, problems_of_rows, summary
from cliploc.core.datasets.ids import label_of
from cliploc.core.datasets.listing import (
    Pairs,
    first_of,
    folders_in,
    label_in,
    of_subset,
    paired,
    pictures_under,
)
from cliploc.core.datasets.pictures_alone import ANYTHING
from cliploc.core.datasets.sample import Dataset
from cliploc.core.datasets.spec import Options, written
from cliploc.core.datasets.table import TableRow
from cliploc.core.errors import DatasetError, clean
from cliploc.core.paths import expanded

PICTURES = ("images", "image", "imgs", "img", "pictures", "photos", "rgb")
MASKS = (
    "masks", "mask", "true_masks", "gt", "ground_truth", "groundtruth", "ground_truth_mask",
    "segmentation", "segmentations", "segmentationclass",
)  # fmt: skip
# What a folder of masks is called beside one of pictures: `test` and `test-mask`.
ENDINGS = ("-mask", "_mask", "-masks", "_masks", "-gt", "_gt")


def lacks(place: Path) -> str:
    """What a place lacks to be pictures and masks in two folders."""
    images, masks = _folders(place)
    if images and masks:
        return ""
    folder = f"{images}/ has no masks/ beside it" if images else "it has no images/ and masks/"
    return f"{folder} (or {', '.join(PICTURES[1:4])} … and {', '.join(MASKS[1:4])} …)"


def _folders(root: Path) -> tuple[str, str]:
    """The names of both folders; "" for one that is not there."""
    images, masks = first_of(root, PICTURES), first_of(root, MASKS)
    if not (images and masks):
        there = folders_in(root)
        beside = [(name, name + end) for name in there for end in ENDINGS if name + end in there]
        images, masks = beside[0] if beside else (images, masks)
    return images, masks


def open_place(place: str, options: Options) -> Dataset:
    """Open a folder of pictures and masks. DatasetError for what does not belong together."""
    root = expanded(place)
    rows, found = _found(root, options)
    summed(root, found, options)
    rest = Options(options.mask_value, options.invert, options.orientation, allow_empty=options.allow_empty)
    notes = [f"{len(found.lonely)} pictures have no mask and are left out"] if found.lonely else []
    if any(row.label == ANYTHING for row in rows):
        notes.append(f"no folder says what is marked: it is {ANYTHING!r}; prompt=WORDS says it")
    return open_rows(root, rows, written(str(root), options), rest, root.resolve().name, notes)


def summed(root: Path, found: Pairs, options: Options) -> None:
    """DatasetError for names that do not match, unless skip-missing leaves out pictures without a mask."""
    without = [] if options.skip_missing else [f"{name} has no mask" for name in found.lonely]
    if found.problems or without:
        hint = ["skip-missing=yes leaves out pictures without a mask"] if without else []
        raise DatasetError(summary(root, [*found.problems, *without, *hint]))
    if not found.pairs:
        raise DatasetError(f"{root}: no picture has a mask of a matching name")


def _found(root: Path, options: Options) -> tuple[tuple[TableRow, ...], Pairs]:
    """The rows of a folder, and what belongs together in it."""
    names = ("mask-value", "invert", "orientation", "skip-missing", "allow-empty", "prompt", "subset")
    options.limit("pairs of pictures and masks", *names)
    images, masks = _folders(root)
    if not (images and masks):
        raise DatasetError(f"{root}: {lacks(root)}")
    pictures = of_subset(pictures_under(root / images), options.subset, root / images)
    found = paired(pictures, of_subset(pictures_under(root / masks), options.subset, root / masks))
    if len(options.prompts) > 1:
        raise DatasetError(
            f"{root}: one mask a picture has one label; found prompt={clean(options.prompt)!r}"
        )
    said = options.prompts[0] if options.prompts else ""
    rows = tuple(
        TableRow(
            number,
            os.path.join(images, picture),
            os.path.join(masks, mask),
            said or label_of(label_in(picture)) or ANYTHING,
        )
        for number, (picture, mask) in enumerate(found.pairs, 1)
    )
    return rows, found


def problems(place: str, options: Options) -> Iterator[str]:
    """Every problem of the names, the pictures and the masks, one sentence each."""
    root = expanded(place)
    rows, found = _found(root, options)
    yield from found.problems
    yield from (f"{name} has no mask" for name in found.lonely if not options.skip_missing)
    yield from problems_of_rows(root, rows, options)
