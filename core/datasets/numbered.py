"""Maps of numbers as a dataset: one file a picture, in which each pixel holds the number of its class.

One sample for each picture and label that is in its map; the other labels are ground, the void
numbers are ignored. VOC, ADE20K, Cityscapes, ImageNet-S and COCO's panoptic maps are told apart by
where their files lie and by what their numbers mean, and are one dataset from here on.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING

from cliploc.core.datasets import files, ids
from cliploc.core.datasets.label_files import Labels
from cliploc.core.datasets.sample import Content, Dataset, Sample, nothing
from cliploc.core.datasets.spec import Options
from cliploc.core.errors import DatasetError, clean, few

if TYPE_CHECKING:
    from cliploc.core.datasets.pictures import Size
    from cliploc.core.datasets.sample import Image, Mask

OPTIONS = ("orientation", "skip-missing", "allow-empty", "subset")
MOST_NUMBERS = 1 << 16  # in one map; more is a picture


@dataclass(frozen=True)
class Map:
    """A picture and its map of numbers, as paths from the dataset's folder.

    source: "" for the picture's content.
    """

    picture: str
    path: str
    source: str = ""


@dataclass(frozen=True)
class Part:
    """One label in one map: the numbers that are it, and those that do not count."""

    map: Map
    label: str
    numbers: tuple[int, ...]
    void: tuple[int, ...] = ()


@dataclass(frozen=True)
class Numbered:
    """The parts of all maps of a folder, in a fixed order. notes: how they were found."""

    root: Path
    parts: tuple[Part, ...]
    options: Options
    notes: tuple[str, ...] = ()

    @cached_property
    def ids(self) -> list[str]:
        """Each part's id: `LABEL_STEM`."""
        return ids.unique([_names(part) for part in self.parts])

    @cached_property
    def pictures(self) -> list[Path]:
        """Each part's picture."""
        return [self.root / part.map.picture for part in self.parts]

    @cached_property
    def sizes(self) -> list[Size]:
        """The size that each picture must have: its map's."""
        from cliploc.core.datasets.pictures import headers_of

        return [head.size for head in headers_of([self.root / part.map.path for part in self.parts])]

    def image(self, place: int) -> Image:
        """A part's picture, of its map's size."""
        from cliploc.core.datasets.pictures import header, read_image

        size = header(self.root / self.parts[place].map.path).size
        return read_image(self.pictures[place], size, self.options.orientation)

    def true_mask(self, place: int) -> Mask:
        """The pixels that hold the part's numbers, of its picture's size."""
        part = self.parts[place]
        problem = size_problem(self.root, part.map, self.options.orientation)
        if problem:
            raise DatasetError(f"{self.root}: {problem}")
        return self._held(part.map, part.numbers)

    def ignored(self, place: int) -> Mask:
        """The pixels that hold the part's void numbers."""
        part = self.parts[place]
        return self._held(part.map, part.void)

    def _held(self, map_: Map, numbers: Sequence[int]) -> Mask:
        import numpy as np

        from cliploc.core.datasets.mask_forms import numbers_of

        found: Mask = np.isin(numbers_of(self.root / map_.path), numbers)
        return found


def counted_numbers(paths: Sequence[Path]) -> list[Mapping[int, int]]:
    """How many pixels hold each number, map by map; each file is decoded once, as long as it stays.

    DatasetError, with all that cannot be read.
    """
    plain = [json.loads(text) for text in files.facts("numbers 1", paths, _looked_at)]
    problems = list(dict.fromkeys(each["problem"] for each in plain if "problem" in each))
    if problems:
        more = f"; and {len(problems) - 3} more" if len(problems) > 3 else ""
        raise DatasetError("; ".join(problems[:3]) + more)
    return [{int(number): count for number, count in each["numbers"].items()} for each in plain]


def _looked_at(path: Path) -> str:
    import numpy as np

    from cliploc.core.datasets.mask_forms import numbers_of

    try:
        numbers, times = np.unique(numbers_of(path), return_counts=True)
    except DatasetError as error:
        return json.dumps({"problem": str(error)})
    if len(numbers) > MOST_NUMBERS:
        return json.dumps(
            {"problem": f"{path} holds {len(numbers):,} numbers: a picture, not a map of classes"}
        )
    return json.dumps({"numbers": dict(zip(numbers.tolist(), times.tolist(), strict=True))})


