"""ImageNet-S: SPLIT/CLASS/*.JPEG with SPLIT-segmentation/CLASS/*.png, the class's number in its colour.

Numbers count the classes from 1, in the order of `ImageNetS_categories_im*.txt` or else of their
folders' names; 0 is the ground, 1000 does not count (Gao et al., 2022). Words for WordNet's numbers
are read from `LOC_synset_mapping.txt` or `synset_words.txt`, lines `n01440764 tench, Tinca tinca`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from cliploc.core.datasets import files
from cliploc.core.datasets.ids import label_of
from cliploc.core.datasets.label_files import Labels
from cliploc.core.datasets.listing import folders_in, paired, pictures_under
from cliploc.core.datasets.numbered import (
    OPTIONS,
    Map,
    Numbered,
    counted_numbers,
    opened,
    parts_of,
    problems_in,
)
from cliploc.core.datasets.pairs import summed
from cliploc.core.datasets.sample import Dataset
from cliploc.core.datasets.spec import Options, written
from cliploc.core.errors import DatasetError, clean, few
from cliploc.core.paths import expanded

ENDING = "-segmentation"
VOID = 1000
CATEGORIES = "ImageNetS_categories_im*.txt"
WORDS = ("LOC_synset_mapping.txt", "synset_words.txt")
LARGEST = 16 << 20


def lacks(place: Path) -> str:
    """What a place lacks to be ImageNet-S."""
    return "" if _splits(place) else f"it has no folder beside one of its name and {ENDING}"


def _splits(root: Path) -> list[str]:
    there = folders_in(root)
    return [name for name in there if name + ENDING in there]


def open_place(place: str, options: Options) -> Dataset:
    """Open a folder of ImageNet-S. DatasetError."""
    root = expanded(place)
    return opened(_read(root, options), root.resolve().name, written(str(root), options))


def problems(place: str, options: Options) -> Iterator[str]:
    """Every problem of the pictures, one sentence each; names must match and maps be readable."""
    yield from problems_in(_read(expanded(place), options))


def _read(root: Path, options: Options) -> Numbered:
    options.limit("ImageNet-S", *OPTIONS)
    splits = _splits(root)
    if options.subset:
        splits = [name for name in splits if name == options.subset]
    if not splits:
        known = f"; found {few(_splits(root))}" if _splits(root) else ""
        subset = clean(options.subset)
        raise DatasetError(f"{root} has no subset {subset!r}{known}" if subset else f"{root}: {lacks(root)}")
    maps, left = [], 0
    for split in splits:
        found = paired(pictures_under(root / split), pictures_under(root / f"{split}{ENDING}"))
        summed(root, found, options)
        maps += [Map(f"{split}/{picture}", f"{split}{ENDING}/{map_}") for picture, map_ in found.pairs]
        left += len(found.lonely)
    classes = _classes(root, splits)
    _check_order(root, maps, classes)
    words = _words(root)
    labels = {number: words.get(name, label_of(name)) for number, name in enumerate(classes, 1)}
    parts = parts_of(root, maps, Labels(labels, frozenset({0}), frozenset({VOID}), "the list of classes"))
    notes = [f"{left} pictures have no map and are left out"] if left else []
    if not words and all(name[:1] == "n" and name[1:].isdecimal() for name in classes):
        notes.append(
            f"labels are WordNet's numbers, such as {classes[0]}; {WORDS[0]} in the folder has words"
        )
    return Numbered(root, tuple(parts), options, tuple(notes))


def _classes(root: Path, splits: list[str]) -> list[str]:
    """The classes in the order of their numbers."""
    lists = sorted(root.glob(CATEGORIES))
    if lists:
        return [name for line in _lines(lists[0]) for name in line.split()[:1]]
    return sorted({name for split in splits for name in folders_in(root / f"{split}{ENDING}")})


def _check_order(root: Path, maps: list[Map], classes: list[str]) -> None:
    """DatasetError where a class's maps never hold its number: then classes are missing from the count."""
    numbers = {name: number for number, name in enumerate(classes, 1)}
    held: dict[str, set[int]] = {}
    for map_, found in zip(maps, counted_numbers([root / each.path for each in maps]), strict=True):
        held.setdefault(map_.path.split("/")[1], set()).update(found)
    wrong = [name for name, found in held.items() if found - {0, VOID} and numbers.get(name) not in found]
    if wrong:
        name = wrong[0]
        others = [str(number) for number in sorted(held[name] - {0, VOID})]
        raise DatasetError(
            f"{root}: the maps of {clean(name)} hold {few(others)}, "
            f"not its number {numbers.get(name, '(none)')}; put {CATEGORIES} into the folder, or say "
            "layout=pairs where masks are black and white"
        )


def _words(root: Path) -> Mapping[str, str]:
    """The first word of each class, by WordNet's number."""
    path = next((root / name for name in WORDS if os.path.isfile(root / name)), None)
    lines = [line.partition(" ") for line in _lines(path)] if path else []
    return {number: label_of(words.split(",")[0]) for number, _, words in lines if words.strip()}


def _lines(path: Path) -> list[str]:
    try:
        text = files.read(path, LARGEST).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DatasetError(f"cannot read {path}: {error.reason}; expected UTF-8 text") from error
    return [line.strip() for line in text.splitlines() if line.strip()]
