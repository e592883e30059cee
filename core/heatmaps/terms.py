"""What every head adds to a heatmap, kept: any choice of heads is then a sum, without a network.

Terms belong to the identity of ClipTextSpan's heatmaps with all heads on. One folder
per identity, beside the heatmap sets, holds

    identity.json      what the terms are
    index.jsonl        a line a sample: its id, its shard, where it is in that, CRC-32, shape (L, H, gh, gw)
    shard-0000.f16     samples one behind the other: the largest term of each head, (L, H) float32, and
                       the terms as shares of it, (L, H, gh, gw) float16
    HASH.npy           one sample's, (L, H, gh, gw) float32, from before there were shards
    lock               writers take turns; readers never wait

Shards and index only grow, and a line is written when its terms are there: of what was killed
while it was written there is no whole line, and it is written again.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import shutil
import stat
import zlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from cliploc.core import paths
from cliploc.core.errors import StoreError, clean
from cliploc.core.heatmaps.identity import Identity
from cliploc.core.heatmaps.manifest import identities, write_manifest
from cliploc.core.heatmaps.recipe import Recipe
from cliploc.core.heatmaps.records import UNREADABLE, array_in
from cliploc.core.lock import held
from cliploc.core.methods.head_switches import ALL, Kept

Terms = npt.NDArray[np.float32]
Heatmap = npt.NDArray[np.float32]

INDEX = "index.jsonl"
SHARD_BYTES = 1 << 30  # from which on the next shard is begun
LARGEST = 1 << 30  # bytes of an index, numbers of a sample


class _Place(NamedTuple):
    shard: int
    at: int
    check: int
    shape: tuple[int, int, int, int]


class TermSet:
    """The terms of one identity by sample id: (L, H, gh, gw) float32, all of one shape."""

    def __init__(self, identity: Identity) -> None:
        self.identity = identity
        self.folder = _root() / identity.key
        # Of the index: what has been read, up to where, and the last line of it.
        self._known: dict[str, _Place] = {}
        self._read_to = 0
        self._last = b""

    @property
    def key(self) -> str:
        """The identity's key."""
        return self.identity.key

    def present(self, ids: Iterable[str]) -> list[str]:
        """Those of these samples whose terms are there."""
        places, old = self._places(), {file.name for file in self._old()}
        return [id_ for id_ in ids if id_ in places or _name(id_) in old]

    @property
    def count(self) -> int:
        """Of how many samples the terms are there."""
        return len(self._places()) + len(self._old())

    @property
    def disk_bytes(self) -> int:
        """What they take on disk."""
        return sum(file.stat().st_size for file in self.folder.glob("*"))

    def read(self, id_: str) -> Terms | None:
        """One sample's terms; None where they are not there. StoreError where they are damaged."""
        try:
            return self._read(id_)
        except StoreError:
            self._forget()  # the folder may have been removed and begun anew since the index was read
            return self._read(id_)

    def _read(self, id_: str) -> Terms | None:
        place = self._places().get(id_)
        if place is None:
            return self._read_old(id_)
        path = self.folder / _shard(place.shard)
        heads = math.prod(place.shape[:2])
        try:
            if not stat.S_ISREG(path.stat().st_mode):
                raise ValueError("not a regular file")
            with open(path, "rb") as file:
                file.seek(place.at)
                content = file.read(4 * heads + 2 * math.prod(place.shape))
            if zlib.crc32(content) != place.check:
                raise ValueError("its checksum is not that of its content")
            most = np.frombuffer(content, "<f4", heads).reshape(*place.shape[:2], 1, 1)
            shares = np.frombuffer(content, "<f2", offset=4 * heads).reshape(place.shape)
        except UNREADABLE as error:
            raise self._damaged(path, error) from error
        terms: Terms = shares.astype(np.float32) * most
        return terms

    def write(self, terms: Mapping[str, Terms]) -> None:
        """Keep the terms of some samples. StoreError where they cannot be written."""
        paths.make_folder(self.folder)
        try:
            with held(self.folder / "lock", patience=math.inf):
                write_manifest(self.folder, self.identity)
                self._append(terms)
        except OSError as error:
            raise StoreError(
                f"cannot write {self.folder}: {error.strerror or error}; free some space"
            ) from error

    def _append(self, terms: Mapping[str, Terms]) -> None:
        shards = sorted(self.folder.glob("shard-*.f16"))
        number = len(shards) - 1 if shards and shards[-1].stat().st_size < SHARD_BYTES else len(shards)
        lines = []
        with open(self.folder / _shard(number), "ab") as file:
            for id_, each in terms.items():
                most = np.abs(each).max(axis=(2, 3), keepdims=True)
                shares = each / np.where(most == 0, 1, most)
                content = most.astype("<f4").tobytes() + shares.astype("<f2").tobytes()
                about = {"id": id_, "shard": number, "at": file.tell(), "crc32": zlib.crc32(content)}
                lines.append(json.dumps({**about, "shape": each.shape}))
                file.write(content)
            file.flush()
            os.fsync(file.fileno())
        with open(self.folder / INDEX, "a+b") as file:
            end = file.seek(0, os.SEEK_END)
            file.seek(max(end - 1, 0))
            if file.read(1) not in (b"", b"\n"):  # a line was cut off
                lines.insert(0, "")
            file.write("".join(f"{line}\n" for line in lines).encode())

    def _places(self) -> Mapping[str, _Place]:
        """Where the terms of each sample are; of the index, what has come since the last time is read."""
        path = self.folder / INDEX
        try:
            about = path.stat()
            if stat.S_ISREG(about.st_mode) and self._read_to != about.st_size < LARGEST:
                with open(path, "rb") as file:
                    file.seek(self._read_to - len(self._last))
                    if file.read(len(self._last)) != self._last:  # it was begun anew
                        self._forget()
                        file.seek(0)
                    whole, newline, _ = file.read().rpartition(b"\n")
                if newline:
                    lines = whole.split(b"\n")
                    self._known.update(filter(None, map(_place_in, lines)))
                    self._read_to += len(whole) + 1
                    self._last = lines[-1] + newline
        except FileNotFoundError:
            return {}
        return self._known

    def _old(self) -> list[Path]:
        return list(self.folder.glob("[!.]*.npy"))

    def _read_old(self, id_: str) -> Terms | None:
        path = self.folder / _name(id_)
        try:
            if not stat.S_ISREG(path.stat().st_mode):
                raise ValueError("not a regular file")
            terms: Terms = array_in(path, mapped=True)
            if terms.ndim != 4 or terms.dtype != np.float32:
                raise ValueError(f"found {terms.dtype} {terms.shape}")
        except FileNotFoundError:
            return None
        except UNREADABLE as error:
            raise self._damaged(path, error) from error
        return terms

    def _damaged(self, path: Path, why: object) -> StoreError:
        return StoreError(
            f"{path} is damaged ({clean(why)}); delete the folder {self.folder}: it is computed again"
        )

    def _forget(self) -> None:
        self._known, self._read_to, self._last = {}, 0, b""

    def remove(self) -> None:
        """Delete them; what is not there is no error."""
        self._forget()
        try:
            shutil.rmtree(self.folder)
        except FileNotFoundError:
            return
        except OSError as error:
            raise StoreError(f"cannot remove {self.folder}: {error.strerror}") from error


