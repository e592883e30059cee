"""A folder in CocoGlide's layout: table.csv beside real/, mask/ and, perhaps, fake/.

The base names of the three folders do not match, so files are paired through
the table alone. Columns that are not ours are ignored; `source` names the image
that a row was made from.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING

from cliploc.core.datasets import files, ids
from cliploc.core.datasets.formats import named
from cliploc.core.datasets.sample import Content, Dataset, Sample
from cliploc.core.datasets.spec import Options, written
from cliploc.core.datasets.table import TABLE, TableRow, read_table, row_problems
from cliploc.core.errors import DatasetError, clean
from cliploc.core.paths import expanded

if TYPE_CHECKING:
    from cliploc.core.datasets.masks import MaskFiles
    from cliploc.core.datasets.pictures import Header, Size
    from cliploc.core.datasets.sample import Image, Mask


@dataclass(frozen=True)
class Folder:
    """The files of a dataset in CocoGlide's layout, row by row."""

    root: Path
    rows: tuple[TableRow, ...]
    options: Options

    @cached_property
    def pictures(self) -> list[Path]:
        """Each row's picture."""
        return [self.root / getattr(row, self.options.picture) for row in self.rows]

    @cached_property
    def truths(self) -> list[Path]:
        """Each row's mask."""
        return [self.root / row.mask for row in self.rows]

    @cached_property
    def sizes(self) -> list[Size]:
        """The size that each picture must have: its mask's."""
        from cliploc.core.datasets.pictures import headers_of

        return [head.size for head in headers_of(self.truths)]

    @cached_property
    def ids(self) -> list[str]:
        """Each row's id."""
        return ids.unique([row.names for row in self.rows])

    @cached_property
    def masks(self) -> MaskFiles:
        """The true masks."""
        from cliploc.core.datasets.masks import MaskFiles  # numpy and cv2: listing samples needs neither

        return MaskFiles(self.truths, [row.mask for row in self.rows], self.options)

    def image(self, place: int) -> Image:
        """A row's picture, of its mask's size."""
        from cliploc.core.datasets.pictures import header, read_image

        return read_image(self.pictures[place], header(self.truths[place]).size, self.options.orientation)

    def true_mask(self, place: int) -> Mask:
        """A row's true mask, of its picture's size."""
        from cliploc.core.datasets.pictures import header

        mask = self.masks.mask(place)
        size = (mask.shape[1], mask.shape[0])
        problem = size_problem(self.rows[place], header(self.pictures[place]), size, self.options.orientation)
        if problem:
            raise DatasetError(f"{self.root}: {problem}")
        return mask

    def ignored(self, place: int) -> Mask | None:
        """A row's void pixels."""
        return self.masks.ignored(place)


def lacks(place: Path) -> str:
    """What a place lacks to be CocoGlide's table."""
    return "" if os.path.lexists(place / TABLE) else f"it has no {TABLE}"


def open_place(place: str, options: Options) -> Dataset:
    """Open `demo`, `cocoglide` or a folder. DatasetError when it, its table or a row is unusable."""
    root = root_of(place)
    return open_folder(root, written(str(root), options), options, place if place in named() else None)


def root_of(place: str) -> Path:
    """The folder that a place stands for."""
    root = named().get(place) or expanded(place)
    if place == "cocoglide" and not root.is_dir():
        raise DatasetError(
            f"CocoGlide is not at {root}; `cliploc fetch cocoglide` gets it, "
            "or give the folder you have: --dataset PATH"
        )
    return root


def open_folder(root: Path, spec: str, options: Options, name: str | None = None) -> Dataset:
    """Open a folder in CocoGlide's layout. DatasetError when it, its table or a row is unusable."""
    if options.prompt:
        raise DatasetError(f"prompt speaks of pictures without labels; {root / TABLE} has its own")
    if options.subset:
        raise DatasetError(f"{root / TABLE} has no subsets; found subset={clean(options.subset)}")
    return open_rows(root, read_table(root), spec, options, name or root.resolve().name)


