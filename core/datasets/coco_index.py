"""What an annotation file holds, found out once: its samples by place, their outlines where they lie.

Reading COCO's JSON takes seconds and most of a gigabyte, which Python does not give back. So a process of
its own reads a large file, and what was read is written beside the heatmaps: the annotations of each
sample, then a list of the samples. Whoever opens the dataset reads the list, and a sample's annotations
when its mask is drawn. The index is known by the annotation file's path, size and times; without a place
for it everything is read each time.
"""

from __future__ import annotations

import math
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from cliploc.core import child, paths
from cliploc.core.datasets import coco_columns as columns
from cliploc.core.datasets import files, ids
from cliploc.core.datasets.annotations import Annotations, CocoImage, Group, read_annotations, rings_of
from cliploc.core.datasets.coco_columns import Entries, Entry
from cliploc.core.datasets.columns import Made
from cliploc.core.errors import DatasetError, StoreError

LARGE = 16 << 20  # bytes of an annotation file; smaller ones are read sooner than a process starts
REFUSED = 3  # the exit code that says: the sentence on the output is a DatasetError's


@dataclass(frozen=True, slots=True)
class Held:
    """A sample's annotations, in memory."""

    group: Group

    def __call__(self) -> Group:
        return self.group


@dataclass(frozen=True)
class Index:
    """The samples by label and id, and the pictures that they are in.

    crowds: how many images and categories have nothing but crowds. problems: what was left out.
    addressed: whether the pictures that are there say what they are called.
    """

    pictures: Sequence[CocoImage]
    entries: Sequence[Entry]
    crowds: int
    problems: tuple[str, ...]
    addressed: bool


def index_of(annotations: Path, images: Path) -> Index:
    """Read an annotation file, or what is known of it. images: the folder of its pictures. DatasetError."""
    state = files.state_of(annotations)
    if state is None:
        return _read(annotations, images)
    whose = files.digest_of(columns.VERSION, [state[0], str(images), files.largest_pixels()])
    place = paths.cache_dir() / "coco" / f"{whose[:32]}-{files.digest_of(columns.VERSION, state)[:32]}.index"
    found = _loaded(place, images)
    if found is None and annotations.stat().st_size >= LARGE:
        _make_elsewhere(annotations, images, place)
        found = _loaded(place, images)
    return found or make(annotations, images, place)


def _make_elsewhere(annotations: Path, images: Path, place: Path) -> None:
    """Have a process of its own read the annotations and write the index, if it can. DatasetError."""
    command = child.module("cliploc.core.datasets.index_making", *map(str, (annotations, images, place)))
    try:
        paths.make_folder(place.parent)
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=False)
    except (StoreError, OSError):  # no place for an index, or no room for a process
        return
    if done.returncode == REFUSED:
        raise DatasetError(done.stdout.decode(errors="replace"))


def make(annotations: Path, images: Path, place: Path) -> Index:
    """Read the annotations, and write the index if there is a place for it. DatasetError."""
    made, found = _read(annotations, images), None
    with suppress(StoreError):  # a full disk, a closed folder: forgetfulness
        found = _written(made, place, images)
        with suppress(OSError):
            for other in place.parent.glob(f"{place.name.partition('-')[0]}-*.index"):
                if other != place:  # of annotations that were there before
                    other.unlink()
    return found or made


def sorted_by_label(pictures: Sequence[CocoImage], entries: Sequence[Entry]) -> tuple[Entry, ...]:
    """The entries with their ids, unique among these, by label and id."""
    named = ids.unique([_names(pictures[each.picture], each.label, each.category) for each in entries])
    found = [each._replace(id=id_) for each, id_ in zip(entries, named, strict=True)]
    return tuple(sorted(found, key=lambda each: (each.label, each.id)))


def _names(picture: CocoImage, label: str, category: str) -> tuple[str, ...]:
    """What the sample of a picture and a category may be called, the shortest first."""
    stem, path = picture.names
    full = f"{label}_{path}_{picture.id}"
    return f"{label}_{stem}", f"{label}_{path}", full, f"{full}_{category}"


def _read(annotations: Path, images: Path) -> Index:
    return indexed(read_annotations(annotations, images))


def indexed(found: Annotations) -> Index:
    """Annotations by sample, in memory."""
    used = list(dict.fromkeys(image for image, _ in found.groups))
    pictures = tuple(found.pictures[image] for image in used)
    place = {image: number for number, image in enumerate(used)}
    entries = [
        Entry(
            "",
            found.labels[category],
            category,
            place[image],
            bool(group.crowds),
            all(is_small(shape, found.pictures[image]) for _, shape in group.instances),
            Held(group),
        )
        for (image, category), group in found.groups.items()
    ]
    return Index(pictures, sorted_by_label(pictures, entries), found.crowds, found.problems, found.addressed)


def _written(index: Index, place: Path, images: Path) -> Index | None:
    """Write an index. Returns it as it is read. StoreError."""
    more = {"crowds": index.crowds, "problems": index.problems, "addressed": index.addressed}
    with paths.atomic_write(place) as file:
        columns.write(file, index.entries, index.pictures, more)
    return _loaded(place, images)


def _loaded(place: Path, images: Path) -> Index | None:
    """A written index; None when it is not there, not whole, or pictures are elsewhere by now."""
    with suppress(OSError, ValueError, KeyError, TypeError, IndexError, AttributeError):
        found, more = columns.read(place, images)
        pictures = Made(len(found.names), found.picture)
        if more["addressed"] and not all(each.path.is_file() for each in pictures):
            return None
        return Index(pictures, Entries(found), more["crowds"], tuple(more["problems"]), more["addressed"])
    return None


def is_small(segmentation: object, picture: CocoImage) -> bool:
    """Whether polygons may, by area and outline, cover no whole pixel of the picture; run lengths may.

    An outline of length L passes through fewer than 4 L + 4 pixels; a larger area has one of its own.
    """
    if not isinstance(segmentation, list):
        return True
    for ring in rings_of(segmentation):
        if not isinstance(ring, list) or not all(isinstance(each, int | float) for each in ring):
            return True
        xs, ys = ring[::2], ring[1::2]
        if len(ring) < 6 or not _is_inside(xs, picture.width) or not _is_inside(ys, picture.height):
            continue
        area, outline = _extent(xs, ys)
        corners = list(zip(xs, ys, strict=False))
        # An outline that is drawn twice has twice the area, and covers nothing.
        once = len(set(corners)) >= len(corners) - (corners[0] == corners[-1])
        if once and area > 4 * outline + 4:
            return False
    return True


def _is_inside(places: Sequence[float], side: int) -> bool:
    return min(places) >= 0 and max(places) <= side


def _extent(xs: Sequence[float], ys: Sequence[float]) -> tuple[float, float]:
    """Of a polygon: its area by the shoelace formula, and the length of its outline."""
    sides = [(xs[at - 1], ys[at - 1], x, y) for at, (x, y) in enumerate(zip(xs, ys, strict=False))]
    area = abs(sum(u * y - x * v for u, v, x, y in sides)) / 2
    return area, sum(math.hypot(x - u, y - v) for u, v, x, y in sides)