def every() -> list[TermSet]:
    """All term sets that are kept. A folder that is not (or no longer) one is passed over."""
    return list(map(TermSet, identities(_root())))


def found(recipe: Recipe, pictures: str) -> TermSet | None:
    """The kept terms of a completed recipe with all heads on, over the dataset with these pictures."""
    for kept in sorted(every(), key=lambda each: not each.identity.raw):
        if kept.identity.pictures == pictures and recipe.matches(kept.identity):
            return kept
    return None


def all_heads(recipe: Recipe) -> Recipe:
    """The completed recipe with every layer and head on: the one whose terms are kept."""
    return recipe.setting(layer=ALL, head=ALL, off="")


def heatmap_of(terms: Terms, kept: Kept) -> Heatmap:
    """The raw heatmap (gh, gw) float32 of the heads that count, as the method itself makes it."""
    summed: Heatmap = terms[np.array(kept, bool)].sum(0, dtype=np.float64).astype(np.float32)
    return summed


def _root() -> Path:
    return paths.cache_dir() / "terms"


def _name(id_: str) -> str:
    return f"{hashlib.sha256(id_.encode()).hexdigest()[:32]}.npy"


def _shard(number: int) -> str:
    return f"shard-{number:04d}.f16"


def _place_in(line: bytes) -> tuple[str, _Place] | None:
    """A line of the index; None for one that was cut off, or is none."""
    try:
        found = json.loads(line)
        id_, shape, numbers = (
            found["id"],
            tuple(found["shape"]),
            (found["shard"], found["at"], found["crc32"]),
        )
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    is_one = (
        isinstance(id_, str)
        and len(shape) == 4
        and all(type(n) is int and n >= 0 for n in (*shape, *numbers))
    )
    return (id_, _Place(*numbers, shape)) if is_one and math.prod(shape) < LARGEST else None
