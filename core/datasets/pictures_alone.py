"""Pictures alone: a picture, or a folder of them, without labels and without masks.

What is looked for is said by the option `prompt`: a sample is a picture and one of the
prompts. Where that is the user may draw; until then there is no true mask and nothing to score.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING

from cliploc.core.datasets import files, ids
from cliploc.core.datasets.drawn import Drawing, true_mask
from cliploc.core.datasets.formats import is_picture_name
from cliploc.core.datasets.sample import Content, Dataset, Sample
from cliploc.core.datasets.spec import Options, written
from cliploc.core.errors import DatasetError, clean
from cliploc.core.paths import expanded

if TYPE_CHECKING:
    from cliploc.core.datasets.pictures import Header
    from cliploc.core.datasets.sample import Image, Mask

# Labels are what somebody wrote, article and all.
TEMPLATE = "<label>"
# What is looked for where nobody has said it.
ANYTHING = "object"


@dataclass(frozen=True)
class Looked:
    """A picture, and what to look for in it."""

    path: Path
    label: str
    orientation: str

    def image(self) -> Image:
        """The picture, as a viewer shows it: no mask refutes its EXIF tag."""
        from cliploc.core.datasets.pictures import read_image  # cv2 costs 0.3 s; listing samples needs none

        return read_image(self.path, orientation=self.orientation)

    def true_mask(self) -> Mask:
        """What the user drew. DatasetError where nobody has."""
        from cliploc.core.datasets.pictures import header

        head = header(self.path)
        size = head.upright if self.orientation == "upright" else head.size
        mask = true_mask(self.path, self.label, size)
        if mask is None:
            raise DatasetError(f"{self.path}: nobody has marked where {clean(self.label)!r} is")
        return mask


@dataclass(frozen=True)
class PicturesAlone:
    """Pictures in a fixed order, and what to look for in each of them. asked: whether somebody said what."""

    paths: tuple[Path, ...]
    prompts: tuple[str, ...]
    orientation: str
    asked: bool

    @cached_property
    def looked(self) -> tuple[Looked, ...]:
        """Every prompt, with each picture."""
        return tuple(Looked(path, prompt, self.orientation) for prompt in self.prompts for path in self.paths)

    @cached_property
    def ids(self) -> list[str]:
        """One by sample: the picture's stem, with the prompt before it where there are several."""
        return ids.unique([_names(each, alone=len(self.prompts) == 1) for each in self.looked])

    @cached_property
    def drawing(self) -> Drawing:
        """What the user drew."""
        root = Path(os.path.commonpath([path.absolute().parent for path in self.paths]))
        places = {
            id_: (each.path.absolute(), each.label) for id_, each in zip(self.ids, self.looked, strict=True)
        }
        return Drawing(places, root)

    @cached_property
    def headers(self) -> list[Header]:
        """What each picture says of itself."""
        from cliploc.core.datasets.pictures import headers_of

        return headers_of(self.paths)


def lacks(place: Path) -> str:
    """What a place lacks to be pictures alone: "" for any file, and for a folder with pictures in it."""
    if os.path.isfile(place):
        return ""
    try:
        return "" if any(map(is_picture_name, os.listdir(place))) else "it has no pictures"
    except OSError as error:
        return f"it cannot be read: {error.strerror}"


def open_place(place: str, options: Options) -> Dataset:
    """Open a picture or a folder of pictures. DatasetError when there is none, or an option does not fit."""
    options.limit("pictures alone", "orientation", "skip-missing", "prompt")
    found = expanded(place)
    alone = chosen(pictures_in(found), options)
    return dataset_of(alone, found.resolve().name, written(str(found), options))


def chosen(paths: tuple[Path, ...], options: Options) -> PicturesAlone:
    """These pictures and the prompts of the options."""
    orientation = "upright" if options.orientation == "auto" else options.orientation
    return PicturesAlone(paths, options.prompts or (ANYTHING,), orientation, bool(options.prompts))


def dataset_of(alone: PicturesAlone, name: str, spec: str) -> Dataset:
    """Every prompt with each picture as a dataset."""
    samples = tuple(
        Sample(id_, each.label, each.image, each.true_mask, path=each.path)
        for id_, each in zip(alone.ids, alone.looked, strict=True)
    )
    content = Content(
        pictures=partial(_pictures_digest, alone),
        truth=partial(_truth_digest, alone),
        legacy=str,
        sources=partial(_sources, alone),
        notes=partial(_notes, alone),
        empty=partial(_empty, alone, samples),
        without_truth=alone.drawing.unmarked,
        drawing=alone.drawing,
    )
    return Dataset(name, spec, samples, content, TEMPLATE)


def _empty(alone: PicturesAlone, samples: tuple[Sample, ...]) -> frozenset[str]:
    unmarked = alone.drawing.unmarked()
    return frozenset(each.id for each in samples if each.id not in unmarked and not each.true_mask().any())


def pictures_in(place: Path) -> tuple[Path, ...]:
    """The picture itself, or those of a folder by name. DatasetError when there is none."""
    if not os.path.isdir(place):
        files.check_regular(place)
        return (place,)
    try:
        names = sorted(filter(is_picture_name, os.listdir(place)))
    except OSError as error:
        raise DatasetError(f"cannot read {place}: {error.strerror}") from error
    found = tuple(place / name for name in names if os.path.isfile(place / name))
    if not found:
        raise DatasetError(f"{place} has no pictures; expected files such as .png or .jpg in it")
    return found


def problems(place: str, options: Options) -> Iterator[str]:
    """Every picture that cannot be read, one sentence each."""
    from cliploc.core.datasets.pictures import read_image

    for path in pictures_in(expanded(place)):
        try:
            read_image(path)
        except DatasetError as error:
            yield str(error)


def _names(each: Looked, alone: bool) -> tuple[str, ...]:
    short = (each.path.stem, each.path.name)
    full = (f"{each.label}_{each.path.stem}", f"{each.label}_{each.path.name}")
    return (*short, *full) if alone else full


def _pictures_digest(alone: PicturesAlone) -> str:
    from cliploc.core.datasets.pictures import digest_of

    labels, paths = [each.label for each in alone.looked], [each.path for each in alone.looked]
    sizes = [head.size for head in alone.headers] * len(alone.prompts)
    return digest_of(alone.ids, labels, paths, sizes, alone.orientation)


def _truth_digest(alone: PicturesAlone) -> str:
    return files.digest_of("truth 2", ["drawn", *alone.drawing.content()])


def _sources(alone: PicturesAlone) -> dict[str, str]:
    digests = files.digests([each.path for each in alone.looked])
    return {id_: digest[:16] for id_, digest in zip(alone.ids, digests, strict=True)}


def _notes(alone: PicturesAlone) -> tuple[str, ...]:
    from cliploc.core.datasets.pictures import notes_on

    notes = notes_on(alone.paths, [head.size for head in alone.headers], alone.orientation)
    broken = [path.name for path, head in zip(alone.paths, alone.headers, strict=True) if head.problem]
    if broken:
        notes.append(
            f"{len(broken)} of {len(alone.paths)} pictures cannot be read: {clean(', '.join(broken[:6]))}"
        )
    if not alone.asked:
        notes.append(
            f"nobody said what to look for: it is {ANYTHING!r}; --prompt 'a red car ; a tree' says it"
        )
    return tuple(notes)
