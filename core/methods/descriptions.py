"""The descriptions of a backbone's heads, kept on disk for the explorer; free of torch."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from cliploc.core.errors import StoreError
from cliploc.core.paths import cache_dir, write_whole


@dataclass(frozen=True)
class Description:
    """One head in words. layer and head count from 0. shares: of the head's variance, one per text."""

    layer: int
    head: int
    texts: tuple[str, ...]
    shares: tuple[float, ...]


def place_of(digest: str, pictures: str) -> Path:
    """The file of one backbone (weights digest) over one dataset (picture digest)."""
    return cache_dir() / "heads" / f"{digest[:16]}-{pictures[:16]}.json"


def save(path: Path, descriptions: Sequence[Description]) -> None:
    """Write descriptions atomically, as a JSON list of objects."""
    write_whole(
        path, json.dumps([asdict(each) for each in descriptions], ensure_ascii=False, indent=1).encode()
    )


def load(path: Path) -> list[Description]:
    """Read descriptions; an absent file is an empty list, a broken one a StoreError."""
    if not path.exists():
        return []
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
        return [
            Description(int(one["layer"]), int(one["head"]), tuple(one["texts"]), tuple(one["shares"]))
            for one in stored
        ]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StoreError(
            f"{path} does not hold head descriptions ({error}); make it again: cliploc heads"
        ) from None
