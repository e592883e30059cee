"""Heatmap sets in and out as `.npz`: `ids` (n,) strings, `heatmaps` (n, h, w) float32 in [0, 1].

So that any method in the world can be browsed and swept, and ours used elsewhere.
"""

from __future__ import annotations

import hashlib
import math
import os
import re
import struct
import tempfile
import tokenize
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
import numpy.typing as npt

from cliploc.core import paths
from cliploc.core.datasets import Dataset
from cliploc.core.datasets.files import check_regular
from cliploc.core.datasets.ids import file_name
from cliploc.core.datasets.spec import lasting
from cliploc.core.errors import DatasetError, ParameterError, StoreError, clean
from cliploc.core.heatmaps.identity import IMPORTED, Identity
from cliploc.core.heatmaps.records import AT_ONCE, HEADER, LARGEST_VALUE, NO_HEADER, Heatmap
from cliploc.core.heatmaps.store import HeatmapSet, HeatmapStore
from cliploc.core.stretch import on_grid

Array = npt.NDArray[np.generic]

LARGEST = 64 << 30  # bytes of a file
_LARGEST_SIDE = 4096
_LONGEST_ID = 4 * 1024  # bytes of an id in an array of strings
_LARGE = 1 << 30  # bytes of an array from which on it must not have been packed as only nothing is
_PACKED = 100  # times that compression makes an array smaller
_UNREADABLE = (
    OSError, ValueError, EOFError, KeyError, TypeError, MemoryError, NotImplementedError, RuntimeError,
    OverflowError, SyntaxError, struct.error, zipfile.BadZipFile, zlib.error, tokenize.TokenError,
)  # fmt: skip


def import_npz(
    store: HeatmapStore, path: Path, dataset: Dataset, name: str, *, normalize: bool = False
) -> HeatmapSet:
    """Take heatmaps made elsewhere into the store under a name.

    normalize: as for `read_npz`; the set is a raw one then, stretched wherever it is used.
    Samples of the dataset that the file leaves out stay without heatmap.
    StoreError or ParameterError, with the store untouched, for anything unsound.
    """
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}", name):
        raise ParameterError(
            f"name: found {clean(name)!r}, expected letters, digits, dots, dashes, underscores (at most 80)"
        )
    heatmaps = read_npz(path, dataset, normalize=normalize)
    content = hashlib.sha256()
    for id_, heatmap in heatmaps.items():
        content.update(f"{id_}\0{heatmap.shape}\0".encode())
        content.update(heatmap.tobytes())
    identity = Identity(
        pictures=dataset.pictures,
        method=IMPORTED,
        parameters=(("name", name),),
        digest=content.hexdigest(),
        raw=normalize,
        dataset_name=dataset.name,
        dataset_spec=lasting(dataset.spec),
    )
    taken = [s for s in store.sets() if name in (s.name, s.key) and s.key != identity.key]
    if taken:
        raise StoreError(
            f"there is already a heatmap set {name}, with other content; "
            f"give another --name, or `cliploc heatmaps remove {name}` first"
        )
    heatmap_set = store.open(identity)
    heatmap_set.write_whole(heatmaps)
    heatmap_set.remember_place(identity.dataset_spec)
    return heatmap_set


class Rows(Mapping[str, Heatmap]):
    """Heatmaps (h, w) in a file that nobody else sees, by sample id; each is read when it is asked for.

    places: of the ids in the file, (n, h, w) float32.
    """

    def __init__(self, file: IO[bytes], places: Mapping[str, int], shape: tuple[int, ...]) -> None:
        self._file, self._places, self._shape = file, places, shape
        self._size = 4 * math.prod(shape)

    def __getitem__(self, id_: str) -> Heatmap:
        content = os.pread(self._file.fileno(), self._size, self._places[id_] * self._size)
        return np.frombuffer(content, np.float32).reshape(self._shape)

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)


