"""The store of heatmap sets: one folder per identity, many readers while writers work.

A set's folder is named by the key of its identity and holds

    identity.json      what the set is
    places.json        other datasets of the same pictures that it was computed for, once there are any
    part-HASH.npy      heatmaps that were written together; the hash is of their ids
    singles-HASH.npy   heatmaps that were computed one by one and gathered
    heatmaps.npy       all of them in the dataset's order, once the set is complete
    lock               writers take turns; readers never wait

Sets are raw, the values that the method made; those that were imported as they are, or stored by an
earlier release, are in [0, 1].

A `.npy` file holds one record (id, heatmap) per sample, and behind them the CRC-32 of all before it,
which is looked at before heatmaps are taken from it. Files are written to a
temporary name and renamed, carry no time and no machine, and depend only on
what is in them: a set that was killed and resumed has the same bytes as one
that was not. When a sample is in several files, `heatmaps.npy` counts, then the
part with most samples, gathered ones last: a whole batch replaces what was computed one by one.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import math
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from functools import wraps
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

import numpy as np
import numpy.typing as npt

from cliploc.core import paths
from cliploc.core.datasets import Dataset, open_dataset
from cliploc.core.datasets.spec import resolved
from cliploc.core.errors import DatasetError, ParameterError, StoreError, clean, unknown
from cliploc.core.heatmaps import records
from cliploc.core.heatmaps.identity import Identity, told_apart
from cliploc.core.heatmaps.manifest import MANIFEST, identities, write_manifest
from cliploc.core.heatmaps.records import (
    OUTSIDE,
    SINGLES,
    UNREADABLE,
    WHOLE,
    Heatmap,
    Records,
    is_data,
    order_of,
    weight,
)
from cliploc.core.lock import held
from cliploc.core.stretch import AnyHeatmap, Raw, raw

__all__ = ["Heatmap", "HeatmapSet", "HeatmapStore", "Identity"]

P = ParamSpec("P")
T = TypeVar("T")

PLACES = "places.json"


class HeatmapStore:
    """All heatmap sets under one folder (by default the cache's `heatmaps/`)."""

    def __init__(self, root: Path | None = None) -> None:
        self.root = paths.cache_dir() / "heatmaps" if root is None else root

    def sets(self) -> list[HeatmapSet]:
        """Every set, by name. A folder that is not (or no longer) a set is passed over."""
        return sorted(map(self.open, identities(self.root)), key=lambda found: (found.name, found.key))

    def find(self, text: str, among: Sequence[HeatmapSet] | None = None) -> HeatmapSet:
        """The set with this name or key, or the only one that begins so. ParameterError otherwise.

        among: the sets that are meant, all that are stored by default.
        """
        sets = self.sets() if among is None else among
        for matches in (
            [s for s in sets if text in (s.name, s.key)],
            [s for s in sets if text and (s.key.startswith(text) or s.name.startswith(text))],
        ):
            if len(matches) == 1:
                return matches[0]
            if matches:
                told = clean("; ".join(told_apart([s.identity for s in matches])))
                raise ParameterError(f"{clean(text)!r} could be any of: {told}; give one whole name")
        if not sets:
            raise ParameterError(
                f"no heatmap set {clean(text)!r}: the store at {self.root} is empty; "
                "`cliploc heatmaps compute` fills it"
            )
        raise unknown("heatmap set", text, [s.name for s in sets])

    def open(self, identity: Identity) -> HeatmapSet:
        """The set of this identity; its folder appears with the first write."""
        return HeatmapSet(self.root / identity.key, identity)

    def remove(self, heatmap_set: HeatmapSet) -> None:
        """Delete a set. It is gone at once, even if deleting its files is interrupted."""
        grave = self.root / f".removed-{heatmap_set.key}"
        try:
            if heatmap_set.folder.exists():
                shutil.rmtree(grave, ignore_errors=True)
                heatmap_set.folder.rename(grave)
                shutil.rmtree(grave)
        except FileNotFoundError:
            pass  # another process sweeps it
        except OSError as error:
            raise StoreError(f"cannot remove {heatmap_set.folder}: {error.strerror}") from error

    def sweep(self) -> None:
        """Delete the files of sets whose removal was interrupted."""
        for grave in self.root.glob(".removed-*"):
            shutil.rmtree(grave, ignore_errors=True)


def _again(read: Callable[Concatenate[HeatmapSet, P], T]) -> Callable[Concatenate[HeatmapSet, P], T]:
    """Read again while parts vanish because a writer is merging them."""

    @wraps(read)
    def reading(self: HeatmapSet, /, *arguments: P.args, **named: P.kwargs) -> T:
        for _ in range(100):
            with suppress(FileNotFoundError):
                return read(self, *arguments, **named)
        raise StoreError(f"cannot read {self.folder}: files that it lists cannot be opened")

    return reading


class HeatmapSet:
    """The heatmaps of one identity, keyed by sample id: (h, w) float32, all of one shape.

    Threads and processes may read and write the same set at the same time.
    """

    def __init__(self, folder: Path, identity: Identity) -> None:
        self.folder = folder
        self.identity = identity
        self._rows: dict[str, dict[str, int]] = {}
        self._checked: set[str] = set()
        self._ends: dict[str, tuple[float, float]] = {}

    @property
    def key(self) -> str:
        """The identity's key."""
        return self.identity.key

    @property
    def name(self) -> str:
        """The identity's name."""
        return self.identity.name

    @property
    @_again
    def shape(self) -> tuple[int, int] | None:
        """(h, w) of every heatmap; None while the set is empty."""
        name = self._any_name()  # any will do: a write must not list what a thousand others left
        if name is None:
            return None
        height, width = self._load(name)["heatmap"].shape[1:]
        return int(height), int(width)

    @property
    @_again
    def disk_bytes(self) -> int:
        """What the set takes on disk."""
        return sum(file.stat().st_size for file in self.folder.glob("*"))

    @_again
    def ids(self) -> list[str]:
        """The samples that are present: in the dataset's order once complete, sorted before."""
        return order_of(self._index())

    @property
    def places(self) -> tuple[str, ...]:
        """The specs of the datasets that the set was computed for: equal pictures, maybe other true masks."""
        others: list[str] = []
        with suppress(OSError, ValueError):
            others = [str(place) for place in json.loads((self.folder / PLACES).read_text(encoding="utf-8"))]
        return tuple(dict.fromkeys([self.identity.dataset_spec, *others]))

    def remember_place(self, spec: str) -> None:
        """Note that the set was computed for the dataset of this spec, too; nothing while it is empty."""
        try:
            first = Identity.from_dict(json.loads((self.folder / MANIFEST).read_text(encoding="utf-8")))
        except (OSError, ValueError):
            return
        stored = HeatmapSet(self.folder, first)
        if spec not in stored.places:
            with self._locked():
                text = json.dumps([*stored.places[1:], spec])
                paths.write_whole(self.folder / PLACES, text.encode())

    def dataset(self, spec: str | None = None) -> Dataset:
        """Open the dataset that the heatmaps belong to. StoreError for another.

        spec: where it is now, or `?…`: other options for where it was. ParameterError where it was in
        several places, and their true masks differ.
        """
        meant = dict.fromkeys(resolved(spec, place) for place in self.places)
        if len(meant) > 1:
            return self._only_one(list(meant))
        return self._opened(next(iter(meant)))

    def _only_one(self, places: Sequence[str]) -> Dataset:
        """The first of the datasets that are still there. ParameterError if their true masks differ."""
        found: list[Dataset] = []
        for place in places:
            with suppress(DatasetError, StoreError):
                found.append(self._opened(place))
        if not found:
            return self._opened(places[-1])
        if len({dataset.truth for dataset in found}) > 1:
            where = " and ".join(clean(dataset.spec) for dataset in found)
            raise ParameterError(
                f"{self.name} was computed for {where}, whose pictures are the same and true masks are "
                "not: say which is meant, --dataset SPEC"
            )
        return found[0]

    def _opened(self, spec: str) -> Dataset:
        dataset = open_dataset(spec)
        if not self.identity.belongs_to(dataset):
            raise StoreError(
                f"{self.name} was made for another dataset than the one at {clean(dataset.spec)} "
                f"(it was {clean(self.identity.dataset_name)}, at {clean(self.identity.dataset_spec)}); "
                "compute the set again, or give the dataset's new place: --dataset SPEC"
            )
        return dataset

    def complete(self, dataset: Dataset) -> bool:
        """Whether every sample of the dataset is present."""
        return {sample.id for sample in dataset.samples} <= set(self.ids())

    @_again
    def read(self, id_: str) -> AnyHeatmap | None:
        """One heatmap; None when it has not been computed. Of a raw set, with the ends of what is present."""
        index = self._index()
        for name, rows in reversed(index.items()):
            if id_ in rows:
                values = self._sound(name, self._load(name)["heatmap"][rows[id_]])
                return Raw(values, *self._range(index)) if self.identity.raw else values
        return None

    def read_all(self, ranged: Iterable[str] | None = None) -> dict[str, AnyHeatmap]:
        """Every heatmap that is present, in the order of `ids`. ranged: as for `raw`, of a raw set."""
        return raw(self.values(), ranged) if self.identity.raw else dict(self.values())

    @_again
    def values(self) -> dict[str, Heatmap]:
        """What is stored of every heatmap that is present, in the order of `ids`."""
        index = self._index()
        found = {
            id_: heatmap
            for name, rows in index.items()
            for id_, heatmap in zip(rows, self._sound(name, self._load(name)["heatmap"]), strict=True)
        }
        return {id_: found[id_] for id_ in order_of(index)}

    @_again
    def constant(self) -> list[str]:
        """The samples whose heatmap has one value everywhere: the method sees nothing in them."""
        found: dict[str, bool] = {}
        index = self._index()
        for name in index:
            for piece in self._pieces(name):
                values = self._sound(name, piece["heatmap"])
                values = values.reshape(len(values), -1)
                flat = values.min(axis=1) == values.max(axis=1)
                found.update(zip(piece["id"].tolist(), flat.tolist(), strict=True))
        return [id_ for id_ in order_of(index) if found[id_]]

    @_again
    def batches(self) -> list[dict[str, Heatmap]]:
        """What each file holds, samples that were computed together, the file that counts most last."""
        return [
            dict(zip(rows, self._sound(name, self._load(name)["heatmap"]), strict=True))
            for name, rows in self._index().items()
        ]

    def write(self, heatmaps: Mapping[str, npt.ArrayLike]) -> None:
        """Add heatmaps as one part: all of them appear, or none. StoreError for what is no heatmap."""
        if not heatmaps:
            return
        values = records.stacked(heatmaps.values(), self.identity.raw)
        digest = hashlib.sha256("\0".join(heatmaps).encode()).hexdigest()[:16]
        with self._locked():
            shape = self.shape
            if shape not in (None, values.shape[1:]):
                raise StoreError(
                    f"{self.name}: found heatmaps of {values.shape[1:]}, expected {shape} like those before"
                )
            write_manifest(self.folder, self.identity)
            path = self.folder / f"part-{digest}.npy"
            records.save(path, list(heatmaps), values.shape[1:], lambda first, last: values[first:last])

    def write_whole(self, heatmaps: Mapping[str, Heatmap]) -> None:
        """Make these, all of one shape, all that the set holds, in their order; some at a time are looked at.

        All of them appear, or none. StoreError for what is no heatmap.
        """
        ids = list(heatmaps)

        def some(first: int, last: int) -> Heatmap:
            return records.stacked((heatmaps[id_] for id_ in ids[first:last]), self.identity.raw)

        with self._locked():
            write_manifest(self.folder, self.identity)
            records.save(self.folder / WHOLE, ids, heatmaps[ids[0]].shape, some)
            self._clear()

    def consolidate(self, order: Sequence[str]) -> None:
        """Merge all parts into one file in this order, when all of `order` is present.

        Also clears what killed writers left behind. Readers may go on meanwhile.
        """
        with self._locked():
            index = self._index()
            found = {id_: name for name, rows in index.items() for id_ in rows}
            if not set(order) <= found.keys():
                return
            if list(index.get(WHOLE, {})) != list(order):
                self._merge(WHOLE, order, index, found)
            self._clear()

    def _clear(self) -> None:
        """Remove what one file has made needless, and what killed writers left."""
        for file in self.folder.iterdir():
            if file.name.startswith(("part-", SINGLES, ".")):
                file.unlink(missing_ok=True)

    def gather(self) -> None:
        """Make one file of the parts that hold one sample each; of the same samples it is the same file."""
        with self._locked():
            index = self._index()
            parts = {
                id_: name for name, ids in index.items() if len(ids) == 1 and name != WHOLE for id_ in ids
            }
            if len(parts) < 2:
                return
            ids = sorted(parts)
            digest = hashlib.sha256("\0".join(ids).encode()).hexdigest()[:16]
            self._merge(f"{SINGLES}{digest}.npy", ids, index, parts)
            for name in parts.values():
                (self.folder / name).unlink(missing_ok=True)

    def _merge(
        self,
        name: str,
        order: Sequence[str],
        index: Mapping[str, Mapping[str, int]],
        found: Mapping[str, str],
    ) -> None:
        """Make one file of several. found: the file of each id that counts."""
        shape = self.shape
        assert shape is not None  # there is something to merge

        def some(first: int, last: int) -> Heatmap:
            ids = order[first:last]
            files = {name: self._load(name)["heatmap"] for name in {found[id_] for id_ in ids}}
            names = [(id_, found[id_]) for id_ in ids]
            return np.stack([self._sound(name, files[name][index[name][id_]]) for id_, name in names])

        records.save(self.folder / name, order, shape, some)

    def _index(self) -> dict[str, dict[str, int]]:
        """File -> id -> row, the file that counts most last. What a name holds never changes.

        FileNotFoundError when a file vanishes meanwhile.
        """
        known = self._rows
        found = {name: known.get(name) or self._read_rows(name) for name in self._names()}
        self._rows = found
        return dict(sorted(found.items(), key=weight))

    def _any_name(self) -> str | None:
        try:
            with os.scandir(self.folder) as files:
                return next((file.name for file in files if is_data(file.name)), None)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise StoreError(f"cannot read {self.folder}: {error.strerror}") from error

    def _names(self) -> list[str]:
        try:
            names = [file.name for file in self.folder.iterdir() if is_data(file.name)]
        except (FileNotFoundError, NotADirectoryError):
            return []
        except OSError as error:
            raise StoreError(f"cannot read {self.folder}: {error.strerror}") from error
        # Parts are merged away only once the whole is there: a listing without it missed nothing
        # if it is still absent, and is made again if it is not.
        return names if WHOLE in names or not (self.folder / WHOLE).exists() else self._names()

    def _read_rows(self, name: str) -> dict[str, int]:
        ids = itertools.chain.from_iterable(piece["id"].tolist() for piece in self._pieces(name))
        return {id_: row for row, id_ in enumerate(ids)}

    def _pieces(self, name: str) -> Iterator[Records]:
        try:
            yield from records.pieces(self.folder / name)
        except FileNotFoundError:
            raise
        except UNREADABLE as error:
            raise self._damaged(name, error) from error

    def _sound(self, name: str, stored: Heatmap) -> Heatmap:
        """A copy of what a file holds. StoreError where that is no heatmap, or not what was written."""
        if name not in self._checked:
            if not records.intact(self.folder / name):
                raise self._damaged(name, "its checksum is not that of its content")
            self._checked.add(name)
        heatmaps = np.array(stored)
        if not records.allowed(heatmaps, self.identity.raw):
            raise self._damaged(name, "values that are no numbers" if self.identity.raw else OUTSIDE)
        return heatmaps

    def _range(self, index: Mapping[str, Mapping[str, int]]) -> tuple[float, float]:
        """The least and the most of all files. What a name holds never changes."""
        for name in index.keys() - self._ends.keys():
            stored = self._sound(name, self._load(name)["heatmap"])
            self._ends[name] = (float(stored.min()), float(stored.max()))
        ends = [self._ends[name] for name in index]
        return min(low for low, _ in ends), max(high for _, high in ends)

    def _damaged(self, name: str, why: object) -> StoreError:
        return StoreError(
            f"{self.folder / name} is damaged ({clean(why)}); `cliploc heatmaps remove {self.name}`, "
            "then compute or import the set again"
        )

    def _load(self, name: str) -> Records:
        try:
            return records.load(self.folder / name)
        except FileNotFoundError:
            raise
        except UNREADABLE as error:
            raise self._damaged(name, error) from error

    def _locked(self) -> AbstractContextManager[None]:
        """Hold the set against other writers; the kernel lets go of it when a writer dies."""
        return held(self.folder / "lock", patience=math.inf)