def parts_of(root: Path, maps: Sequence[Map], labels: Labels) -> list[Part]:
    """One part for each label of each map. DatasetError for numbers that nobody has named."""
    parts, strange = [], Counter[int]()
    for map_, found in zip(maps, counted_numbers([root / each.path for each in maps]), strict=True):
        void = tuple(sorted(labels.void & found.keys()))
        by_label: dict[str, list[int]] = {}
        for number in sorted(found):
            if number in labels.labels:
                by_label.setdefault(labels.labels[number], []).append(number)
            elif number not in labels.ground | labels.void:
                strange[number] += 1
        parts += [Part(map_, label, tuple(numbers), void) for label, numbers in by_label.items()]
    if strange:
        shown = ", ".join(f"{number} (in {count} maps)" for number, count in sorted(strange.items())[:6])
        raise DatasetError(
            f"{root}: maps hold numbers that {labels.where} does not name: {shown}; "
            "name them there, `void` for what does not count"
        )
    if not parts:
        raise DatasetError(f"{root}: none of its {len(maps)} maps holds a label of {labels.where}")
    return parts


def present(root: Path, maps: Sequence[Map], options: Options) -> list[Map]:
    """The maps whose files are there. DatasetError for missing ones, unless skip-missing leaves them out."""
    gone = [name for each in maps for name in (each.picture, each.path) if not os.path.isfile(root / name)]
    if gone and not options.skip_missing:
        raise DatasetError(
            f"{root}: {len(gone)} files are missing: {few(gone)}; put them there, or leave their pictures "
            "out: skip-missing=yes (--skip-missing)"
        )
    lost = set(gone)
    kept = [each for each in maps if each.picture not in lost and each.path not in lost]
    if not kept:
        raise DatasetError(f"{root}: no picture has a map of classes")
    return kept


def opened(numbered: Numbered, name: str, spec: str) -> Dataset:
    """The parts as a dataset."""
    samples = tuple(
        Sample(
            id_,
            part.label,
            partial(numbered.image, place),
            partial(numbered.true_mask, place),
            partial(numbered.ignored, place) if part.void else nothing,
            part.map.source,
            numbered.pictures[place],
        )
        for place, (id_, part) in enumerate(zip(numbered.ids, numbered.parts, strict=True))
    )
    content = Content(
        pictures=partial(_pictures_digest, numbered),
        truth=partial(_truth_digest, numbered),
        legacy=str,
        sources=partial(_sources, numbered),
        notes=partial(_notes, numbered),
    )
    return Dataset(name, spec, samples, content)


def _names(part: Part) -> tuple[str, ...]:
    path = os.path.splitext(part.map.picture)[0]
    stem = os.path.basename(path)
    return f"{part.label}_{stem}", f"{part.label}_{path}", f"{part.label}_{part.map.picture}"


def size_problem(root: Path, map_: Map, orientation: str) -> str:
    """A sentence where a picture and its map are not of one size, "" where they are."""
    from cliploc.core.datasets.pictures import header, shown_size

    expected = header(root / map_.path).size
    size = shown_size(header(root / map_.picture), expected, orientation)
    if size == expected:
        return ""
    return (
        f"map {clean(map_.path)} is {expected[0]} x {expected[1]}, its picture {clean(map_.picture)} "
        f"{size[0]} x {size[1]}; expected the same size: resize one to the other"
    )


def _pictures_digest(numbered: Numbered) -> str:
    from cliploc.core.datasets.pictures import digest_of

    labels = [part.label for part in numbered.parts]
    return digest_of(numbered.ids, labels, numbered.pictures, numbered.sizes, numbered.options.orientation)


def _truth_digest(numbered: Numbered) -> str:
    digests = files.digests([numbered.root / part.map.path for part in numbered.parts])
    parts = [[part.numbers, part.void] for part in numbered.parts]
    return files.digest_of("truth 2", zip(numbered.ids, parts, digests, strict=True))


def _sources(numbered: Numbered) -> dict[str, str]:
    """The picture's content, where no source is said."""
    silent = [place for place, part in enumerate(numbered.parts) if not part.map.source]
    digests = files.digests([numbered.pictures[place] for place in silent])
    return {numbered.ids[place]: digest[:16] for place, digest in zip(silent, digests, strict=True)}


def _notes(numbered: Numbered) -> tuple[str, ...]:
    from cliploc.core.datasets.pictures import notes_on

    voids = len({part.map.path for part in numbered.parts if part.void})
    maps = len({part.map.path for part in numbered.parts})
    void = [f"void pixels of {voids} of {maps} maps are ignored"] if voids else []
    orientation = numbered.options.orientation
    return (*numbered.notes, *void, *notes_on(numbered.pictures, numbered.sizes, orientation))


def problems_in(numbered: Numbered) -> Iterator[str]:
    """Every picture that cannot be read or is not of its map's size."""
    from cliploc.core.datasets.pictures import header, read_image, unsure_about

    orientation = numbered.options.orientation
    for map_ in dict.fromkeys(part.map for part in numbered.parts):
        try:
            problem = size_problem(numbered.root, map_, orientation)
            read_image(numbered.root / map_.picture, orientation=orientation)
            head, size = header(numbered.root / map_.picture), header(numbered.root / map_.path).size
        except DatasetError as error:
            yield str(error)
            continue
        yield from [problem] if problem else unsure_about(head, size, orientation, clean(map_.picture))
