"""COCO annotations as a dataset: `coco:IMAGES:ANNOTATIONS.json`. LVIS's files, too.

One sample per image and category: the instances of a category in an image are
merged into one true mask. Crowd regions, where instances were not told apart,
are ignored pixels: they count neither for nor against. An image and category
with nothing but crowd has nothing to localize and is no sample.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from cliploc.core.datasets import files
from cliploc.core.datasets.annotations import CocoImage, Group
from cliploc.core.datasets.coco_columns import Entries, Entry
from cliploc.core.datasets.coco_index import Held, Index, index_of, sorted_by_label
from cliploc.core.datasets.columns import Coded, Samples
from cliploc.core.datasets.formats import format_of
from cliploc.core.datasets.sample import Content, Dataset, Sample, nothing
from cliploc.core.datasets.spec import Options, written
from cliploc.core.errors import DatasetError, clean, few

if TYPE_CHECKING:
    from cliploc.core.datasets.sample import Image, Mask

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Region:
    """The annotations of one category in one picture. group: reads them; crowded, small: as of an `Entry`."""

    picture: CocoImage
    annotations: Path
    group: Callable[[], Group]
    crowded: bool
    small: bool
    orientation: str = "auto"

    def image(self) -> Image:
        """The picture, of the size that the annotations say."""
        from cliploc.core.datasets.pictures import read_image  # cv2 costs 0.3 s; listing samples needs none

        return read_image(self.picture.path, self.picture.size, self.orientation)

    @property
    def told(self) -> Path:
        """The file that says so: the picture's own, where each has one."""
        return self.group().told or self.annotations

    def true_mask(self) -> Mask:
        """All instances as one mask, by COCO's own rasterization."""
        problem = size_problem(self.picture, self.orientation)
        if problem:
            raise DatasetError(f"{self.told}: {problem}")
        return self.drawn()

    def drawn(self) -> Mask:
        """The true mask, whatever the picture is."""
        return self._union(self.group().instances)

    def ignored(self) -> Mask:
        """The crowd's pixels; those of single instances count even inside a crowd."""
        group = self.group()
        return self._union(group.crowds) & ~self._union(group.instances)

    def carried(self) -> tuple[Callable[[], Mask], Callable[[], Mask | None]]:
        """What draws the true mask and the ignored pixels where no file is. DatasetError as for the mask."""
        problem = size_problem(self.picture, self.orientation)
        if problem:
            raise DatasetError(f"{self.told}: {problem}")
        held = replace(self, group=Held(self.group()))
        return held.drawn, held.ignored if self.crowded else nothing

    def covers(self) -> bool:
        """Whether the true mask has a pixel."""
        from cliploc.core.datasets.segmentations import covers

        return any(self._asked(covers, instance) for instance in self.group().instances)

    def _union(self, those: Sequence[tuple[str, Any]]) -> Mask:
        from cliploc.core.datasets.segmentations import drawn, union

        masks = [self._asked(drawn, each) for each in those]
        return union(masks, self.picture.height, self.picture.width)

    def _asked(self, question: Callable[[object, int, int], T], annotation: tuple[str, Any]) -> T:
        name, segmentation = annotation
        try:
            return question(segmentation, self.picture.height, self.picture.width)
        except (ValueError, TypeError, OverflowError) as error:
            raise DatasetError(
                f"{self.told}: annotation {clean(name)} (image {clean(self.picture.name)}) has "
                f"{clean(error)}; mend or remove it"
            ) from error


@dataclass(frozen=True)
class Coco:
    """Annotations, read: their regions by sample. images: the folder; files: what they were read from.

    pictures: those that may have a sample; picture_of: the place of each sample's among them. doubled: of
    those that stand under several numbers, by name the one that counts. problems: what of it is unusable;
    notes: these, and what else must be known of it.
    """

    images: Path
    files: tuple[Path, ...]
    pictures: Sequence[CocoImage]
    entries: Sequence[Entry]
    ids: Sequence[str]
    labels: Coded
    picture_of: Sequence[int]
    orientation: str
    doubled: Mapping[str, str]
    problems: tuple[str, ...]
    notes: tuple[str, ...]

    def region(self, place: int) -> Region:
        """Of the sample at a place."""
        entry, told = self.entries[place], self.files[0]
        picture = self.pictures[entry.picture]
        return Region(picture, told, entry.group, entry.crowded, entry.small, self.orientation)

    def sample(self, place: int) -> Sample:
        """The sample at a place."""
        id_, label, region = self.ids[place], self.labels[place], self.region(place)
        ignored = region.ignored if region.crowded else nothing
        source, path = self.source(region.picture), region.picture.path
        return Sample(
            id_, label, region.image, region.true_mask, ignored, source, path, carried=region.carried
        )

    def source(self, picture: CocoImage) -> str:
        """The image's own word, else its number; that of the first one where a file stands under several."""
        return picture.source or self.doubled.get(picture.name) or picture.id

    def used(self) -> dict[int, CocoImage]:
        """The pictures that have a sample, by their place, in the samples' order."""
        return {place: self.pictures[place] for place in dict.fromkeys(self.picture_of)}

    def small(self) -> Iterator[tuple[Entry, Region]]:
        """The samples whose annotations may cover no whole pixel."""
        for place, entry in enumerate(self.entries):
            if entry.small:
                yield entry, self.region(place)


