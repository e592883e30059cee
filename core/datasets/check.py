"""`dataset check`: everything decoded, every problem in a sentence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from cliploc.core.datasets import coco, folder
from cliploc.core.datasets.annotations import CocoImage
from cliploc.core.datasets.masks import reading_of
from cliploc.core.datasets.pictures import header, is_unsure, read_image
from cliploc.core.datasets.spec import COCO, Options, parsed, root_of
from cliploc.core.errors import DatasetError, clean


def problems_of(spec: str) -> list[str]:
    """Every problem of a dataset, one sentence with file and row each; [] for a sound one.

    Decodes every picture and mask. DatasetError only when there is nothing to check.
    """
    place, options = parsed(spec)
    if place.startswith(COCO):
        return list(_coco_problems(coco.read_coco(place, options), options))
    return list(_folder_problems(root_of(place), options))


def _folder_problems(root: Path, options: Options) -> Iterator[str]:
    rows = folder.read_table(root)
    yield from folder.row_problems(rows)
    yield from folder.missing_files(root, rows, options)
    there = [
        row
        for row in rows
        if row.real and row.mask and row.label and not list(folder.missing_files(root, [row], options))
    ]
    opened = folder.Folder(root, tuple(there), options)
    yield from _mask_problems(opened)
    for place, row in enumerate(there):
        yield from _row_problems(opened, place, row)


def _mask_problems(opened: folder.Folder) -> Iterator[str]:
    """What the masks are together: values that leave a choice, files that differ from the rest."""
    named = [(row.mask, form) for row, form in zip(opened.rows, opened.masks.forms, strict=True)]
    try:
        reading = reading_of(named, opened.options)
    except DatasetError as error:
        yield str(error)
        return
    yield from (note for note in reading.notes if "not the same" in note)
    for place in opened.masks.empty:
        row = opened.rows[place]
        yield f"row {row.number}: mask {clean(row.mask)} is empty: no pixel is foreground"


def _row_problems(opened: folder.Folder, place: int, row: folder.TableRow) -> Iterator[str]:
    picture, mask = opened.pictures[place], opened.truths[place]
    form = opened.masks.forms[place]
    if form.problem:
        yield f"row {row.number}: {_short(form.problem, opened.root)}"
    try:
        head = header(picture)
        read_image(picture, orientation=opened.options.orientation)
        size = header(mask).size
    except DatasetError as error:
        if str(mask) not in str(error):
            yield f"row {row.number}: {_short(str(error), opened.root)}"
        return
    problem = folder.size_problem(row, head, size, opened.options.orientation)
    if problem:
        yield problem
    elif opened.options.orientation == "auto" and is_unsure(head, size):
        yield (
            f"row {row.number}: {clean(row.real)} has an EXIF orientation ({head.orientation}) that the size "
            "of its mask neither confirms nor refutes; say orientation=stored or orientation=upright"
        )


def _coco_problems(found: coco.Coco, options: Options) -> Iterator[str]:
    yield from found.problems
    pictures = {region.picture.id: region.picture for region in found.regions}
    names = Counter(picture.name for picture in pictures.values())
    yield from (f"image {clean(name)} stands {times} times" for name, times in names.items() if times > 1)
    for picture in pictures.values():
        yield from _picture_problems(picture, options)
    for id_, region in zip(found.ids, found.regions, strict=True):
        try:
            empty = not region.drawn().any()
            region.ignored()
        except DatasetError as error:
            yield str(error)
            continue
        if empty:
            yield f"sample {clean(id_)}: its true mask is empty"


def _picture_problems(picture: CocoImage, options: Options) -> Iterator[str]:
    if not picture.path.is_file():
        yield f"image {clean(picture.name)} is missing (skip-missing=yes leaves it out)"
        return
    try:
        problem = coco.size_problem(picture, options.orientation)
        read_image(picture.path, orientation=options.orientation)
        head = header(picture.path)
    except DatasetError as error:
        yield str(error)
        return
    if problem:
        yield problem
    elif options.orientation == "auto" and is_unsure(head, picture.size):
        yield (
            f"image {clean(picture.name)} has an EXIF orientation ({head.orientation}) that the annotations' "
            "size neither confirms nor refutes; say orientation=stored or orientation=upright"
        )


def _short(text: str, root: Path) -> str:
    return clean(text.replace(f"{root}/", ""))
