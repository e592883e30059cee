"""A file of heatmaps: one record (id, heatmap) a sample, and behind them the CRC-32 of all before it.

It is a `.npy` that anybody can read, as numpy itself would write it. It is written and checked a piece
at a time, so that neither takes memory that grows with it.
"""

from __future__ import annotations

import io
import stat
import tokenize
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from cliploc.core import paths
from cliploc.core.errors import StoreError

Heatmap = npt.NDArray[np.float32]
Records = npt.NDArray[np.void]

WHOLE, PART, SINGLES = "heatmaps.npy", "part-", "singles-"  # names of files, and how others begin
CHECK = b"crc32:%08x\n"
AT_ONCE = 8 << 20  # bytes of a piece
# What numpy raises over a broken header or too few bytes.
UNREADABLE = (
    OSError, ValueError, EOFError, TypeError, SyntaxError, MemoryError, OverflowError, RecursionError,
    tokenize.TokenError,
)  # fmt: skip
# Of these a header that is none; Python words them differently in each of its releases.
HEADER, NO_HEADER = (SyntaxError, tokenize.TokenError), "its header is none of an array"
LARGEST_VALUE = 1e37  # of a raw heatmap: the span of two such is a float32
OUTSIDE = "values outside [0, 1]"


def is_data(name: str) -> bool:
    """Whether a file of this name holds heatmaps."""
    return name == WHOLE or (name.startswith((PART, SINGLES)) and name.endswith(".npy"))


def weight(item: tuple[str, Mapping[str, int]]) -> tuple[bool, bool, int, str]:
    """What a file with its rows counts: the whole set most, those that were gathered least."""
    name, rows = item
    return name == WHOLE, not name.startswith(SINGLES), len(rows), name


def order_of(index: Mapping[str, Mapping[str, int]]) -> list[str]:
    """The ids of files with their rows: as the whole set has them, else sorted."""
    return list(index[WHOLE]) if WHOLE in index else sorted({id_ for rows in index.values() for id_ in rows})


def records_bytes(ids: Sequence[str], shape: tuple[int, ...]) -> int:
    """What heatmaps of these samples and this shape take in a file."""
    return len(ids) * _record(ids, shape).itemsize


def save(path: Path, ids: Sequence[str], shape: tuple[int, ...], rows: Callable[[int, int], Heatmap]) -> None:
    """Write heatmaps, whole or not at all. rows: those from one place to before another, (n, *shape).

    StoreError when the file cannot be written.
    """
    kind = _record(ids, shape)
    about = {"descr": np.lib.format.dtype_to_descr(kind), "fortran_order": False, "shape": (len(ids),)}
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, about)
    step = max(1, AT_ONCE // kind.itemsize)
    with paths.atomic_write(path) as file:
        file.write(header.getbuffer())
        check = zlib.crc32(header.getbuffer())
        for first in range(0, len(ids), step):
            records = np.zeros(len(ids[first : first + step]), kind)
            records["id"] = ids[first : first + step]
            records["heatmap"] = rows(first, first + len(records))
            content = records.tobytes()
            check = zlib.crc32(content, check)
            file.write(content)
        file.write(CHECK % check)


def load(path: Path) -> Records:
    """The records, mapped from the file. UNREADABLE for another kind of file, or none."""
    if not stat.S_ISREG(path.stat().st_mode):
        raise ValueError("not a regular file")
    records: Records = array_in(path, mapped=True)
    if set(records.dtype.names or ()) != {"id", "heatmap"}:
        raise ValueError("not records of id and heatmap")
    return records


def array_in(path: Path, *, mapped: bool) -> npt.NDArray[Any]:
    """The array of a file, read or mapped. UNREADABLE for what is none."""
    try:
        return np.load(path, mmap_mode="r" if mapped else None, allow_pickle=False)  # type: ignore[no-any-return]
    except HEADER as error:
        raise ValueError(NO_HEADER) from error


def pieces(path: Path) -> Iterator[Records]:
    """The records, read some at a time and not mapped. UNREADABLE as for `load`."""
    mapped = load(path)
    kind, count = mapped.dtype, len(mapped)
    with open(path, "rb") as file:
        file.seek(mapped.offset)  # type: ignore[attr-defined]  # of a memmap
        step = max(1, AT_ONCE // kind.itemsize)
        for first in range(0, count, step):
            yield np.frombuffer(file.read(min(step, count - first) * kind.itemsize), kind)


def intact(path: Path) -> bool:
    """Whether a file's content is that of its checksum; earlier releases gave it none."""
    length = len(CHECK % 0)
    left, check = path.stat().st_size - length, 0
    with open(path, "rb") as file:
        while left > 0:
            piece = file.read(min(AT_ONCE, left))
            if not piece:
                return False
            left, check = left - len(piece), zlib.crc32(piece, check)
        said = file.read()
    return not said.startswith(CHECK[:6]) or said == CHECK % check


def allowed(heatmaps: Heatmap, is_raw: bool) -> bool:
    """Whether the values of heatmaps are such: numbers whose differences are numbers, or [0, 1]."""
    low, high = (-LARGEST_VALUE, LARGEST_VALUE) if is_raw else (0, 1)
    return not heatmaps.size or bool(heatmaps.min() >= low and heatmaps.max() <= high)  # NaN is neither


def stacked(heatmaps: Iterable[npt.ArrayLike], is_raw: bool) -> Heatmap:
    """Heatmaps as one array (n, h, w). StoreError unless finite, in [0, 1] where not raw, of one shape."""
    arrays = [np.asarray(heatmap, np.float32) for heatmap in heatmaps]
    shapes = sorted({array.shape for array in arrays})
    if len(shapes) > 1 or len(shapes[0]) != 2 or 0 in shapes[0]:
        raise StoreError(f"found heatmaps of shape {shapes}, expected one shape (h, w)")
    together = np.stack(arrays)
    if not allowed(together, is_raw):
        raise StoreError(
            f"found heatmaps with values that are no numbers, or beyond {LARGEST_VALUE:g}"
            if is_raw
            else f"found heatmaps with {OUTSIDE}, expected normalized ones"
        )
    return together


def _record(ids: Iterable[str], shape: tuple[int, ...]) -> np.dtype[np.void]:
    return np.dtype([("id", f"<U{max(1, *map(len, ids))}"), ("heatmap", "<f4", shape)])
