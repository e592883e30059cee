"""What every head adds to a heatmap, kept: any choice of heads is then a sum, without a network.

Terms belong to the identity of ClipTextSpan's heatmaps with all heads on. One folder
per identity, beside the heatmap sets, holds

    identity.json      what the terms are
    HASH.npy           one sample's, (L, H, gh, gw) float32; the hash is of its id

Each file is written to a temporary name and renamed, and is whole or not there: what was
killed goes on where it stopped. Readers and writers need no lock.
"""

from __future__ import annotations

import hashlib
import shutil
import stat
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt

from cliploc.core import paths
from cliploc.core.errors import StoreError, clean
from cliploc.core.heatmaps.identity import Identity
from cliploc.core.heatmaps.manifest import identities, write_manifest
from cliploc.core.heatmaps.recipe import Recipe
from cliploc.core.heatmaps.records import UNREADABLE
from cliploc.core.methods.head_switches import ALL, Kept

Terms = npt.NDArray[np.float32]
Heatmap = npt.NDArray[np.float32]


class TermSet:
    """The terms of one identity by sample id: (L, H, gh, gw) float32, all of one shape."""

    def __init__(self, identity: Identity) -> None:
        self.identity = identity
        self.folder = _root() / identity.key

    @property
    def key(self) -> str:
        """The identity's key."""
        return self.identity.key

    def present(self, ids: Iterable[str]) -> list[str]:
        """Those of these samples whose terms are there."""
        try:
            names = {file.name for file in self.folder.iterdir()}
        except FileNotFoundError:
            return []
        return [id_ for id_ in ids if _name(id_) in names]

    def files(self) -> list[Path]:
        """One file for each sample whose terms are there."""
        return sorted(self.folder.glob("*.npy"))

    def read(self, id_: str) -> Terms | None:
        """One sample's terms, mapped from the file; None where they are not there."""
        path = self.folder / _name(id_)
        try:
            if not stat.S_ISREG(path.stat().st_mode):
                raise ValueError("not a regular file")
            terms: Terms = np.load(path, mmap_mode="r", allow_pickle=False)
            if terms.ndim != 4 or terms.dtype != np.float32:
                raise ValueError(f"found {terms.dtype} {terms.shape}")
        except FileNotFoundError:
            return None
        except UNREADABLE as error:
            raise StoreError(
                f"{path} is damaged ({clean(error)}); delete the folder {self.folder}: it is computed again"
            ) from error
        return terms

    def write(self, terms: Mapping[str, Terms]) -> None:
        """Keep the terms of some samples."""
        write_manifest(self.folder, self.identity)
        for id_, each in terms.items():
            with paths.atomic_write(self.folder / _name(id_)) as file:
                np.save(file, np.ascontiguousarray(each, np.float32), allow_pickle=False)

    def remove(self) -> None:
        """Delete them; what is not there is no error."""
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