def lacks(place: Path) -> str:
    """Nothing: what an annotation file lacks to be COCO's shows when it is read."""
    return ""


def open_place(place: str, options: Options) -> Dataset:
    """Open `coco:IMAGES:ANNOTATIONS.json`. DatasetError when a file is missing or not COCO's."""
    images, annotations = format_of(place).paths(place)
    return open_files(images, annotations, written(place, options), options)


def open_files(images: Path, annotations: Path, spec: str, options: Options) -> Dataset:
    """Open a folder of images and their annotation file. DatasetError."""
    coco = read_coco(images, annotations, options)
    dataset = dataset_of(coco, f"coco-{annotations.stem}", spec, options)
    legacy = partial(_legacy_digest, images, annotations)
    return replace(dataset, content=replace(dataset.content, legacy=legacy))


def dataset_of(coco: Coco, name: str, spec: str, options: Options) -> Dataset:
    """Regions as a dataset.

    A sample's id is `CATEGORY_STEM`, the stem being its image file's, where that is
    unique. Samples are sorted by category and id; images need not be there until they
    are asked for.
    """
    samples = Samples(coco.ids, coco.labels, coco.sample)
    content = Content(
        pictures=partial(_pictures_digest, coco),
        truth=partial(_truth_digest, coco),
        legacy=str,
        notes=partial(_notes, coco),
        empty=partial(_empty, coco, options.allow_empty),
        left_out=partial(_left_out, coco),
        sources=partial(_sources_by_content, coco),
    )
    return Dataset(name, spec, samples, content)


def read_coco(images: Path, annotations: Path, options: Options) -> Coco:
    """Read the annotation file. DatasetError when it is not there or not COCO's."""
    options.limit("COCO's annotations", "orientation", "skip-missing", "allow-empty")
    if not os.path.isdir(images):
        raise DatasetError(f"no folder of images at {images}; expected coco:IMAGES:ANNOTATIONS.json")
    if not os.path.isfile(annotations):
        raise DatasetError(f"no annotations at {annotations}; expected coco:IMAGES:ANNOTATIONS.json")
    return regions_of(index_of(annotations, images), images, (annotations,), options)


def regions_of(found: Index, images: Path, told: tuple[Path, ...], options: Options) -> Coco:
    """The regions of annotations, sorted. told: the files that they are from. DatasetError for none."""
    entries, notes = found.entries, [*found.problems]
    gone = set(missing(found.pictures)) if options.skip_missing else set()
    if gone:
        pictures = list(found.pictures)
        entries = sorted_by_label(pictures, [e for e in entries if pictures[e.picture].name not in gone])
        notes.append(f"{len(gone)} pictures are not there and are left out: {few(sorted(gone))}")
    if found.crowds:
        notes.append(f"{found.crowds} images have nothing but crowds of a category, and no sample of it")
    doubled = _doubled(found.pictures, entries, gone)
    if doubled:
        notes.append(f"{len(doubled)} pictures stand under several numbers: {few([*doubled])}")
    if not entries:
        raise DatasetError("; ".join([f"{told[0] if told else images} has no annotated instances", *notes]))
    listed = entries if isinstance(entries, Entries) else None
    return Coco(
        images,
        told,
        found.pictures,
        entries,
        listed.ids if listed else [each.id for each in entries],
        listed.labels if listed else Coded.of([each.label for each in entries]),
        listed.picture_of if listed else [each.picture for each in entries],
        options.orientation,
        doubled,
        found.problems,
        tuple(notes),
    )


def size_problem(picture: CocoImage, orientation: str) -> str:
    """A sentence where a picture's file is not of the annotations' size, "" where it is or is not there."""
    from cliploc.core.datasets.pictures import header, shown_size

    if not picture.path.exists():
        return ""
    expected = picture.size
    size = shown_size(header(picture.path), expected, orientation)
    if size == expected:
        return ""
    return (
        f"image {clean(picture.name)} is {size[0]} x {size[1]}, its annotations say "
        f"{expected[0]} x {expected[1]}; expected the same size"
    )


def _doubled(pictures: Sequence[CocoImage], entries: Sequence[Entry], gone: set[str]) -> dict[str, str]:
    """The names of pictures that stand under several numbers, and the number of the first sample's."""
    names = Counter(picture.name for picture in pictures)
    twice = {name for name, times in names.items() if times > 1 and name not in gone}
    first: dict[str, str] = {}
    for entry in entries if twice else ():
        picture = pictures[entry.picture]
        if picture.name in twice:
            first[picture.name] = first.get(picture.name) or ("" if picture.source else picture.id)
    return first