def open_rows(
    root: Path, rows: Sequence[TableRow], spec: str, options: Options, name: str, notes: Sequence[str] = ()
) -> Dataset:
    """Rows of files below a folder as a dataset, wherever they are from; notes: on that. DatasetError."""
    if options.picture == "fake" and not all(row.fake for row in rows):
        raise DatasetError(
            f"{root / TABLE} names no fake picture in some rows; picture=fake needs the column fake"
        )
    there = rows
    if options.skip_missing:
        there = [row for row in rows if not list(missing_files(root, [row], options))]
        if not there:
            raise DatasetError(f"{root}: none of the files of its {len(rows)} rows is there")
    problems = [*row_problems(there), *missing_files(root, there, options)]
    if problems:
        raise DatasetError(summary(root, problems))
    folder = Folder(root, tuple(there), options)
    numbered = _is_cocoglide(there)
    sources = [_source(row) if numbered else row.source for row in there]
    samples = tuple(
        Sample(
            id_,
            row.label,
            partial(folder.image, place),
            partial(folder.true_mask, place),
            partial(folder.ignored, place),
            source,
            folder.pictures[place],
        )
        for place, (id_, row, source) in enumerate(zip(folder.ids, there, sources, strict=True))
    )
    kept = {row.number for row in there}
    skipped = [row.real for row in rows if row.number not in kept]
    content = Content(
        pictures=partial(_pictures_digest, folder),
        truth=partial(_truth_digest, folder),
        legacy=partial(_legacy_digest, folder),
        sources=partial(_sources_by_content, folder, numbered),
        notes=partial(_notes, folder, skipped, tuple(notes)),
        empty=partial(_empty, folder),
        left_out=partial(_left_out, folder),
    )
    return Dataset(name if options.picture == "real" else f"{name} (fake)", spec, samples, content)


def summary(root: Path, problems: list[str], shown: int = 20) -> str:
    """All problems as one message, the first ones written out."""
    lines = [f"{root}: {counted(problems)}", *problems[:shown]]
    if len(problems) > shown:
        lines.append(f"and {len(problems) - shown} more; `cliploc dataset check --dataset {root}` lists all")
    return "\n  ".join(lines)


def counted(problems: Sequence[str]) -> str:
    """How many there are: `sound`, `1 problem`, `2 problems`."""
    if not problems:
        return "sound"
    return "1 problem" if len(problems) == 1 else f"{len(problems)} problems"


def missing_files(root: Path, rows: Sequence[TableRow], options: Options) -> Iterator[str]:
    """Files that rows name and that are not there, or not in the dataset's folder."""
    for row in rows:
        for name in filter(None, (getattr(row, options.picture), row.mask)):
            if not inside(root, name):
                yield f"row {row.number}: {clean(name)} leads out of the dataset's folder"
            elif not os.path.isfile(os.path.join(root, name)):
                also = os.path.isfile(os.path.join(root, name.replace("\\", "/")))
                hint = "; write its path with slashes: /" if also else ""
                yield f"row {row.number}: file {clean(name)} is missing{hint}"


def inside(root: Path, name: str) -> bool:
    """Whether a path of the table stays in the dataset's folder."""
    return not os.path.isabs(name) and ".." not in name.split("/") and "\0" not in name


def size_problem(row: TableRow, picture: Header, mask: Size, orientation: str) -> str:
    """A sentence where a row's picture and mask are not of one size, "" where they are."""
    from cliploc.core.datasets.pictures import shown_size

    size = shown_size(picture, mask, orientation)
    if size == mask:
        return ""
    return (
        f"row {row.number}: mask {clean(row.mask)} is {mask[0]} x {mask[1]}, "
        f"its image {size[0]} x {size[1]}; expected the same size: resize one to the other"
    )


def _is_cocoglide(rows: Sequence[TableRow]) -> bool:
    """Whether ids end in numbers of COCO images, each only once: `dining table_114871`."""
    numbers = Counter(_source(row) for row in rows)
    return "" not in numbers and max(numbers.values()) == 1


def _source(row: TableRow) -> str:
    if row.source:
        return row.source
    number = row.stem.removeprefix(f"{row.label}_")
    return number if number != row.stem and re.fullmatch(r"\d+", number) else ""


def _pictures_digest(folder: Folder) -> str:
    from cliploc.core.datasets.pictures import digest_of

    labels = [row.label for row in folder.rows]
    return digest_of(folder.ids, labels, folder.pictures, folder.sizes, folder.options.orientation)