def read_npz(path: Path, dataset: Dataset, *, normalize: bool = False) -> Mapping[str, Heatmap]:
    """The heatmaps of a file by sample id, in the dataset's order. StoreError for anything unsound.

    normalize: values of any range (cosines, logits, 0 to 255) and type, heatmaps (n, 1, h, w), and ids
    with folder and ending are taken, too. Without, they are floats in [0, 1].
    Headers are looked at before an array is loaded: a few bytes can ask for all memory. Values go by, some
    at a time, into a file without a name beside the store: no more of them is ever in memory.
    """
    headers = _headers(path)
    _check_headers(path, headers, len(dataset.samples), normalize)
    texts = _texts(path, _array(path, "ids"))
    if normalize:
        texts = _bare(texts, dataset)
    ids = [file_name(text) for text in texts]
    header = headers["heatmaps"]
    file = tempfile.TemporaryFile(dir=paths.make_folder(paths.cache_dir()))  # noqa: SIM115  as long as the rows
    troubled = _Troubled(normalize)
    first = 0
    for values in _pieces(path, header):
        some = values.reshape(len(values), *header.shape[-2:])
        troubled.look(ids[first : first + len(some)], some)
        _append(file, some)
        first += len(some)
    troubled.check(path)
    _check_ids(path, ids, texts, dataset)
    file.flush()
    places = {id_: place for place, id_ in enumerate(ids)}
    ours = {sample.id: places[sample.id] for sample in dataset.samples if sample.id in places}
    return Rows(file, ours, header.shape[-2:])


def _append(file: IO[bytes], values: Array) -> None:
    try:
        file.write(np.ascontiguousarray(values, np.float32).data)
    except OSError as error:
        raise StoreError(f"cannot write to {paths.cache_dir()}: {error.strerror}; free some space") from error


