"""Unpacking archives that strangers made: nothing outside the folder, nothing without end."""

from __future__ import annotations

import shutil
import stat
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path, PurePosixPath

from cliploc.core.datasets.files import LARGEST, check_regular
from cliploc.core.errors import DatasetError, ResourceError, StoreError, clean


def unpack(
    archive: Path,
    into: Path,
    wanted: Callable[[str], bool],
    largest: int,
    report: Callable[[int, int], None] = lambda done, total: None,
) -> int:
    """Unpack the members whose names are `wanted` below `into`; returns how many there were.

    DatasetError for what is no sound zip, leads out of the folder, links elsewhere or
    unpacks to more than `largest` bytes; ResourceError when the disk is too small.
    """
    if archive.exists():
        check_regular(archive, max(largest, LARGEST))
    try:
        with zipfile.ZipFile(archive) as opened:
            members = [
                member for member in opened.infolist() if not member.is_dir() and wanted(member.filename)
            ]
            for member in members:
                _check(archive, member)
            total = sum(member.file_size for member in members)
            if total > largest:
                raise DatasetError(f"{archive} unpacks to {total:,} bytes, expected at most {largest:,}")
            if total > shutil.disk_usage(into).free:
                raise ResourceError(f"{into} has too little space for {total:,} bytes; free some")
            done = 0
            for member in members:
                opened.extract(member, into)
                done += member.file_size
                report(done, total)
    except FileNotFoundError:
        raise DatasetError(f"no file {archive}") from None
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError) as error:
        raise DatasetError(f"{archive} is not a sound zip archive ({clean(error)}); get it again") from error
    except OSError as error:
        raise StoreError(f"cannot unpack {archive} to {into}: {error.strerror or error}") from error
    return len(members)


def _check(archive: Path, member: zipfile.ZipInfo) -> None:
    """Refuse names and kinds of members that no dataset needs. zipfile itself stops at the declared size."""
    path = PurePosixPath(member.filename.replace("\\", "/"))
    mode = member.external_attr >> 16
    if path.is_absolute() or ".." in path.parts or ":" in path.parts[0]:
        raise DatasetError(f"{archive}: {clean(member.filename)!r} leads out of the folder it is unpacked to")
    if stat.S_IFMT(mode) not in (0, stat.S_IFREG):
        raise DatasetError(f"{archive}: {clean(member.filename)!r} is not a plain file")