def _truth_digest(folder: Folder) -> str:
    options = {"mask-value": folder.options.mask_value, "invert": folder.options.invert}
    return files.digest_of("truth 2", [options, *zip(folder.ids, files.digests(folder.truths), strict=True)])


def _legacy_digest(folder: Folder) -> str:
    if folder.options.picture == "fake":
        return ""  # release 0.1.0 read real pictures alone
    total = hashlib.sha256()
    pictures = files.digests([folder.root / row.real for row in folder.rows])
    for row, picture, mask in zip(folder.rows, pictures, files.digests(folder.truths), strict=True):
        total.update(f"{row.stem}\0{row.label}\0".encode())
        total.update(bytes.fromhex(picture) + bytes.fromhex(mask))
    return total.hexdigest()


def _sources_by_content(folder: Folder, numbered: bool) -> dict[str, str]:
    """The sources of rows that do not say theirs: one for all rows of one picture, whatever its files' names.

    numbered: names end in numbers of COCO images, which are the sources' names then.
    """
    if all(row.source for row in folder.rows):
        return {}
    real = [folder.root / row.real for row in folder.rows]
    digests = files.digests([a if a.is_file() else b for a, b in zip(real, folder.pictures, strict=True)])
    names: dict[str, str] = {}
    for row, digest in sorted(zip(folder.rows, digests, strict=True), key=lambda pair: not pair[0].source):
        names.setdefault(digest, (_source(row) if numbered else row.source) or digest[:16])
    return {
        id_: names[digest]
        for id_, row, digest in zip(folder.ids, folder.rows, digests, strict=True)
        if not row.source
    }


def _empty(folder: Folder) -> frozenset[str]:
    return frozenset(folder.ids[place] for place in folder.masks.empty)


def _left_out(folder: Folder) -> frozenset[str]:
    return frozenset(folder.ids[place] for place in folder.masks.void)


def _notes(folder: Folder, skipped: Sequence[str], more: tuple[str, ...]) -> tuple[str, ...]:
    from cliploc.core.datasets.pictures import notes_on

    masks, count = folder.masks, len(folder.rows)
    notes = [*more, *masks.reading.notes]
    if skipped:
        notes.append(f"{len(skipped)} samples have no file and are left out: {clean(', '.join(skipped[:6]))}")
    broken = sum(bool(form.problem) for form in masks.forms)
    if broken:
        notes.append(f"{broken} of {count} true masks cannot be read; `cliploc dataset check` names them")
    return (*notes, *notes_on(folder.pictures, folder.sizes, folder.options.orientation))


def problems(place: str, options: Options) -> Iterator[str]:
    """Every problem of the table, the pictures and the masks, one sentence each."""
    root = root_of(place)
    yield from problems_of_rows(root, read_table(root), options)


def problems_of_rows(root: Path, rows: Sequence[TableRow], options: Options) -> Iterator[str]:
    """Every problem of rows, wherever they are from."""
    yield from row_problems(rows)
    yield from missing_files(root, rows, options)
    there = [
        row
        for row in rows
        if row.real and row.mask and row.label and not list(missing_files(root, [row], options))
    ]
    opened = Folder(root, tuple(there), options)
    yield from _mask_problems(opened)
    for at, row in enumerate(there):
        yield from _row_problems(opened, at, row)


def _mask_problems(opened: Folder) -> Iterator[str]:
    """What the masks are together: values that leave a choice, files that differ from the rest."""
    from cliploc.core.datasets.masks import reading_of

    forms = [(row.mask, form) for row, form in zip(opened.rows, opened.masks.forms, strict=True)]
    try:
        reading = reading_of(forms, opened.options)
    except DatasetError as error:
        yield str(error)
        return
    yield from (note for note in reading.notes if "not the same" in note)
    for place in opened.masks.empty:
        row = opened.rows[place]
        yield f"row {row.number}: mask {clean(row.mask)} is empty: no pixel is foreground"


def _row_problems(opened: Folder, place: int, row: TableRow) -> Iterator[str]:
    from cliploc.core.datasets.pictures import header, read_image, unsure_about

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
    problem = size_problem(row, head, size, opened.options.orientation)
    yield from (
        [problem]
        if problem
        else unsure_about(head, size, opened.options.orientation, f"row {row.number}: {clean(row.real)}")
    )


def _short(text: str, root: Path) -> str:
    return clean(text.replace(f"{root}/", ""))