def _pieces(path: Path, header: ArrayHeader) -> Iterator[Array]:
    """The heatmaps, some at a time. Those that lie column by column are there at once."""
    try:
        if header.by_column:
            yield _array(path, "heatmaps")
            return
        row = math.prod(header.shape[1:]) * header.dtype.itemsize
        step = max(1, AT_ONCE // row)
        with zipfile.ZipFile(path) as archive, archive.open("heatmaps.npy") as member:
            member.read(archive.getinfo("heatmaps.npy").file_size - header.stored)
            for first in range(0, header.shape[0], step):
                count = min(step, header.shape[0] - first)
                content = member.read(count * row)
                yield np.frombuffer(content, header.dtype).reshape(count, *header.shape[1:])
            member.read(1)  # the end, where the archive's own checksum is looked at
    except _UNREADABLE as error:
        raise StoreError(f"cannot read {path}: {clean(error)[:200]}; it is damaged") from error


def export_npz(heatmap_set: HeatmapSet, path: Path) -> int:
    """Write a set to `path`, in [0, 1], and return how many heatmaps it held. StoreError when it is empty."""
    heatmaps = {id_: on_grid(each, "grid") for id_, each in heatmap_set.read_all().items()}
    if not heatmaps:
        raise StoreError(f"{heatmap_set.name} holds no heatmaps; `cliploc heatmaps compute` fills it")
    write_npz(path, heatmaps)
    return len(heatmaps)


def write_npz(path: Path, heatmaps: Mapping[str, Heatmap]) -> None:
    """Write heatmaps (h, w) of one size, by sample id."""
    with paths.atomic_write(path) as file:
        np.savez(file, ids=np.array(list(heatmaps)), heatmaps=np.stack(list(heatmaps.values())))


@dataclass(frozen=True)
class ArrayHeader:
    """What an array in the file says of itself.

    by_column: in Fortran's order. bytes: what it takes in memory; stored: what there is of it; packed:
    what that takes in the file.
    """

    shape: tuple[int, ...]
    dtype: np.dtype[np.generic]
    by_column: bool
    stored: int
    packed: int

    @property
    def bytes(self) -> int:
        return math.prod(self.shape) * self.dtype.itemsize


def _headers(path: Path) -> dict[str, ArrayHeader]:
    """The headers of all arrays by name. StoreError for what is no archive of plain arrays."""
    if not path.exists():
        raise StoreError(f"no file {path}")
    try:
        check_regular(path, LARGEST)
        with zipfile.ZipFile(path) as archive:
            found = {}
            for info in archive.infolist():
                name = info.filename.removesuffix(".npy")
                if name in found:
                    raise ValueError(f"two arrays called {name}")
                with archive.open(info) as file:
                    found[name] = _header(file, info)
            return found
    except DatasetError as error:
        raise StoreError(str(error)) from error
    except _UNREADABLE as error:
        raise StoreError(
            f"cannot read {path}: {clean(error)[:200]}; expected an .npz with ids (n,) strings "
            "and heatmaps (n, height, width) float32, without pickled objects"
        ) from error


def _header(file: IO[bytes], info: zipfile.ZipInfo) -> ArrayHeader:
    version = np.lib.format.read_magic(file)
    read = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
    if version not in read:
        raise ValueError(f"an array of format {version}")
    try:
        shape, by_column, dtype = read[version](file)
    except HEADER as error:
        raise ValueError(NO_HEADER) from error
    return ArrayHeader(shape, dtype, by_column, info.file_size - file.tell(), info.compress_size)


def _check_headers(path: Path, headers: Mapping[str, ArrayHeader], samples: int, normalize: bool) -> None:
    missing = sorted({"ids", "heatmaps"} - set(headers))
    if missing:
        raise StoreError(
            f"{path} has no {' and no '.join(missing)}; "
            f"found {clean(', '.join(headers))[:200] or 'nothing'}; "
            "expected ids (n,) and heatmaps (n, height, width): np.savez(file, ids=…, heatmaps=…)"
        )
    ids, heatmaps = headers["ids"], headers["heatmaps"]
    for name, header in (("ids", ids), ("heatmaps", heatmaps)):
        if header.dtype.hasobject:
            raise StoreError(
                f"{path}: {name} are pickled objects, which are never read: they could hold code; "
                "write plain arrays, of strings and of float32"
            )
    if len(ids.shape) != 1 or ids.dtype.kind not in "US":
        raise StoreError(
            f"{path}: found ids of shape {ids.shape} and type {ids.dtype}, expected (n,) strings; "
            "write them with np.array([str(id) for id in ids])"
        )
    _check_shape(path, ids.shape[0], heatmaps, normalize)
    if ids.shape[0] > samples:
        raise StoreError(f"{path}: found {ids.shape[0]} ids, expected at most the dataset's {samples}")
    if ids.dtype.itemsize > _LONGEST_ID or max(heatmaps.shape[-2:]) > _LARGEST_SIDE:
        raise StoreError(
            f"{path}: found ids of {ids.dtype} and maps of {heatmaps.shape[-2:]}, expected names of files "
            f"and maps of at most {_LARGEST_SIDE} x {_LARGEST_SIDE}"
        )
    for name, header in (("ids", ids), ("heatmaps", heatmaps)):
        if header.stored != header.bytes:
            raise StoreError(
                f"{path}: {name} has {header.stored} bytes, expected {header.bytes}: it is damaged"
            )
        if header.bytes > max(_LARGE, _PACKED * header.packed):
            raise StoreError(
                f"{path}: {name} takes {header.bytes:,} bytes, packed into {header.packed:,}: it is hardly "
                "what it seems to be; where it is, write it with np.savez instead of np.savez_compressed"
            )


def _check_shape(path: Path, ids: int, heatmaps: ArrayHeader, normalize: bool) -> None:
    shape, dtype = heatmaps.shape, heatmaps.dtype
    if len(shape) == 4 and shape[1] == 1:
        if not normalize:
            raise StoreError(
                f"{path}: found heatmaps of shape {shape}, expected (n, height, width); "
                "--normalize takes them"
            )
        shape = (shape[0], *shape[2:])
    if len(shape) != 3 or 0 in shape or shape[0] != ids:
        raise StoreError(
            f"{path}: found heatmaps of shape {shape} for {ids} ids, expected ({ids}, height, width)"
        )
    if dtype.kind not in ("fuib" if normalize else "f"):
        way = "--normalize takes them" if dtype.kind in "uib" else "write real numbers"
        raise StoreError(f"{path}: found heatmaps of type {dtype}, expected float32 in [0, 1]; {way}")


def _array(path: Path, name: str) -> Array:
    """An array of the file. Pickles are refused: they could hold code."""
    try:
        with np.load(path, allow_pickle=False) as loaded:
            found: Array = loaded[name]
            return found
    except _UNREADABLE as error:
        raise StoreError(f"cannot read {path}: {clean(error)[:200]}; it is damaged") from error


def _texts(path: Path, ids: Array) -> list[str]:
    try:
        return [id_.decode() if isinstance(id_, bytes) else id_ for id_ in ids.tolist()]
    except UnicodeDecodeError as error:
        raise StoreError(f"{path}: an id is not UTF-8 text ({error})") from error


def _check_ids(path: Path, ids: list[str], texts: list[str], dataset: Dataset) -> None:
    repeated = [id_ for id_, times in Counter(ids).items() if times > 1]
    if repeated:
        raise StoreError(f"{path}: {len(repeated)} ids appear more than once, {_few(repeated)}")
    wrong = sorted(set(ids) - {sample.id for sample in dataset.samples})
    if wrong:
        known = {sample.id for sample in dataset.samples}
        names = {file_name(name) for name in _bare(texts, dataset)}
        raise StoreError(
            f"{path}: {len(wrong)} of {len(ids)} ids are not in {clean(dataset.name)}, {_few(wrong)}; "
            f"expected, without folder and ending, ids like {clean(dataset.samples[0].id)!r} "
            "(`cliploc dataset list` prints them)" + ("; --normalize takes them" if names <= known else "")
        )


def _bare(texts: list[str], dataset: Dataset) -> list[str]:
    """Names of files without folder and ending, where the dataset has them so."""
    known = {sample.id for sample in dataset.samples}
    names = [re.split(r"[/\\]", text)[-1] for text in texts]
    stems = [name.rpartition(".")[0] for name in names]
    return [
        next((each for each in (text, name, stem) if file_name(each) in known), text)
        for text, name, stem in zip(texts, names, stems, strict=True)
    ]


class _Troubled:
    """Ids of heatmaps with values that are none, or outside their range, as they go by."""

    def __init__(self, normalize: bool) -> None:
        # As float64, whatever type they are compared with.
        self._low, self._high = np.array((-LARGEST_VALUE, LARGEST_VALUE) if normalize else (0.0, 1.0))
        self._no_number: list[str] = []
        self._outside: list[str] = []

    def look(self, ids: Sequence[str], heatmaps: Array) -> None:
        """Look at some heatmaps (n, h, w)."""
        beyond = (heatmaps < self._low) | (heatmaps > self._high)
        for found, bad in ((self._no_number, ~np.isfinite(heatmaps)), (self._outside, beyond)):
            found.extend(ids[place] for place in np.flatnonzero(bad.any(axis=(1, 2))).tolist())

    def check(self, path: Path) -> None:
        """StoreError where there was any."""
        stretch = (
            "clip them" if self._low else "--normalize takes them, and stretches each map by its own ends"
        )
        for problem, way, touched in (
            ("NaN or infinity", "look at what made them (half precision?)", self._no_number),
            (f"values outside [{self._low:g}, {self._high:g}]", stretch, self._outside),
        ):
            if touched:
                raise StoreError(f"{path}: {problem} in {len(touched)} heatmaps, {_few(touched)}; {way}")


def _few(ids: list[str]) -> str:
    return "such as " + ", ".join(repr(clean(id_)) for id_ in ids[:3])
