"""What a network makes of whole pictures, kept: pictures are then ranked by words, or by each other.

One folder per identity, beside the heatmap sets, holds

    identity.json      which pictures, which network
    HASH.npy           one sample's, (d,) float32, of length 1; the hash is of its id

Each file is written to a temporary name and renamed, and is whole or not there: what was
killed goes on where it stopped. Readers and writers need no lock.
"""

from __future__ import annotations

import hashlib
import stat
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from cliploc.core import paths
from cliploc.core.errors import StoreError, clean
from cliploc.core.heatmaps.identity import Identity
from cliploc.core.heatmaps.manifest import identities, write_manifest
from cliploc.core.heatmaps.recipe import Recipe
from cliploc.core.heatmaps.records import UNREADABLE, array_in

Row = npt.NDArray[np.float32]
METHOD = "picture"  # the method of their identity, which is no method of heatmaps


class EmbeddingSet:
    """The rows of one identity by sample id: (d,) float32, of length 1."""

    def __init__(self, identity: Identity) -> None:
        self.identity = identity
        self.folder = _root() / identity.key

    def present(self, ids: Iterable[str]) -> list[str]:
        """Those of these samples whose rows are there."""
        try:
            names = {file.name for file in self.folder.iterdir()}
        except FileNotFoundError:
            return []
        return [id_ for id_ in ids if _name(id_) in names]

    def read(self, ids: Sequence[str]) -> dict[str, Row]:
        """The rows of those of these samples that are there. StoreError for a damaged one."""
        return {id_: self._row(id_) for id_ in self.present(ids)}

    def _row(self, id_: str) -> Row:
        path = self.folder / _name(id_)
        try:
            if not stat.S_ISREG(path.stat().st_mode):
                raise ValueError("not a regular file")
            row: Row = array_in(path, mapped=False)
            if row.ndim != 1 or row.dtype != np.float32 or not np.isfinite(row).all():
                raise ValueError(f"found {row.dtype} {row.shape}")
        except UNREADABLE as error:
            raise StoreError(
                f"{path} is damaged ({clean(error)}); delete the folder {self.folder}: it is computed again"
            ) from error
        return row

    def write(self, rows: Mapping[str, Row]) -> None:
        """Keep the rows of some samples."""
        write_manifest(self.folder, self.identity)
        for id_, row in rows.items():
            with paths.atomic_write(self.folder / _name(id_)) as file:
                np.save(file, np.ascontiguousarray(row, np.float32), allow_pickle=False)


def of_pictures(identity: Identity) -> Identity:
    """The identity of the rows: that of heatmaps of the same network, without method and prompt."""
    return replace(identity, method=METHOD, parameters=(), template="", version=1, raw=False, assumed="")


def found(recipe: Recipe, pictures: str) -> EmbeddingSet | None:
    """The kept rows of a completed recipe's network over the dataset with these pictures."""
    for identity in identities(_root()):
        same = (identity.backbone, identity.checkpoint) == (recipe.backbone, recipe.weights)
        if identity.pictures == pictures and same and recipe.size in (0, identity.size):
            return EmbeddingSet(identity)
    return None


def similarities(rows: Mapping[str, Row], to: Row) -> dict[str, float]:
    """The cosine of each row with another one, in [-1, 1], by sample id."""
    if not rows:
        return {}
    cosines = np.stack(list(rows.values())) @ to
    return dict(zip(rows, cosines.astype(float).tolist(), strict=True))


def _root() -> Path:
    return paths.cache_dir() / "embeddings"


def _name(id_: str) -> str:
    return f"{hashlib.sha256(id_.encode()).hexdigest()[:32]}.npy"