def _sources_by_content(coco: Coco) -> dict[str, str]:
    """Each sample's source; one for all of one picture that does not say its own: the first one's number."""
    used = coco.used()
    there = [each for each in used.values() if not each.source and each.path.is_file()]
    by_content: dict[str, str] = {}
    known = {
        picture.id: by_content.setdefault(digest, coco.source(picture))
        for picture, digest in zip(there, files.digests([each.path for each in there]), strict=True)
    }
    own = {place: known.get(picture.id) or coco.source(picture) for place, picture in used.items()}
    return {id_: own[place] for id_, place in zip(coco.ids, coco.picture_of, strict=True)}


def missing(pictures: Iterable[CocoImage]) -> list[str]:
    """The names of pictures that have no file, sorted."""
    return sorted({picture.name for picture in pictures if not picture.path.is_file()})


def _check_there(coco: Coco) -> None:
    pictures = coco.used().values()
    gone = missing(pictures)
    if gone:
        count = len({picture.name for picture in pictures})
        raise DatasetError(
            f"{len(gone)} of {count} pictures are not in {coco.images}: {few(gone)}; "
            "put them there, or leave their samples out: skip-missing=yes (--skip-missing)"
        )


def _pictures_digest(coco: Coco) -> str:
    from cliploc.core.datasets.pictures import digest_of

    _check_there(coco)
    used = coco.used()
    pictures = [used[place] for place in coco.picture_of]
    paths, sizes = [picture.path for picture in pictures], [picture.size for picture in pictures]
    return digest_of(coco.ids, [*coco.labels], paths, sizes, coco.orientation)


def _truth_digest(coco: Coco) -> str:
    return files.digest_of("truth 2", [*files.digests(coco.files), *coco.ids])


def _legacy_digest(images: Path, annotations: Path) -> str:
    total = hashlib.sha256(annotations.read_bytes())
    with contextlib.suppress(OSError):
        for path in sorted(images.iterdir()):
            total.update(f"{path.name}\0{path.stat().st_size}\0".encode())
    return total.hexdigest()


def _notes(coco: Coco) -> tuple[str, ...]:
    from cliploc.core.datasets.pictures import notes_on

    there = [(picture.path, picture.size) for picture in coco.used().values() if picture.path.is_file()]
    paths, sizes = [path for path, _ in there], [size for _, size in there]
    return (*coco.notes, *notes_on(paths, sizes, coco.orientation))


def _empty(coco: Coco, allowed: bool) -> frozenset[str]:
    """Samples whose true mask has no pixel. Only what is hardly larger than a pixel is drawn to see that."""
    found = frozenset(entry.id for entry, region in coco.small() if not region.covers())
    if len(found) == len(coco.ids) and not allowed:
        raise DatasetError(
            f"{coco.images}: all {len(found)} true masks are empty: no annotation covers a pixel; "
            "if that is meant, say allow-empty=yes (--allow-empty)"
        )
    return found


def _left_out(coco: Coco) -> frozenset[str]:
    """Only a sample with crowds, and no pixel that is true, can be ignored all over."""
    crowded = ((entry.id, region) for entry, region in coco.small() if entry.crowded)
    return frozenset(id_ for id_, region in crowded if not region.covers() and region.ignored().all())


def problems(place: str, options: Options) -> Iterator[str]:
    """Every problem of the annotations, the pictures and the masks, one sentence each."""
    images, annotations = format_of(place).paths(place)
    yield from problems_of_files(images, annotations, options)


def problems_of_files(images: Path, annotations: Path, options: Options) -> Iterator[str]:
    """Every problem of a folder of images and their annotation file."""
    yield from problems_of_regions(read_coco(images, annotations, options), options)


def problems_of_regions(found: Coco, options: Options) -> Iterator[str]:
    """Every problem of regions and their pictures."""
    yield from found.problems
    pictures = found.used()
    names = Counter(picture.name for picture in pictures.values())
    yield from (f"image {clean(name)} stands {times} times" for name, times in names.items() if times > 1)
    for picture in pictures.values():
        yield from _picture_problems(picture, options)
    for place, id_ in enumerate(found.ids):
        region = found.region(place)
        try:
            empty = not region.drawn().any()
            region.ignored()
        except DatasetError as error:
            yield str(error)
            continue
        if empty:
            yield f"sample {clean(id_)}: its true mask is empty"


def _picture_problems(picture: CocoImage, options: Options) -> Iterator[str]:
    from cliploc.core.datasets.pictures import header, read_image, unsure_about

    if not picture.path.is_file():
        yield f"image {clean(picture.name)} is missing (skip-missing=yes leaves it out)"
        return
    try:
        problem = size_problem(picture, options.orientation)
        read_image(picture.path, orientation=options.orientation)
        head = header(picture.path)
    except DatasetError as error:
        yield str(error)
        return
    yield from (
        [problem]
        if problem
        else unsure_about(head, picture.size, options.orientation, f"image {clean(picture.name)}")
    )
