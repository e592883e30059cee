"""Arrays of a run: one `.npz` per shard, written whole or not at all, known by checksum."""

from __future__ import annotations

import errno
import hashlib
import io
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt

from cliploc.core.errors import ResourceError, StoreError
from cliploc.core.metrics import Counts, Integers
from cliploc.core.paths import write_whole

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def write_counts(path: Path, counts: Counts) -> str:
    """Write counts (n, C, T) exactly, in the smallest type that holds them. Returns the checksum."""
    return write_arrays(
        path,
        {
            "tp": _smallest(counts.tp),
            "fp": _smallest(counts.fp),
            "area": _per_image(counts.area),
            "pixels": _per_image(counts.pixels),
        },
    )


def read_counts(path: Path, checksum: str) -> Counts:
    """The counts that were written. StoreError when the file is gone or is not what it was."""
    arrays = read_arrays(path, checksum)
    return Counts(
        tp=arrays["tp"],
        predicted=arrays["tp"] + arrays["fp"],
        area=arrays["area"][:, None, None],
        pixels=arrays["pixels"][:, None, None],
    )


def write_arrays(path: Path, arrays: Mapping[str, npt.NDArray[np.generic]]) -> str:
    """Write named arrays; the same arrays give the same bytes. Returns the hex SHA-256.

    ResourceError when the disk is full, StoreError when the folder cannot be written.
    """
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)  # type: ignore[arg-type]  # the stub knows no keyword arrays
    content = buffer.getvalue()
    try:
        write_whole(path, content)
    except StoreError as error:
        if isinstance(error.__cause__, OSError) and error.__cause__.errno in _FULL:
            raise ResourceError(
                f"the disk is full: no room for {path.name} in {path.parent}; free some space"
            ) from error
        raise
    return hashlib.sha256(content).hexdigest()


def content_of(path: Path, checksum: str) -> bytes:
    """A file's content, checked. StoreError when the file is gone or is not what it was."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise StoreError(
            f"cannot read {path}: {error.strerror}; `cliploc runs resume` computes it again"
        ) from error
    if hashlib.sha256(content).hexdigest() != checksum:
        raise StoreError(f"{path} is damaged; `cliploc runs resume` computes it again")
    return content


def read_arrays(path: Path, checksum: str) -> dict[str, npt.NDArray[np.int64]]:
    """Read named arrays back as int64. StoreError as for `content_of`, or when they are no arrays."""
    content = content_of(path, checksum)
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as file:
            return {name: file[name].astype(np.int64) for name in file.files}
    except (ValueError, zipfile.BadZipFile) as error:
        raise StoreError(f"{path} holds no arrays of ours: {error}") from error


def intact(path: Path, checksum: str) -> bool:
    """Whether the file is there and is what was written."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest() == checksum
    except OSError:
        return False


def _smallest(counts: Integers) -> npt.NDArray[np.unsignedinteger]:
    kind = np.uint16 if counts.max(initial=0) <= np.iinfo(np.uint16).max else np.uint32
    return counts.astype(kind)


def _per_image(values: Integers) -> Integers:
    # Every config sees the same true mask: one number per image is all there is.
    return values.reshape(len(values), -1)[:, 0]
