"""What is in a folder: pictures by name, the parts that it is divided in, names that belong together."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from cliploc.core.datasets.formats import is_picture_name
from cliploc.core.errors import DatasetError, clean, few

# Folders that divide a dataset; others are labels.
SUBSETS = ("train", "training", "trainval", "val", "valid", "validation", "test", "testing", "dev")
MOST_FILES = 10_000_000
_SEPARATORS = "_-. "


def folders_in(root: Path) -> list[str]:
    """The folders of a folder by name, hidden ones apart; [] where it cannot be read."""
    try:
        with os.scandir(root) as entries:
            return sorted(each.name for each in entries if each.is_dir() and not each.name.startswith("."))
    except OSError:
        return []


def first_of(root: Path, names: Sequence[str]) -> str:
    """The first of these folders that the root has, whatever its case; "" for none."""
    there = {name.lower(): name for name in reversed(folders_in(root))}
    return next((there[name] for name in names if name in there), "")


def pictures_under(root: Path) -> list[str]:
    """Paths of all pictures below a folder, from there, with slashes, sorted. DatasetError for too many."""
    found: list[str] = []
    for folder, inner, names in os.walk(root):
        inner[:] = [name for name in inner if not name.startswith(".")]
        here = os.path.relpath(folder, root)
        start = "" if here == "." else f"{here.replace(os.sep, '/')}/"
        found += [start + name for name in names if is_picture_name(name)]
        if len(found) > MOST_FILES:
            raise DatasetError(f"{root} has more than {MOST_FILES:,} pictures; give a folder inside it")
    return sorted(found)


def has_pictures(root: Path) -> bool:
    """Whether a picture lies somewhere below a folder."""
    return any(is_picture_name(name) for _, _, names in os.walk(root) for name in names)


def of_subset(names: Iterable[str], subset: str, where: Path) -> list[str]:
    """The paths with a folder of that name; all for "". DatasetError where there is none."""
    names = list(names)
    if not subset:
        return names
    found = [name for name in names if subset in PurePosixPath(name).parts[:-1]]
    if not found:
        known = sorted({part for name in names for part in PurePosixPath(name).parts[:-1]})
        raise DatasetError(
            f"{where} has no subset {clean(subset)!r}; "
            + (f"found {few(known)}" if known else "its files are not divided into folders")
        )
    return found


def label_in(name: str) -> str:
    """The label that a path's folders say: the first one that is no subset; "" for none."""
    return next((part for part in PurePosixPath(name).parts[:-1] if part.lower() not in SUBSETS), "")


@dataclass(frozen=True)
class Pairs:
    """Paths that belong together: pictures with their masks. Then what belongs to nothing, in sentences."""

    pairs: tuple[tuple[str, str], ...]
    lonely: tuple[str, ...]
    problems: tuple[str, ...]


def paired(pictures: Sequence[str], masks: Sequence[str]) -> Pairs:
    """Match masks to pictures: in the same folder, by the same stem but for one affix that all masks have.

    `cat.jpg` goes with `cat.png`, `cat_mask.png` or `mask-cat.tif`, `cat_img.jpg` with `cat_mask.png`.
    lonely: pictures that have no mask.
    """
    own, (start, end, cut) = _own_suffix(pictures), _affix(pictures, masks)
    by_key: dict[tuple[str, str], list[str]] = {}
    for mask in masks:
        folder, stem = _split(mask)
        if len(stem) >= len(start + end) and stem.startswith(start) and stem.endswith(end):
            key = stem[len(start) : len(stem) - len(end)]
            by_key.setdefault((folder, key), []).append(mask)
    pairs, lonely, problems = [], [], []
    keys = Counter(_split(picture) for picture in pictures)
    for picture in pictures:
        folder, stem = _split(picture)
        found = by_key.get((folder, stem.removesuffix(own) if cut else stem), [])
        if keys[folder, stem] > 1:
            problems.append(f"{picture}: another picture has the same name but for its ending")
        elif len(found) > 1:
            problems.append(f"{picture} has {len(found)} masks: {few(found)}")
        elif found:
            pairs.append((picture, found[0]))
        else:
            lonely.append(picture)
    told = {mask for _, mask in pairs} | {
        mask for found in by_key.values() if len(found) > 1 for mask in found
    }
    problems += [f"mask {mask} belongs to no picture" for mask in masks if mask not in told]
    return Pairs(tuple(pairs), tuple(lonely), tuple(problems))


def _split(name: str) -> tuple[str, str]:
    folder, _, base = name.rpartition("/")
    return folder, os.path.splitext(base)[0]


def _own_suffix(pictures: Sequence[str]) -> str:
    """What all pictures' stems end in, from a separator on: `_img`; "" for nothing."""
    ends = {_end(_split(picture)[1]) for picture in pictures}
    return ends.pop() if len(ends) == 1 else ""


def _end(stem: str) -> str:
    place = max(stem.rfind(sign) for sign in _SEPARATORS)
    return stem[place:] if place > 0 and stem[place + 1 :].isalpha() else ""


def _affix(pictures: Sequence[str], masks: Sequence[str]) -> tuple[str, str, bool]:
    """What most masks have before and behind a picture's stem, and whether that one's own suffix is cut."""
    own = _own_suffix(pictures)
    whole = {_split(picture) for picture in pictures}
    short = {(folder, stem.removesuffix(own)) for folder, stem in whole} if own else set()
    times: Counter[tuple[str, str, bool]] = Counter()
    for mask in masks:
        folder, stem = _split(mask)
        for start, key, end in _ways(stem):
            times.update([(start, end, False)] if (folder, key) in whole else [])
            times.update([(start, end, True)] if (folder, key) in short else [])
    return min(times, key=lambda each: (-times[each], len(each[0] + each[1]), each), default=("", "", False))


def _ways(stem: str) -> Iterator[tuple[str, str, str]]:
    """A stem parted into what stands before, a name, and what stands behind: one of both at most."""
    yield "", stem, ""
    for place in range(1, len(stem)):
        if stem[place] in _SEPARATORS:
            yield "", stem[:place], stem[place:]
        if stem[place - 1] in _SEPARATORS:
            yield stem[:place], stem[place:], ""
