"""Completing a typed place: a folder, or the files of a spec like `coco:IMAGES:ANNOTATIONS.json`."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path


def completions(text: str) -> tuple[str, ...]:
    """What a text may be going on to, sorted, folders with a slash at their end; () where nothing begins so.

    What stands before the last colon stays; `~` is the home folder; hidden names need their dot typed.
    Looks at the disk.
    """
    before, colon, place = text.rpartition(":")
    folder, _, begun = place.rpartition("/")
    root = Path(f"{folder}/" if "/" in place else ".").expanduser()
    try:
        with os.scandir(root) as entries:
            found = [
                f"{before}{colon}{place.removesuffix(begun) if begun else place}{entry.name}"
                + "/" * entry.is_dir()
                for entry in entries
                if entry.name.startswith(begun) and (begun.startswith(".") or not entry.name.startswith("."))
            ]
    except (OSError, ValueError):
        return ()
    return tuple(sorted(found))


def shared(found: Sequence[str]) -> str:
    """What all of them begin with."""
    first, last = min(found), max(found)  # those between share what these do
    same = (n for n, (one, other) in enumerate(zip(first, last, strict=False)) if one != other)
    return first[: next(same, min(len(first), len(last)))]
