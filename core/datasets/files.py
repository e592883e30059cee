"""Files of a dataset: read whole, and known by content.

What a file's content is (its SHA-256) and what was found out about it are remembered
beside the heatmaps by path, size, times of change and place on disk, so that a large
dataset is read once. Without a place to remember, everything is read again.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from cliploc.core import paths
from cliploc.core.errors import ClipLocError, DatasetError, ParameterError, clean

if TYPE_CHECKING:
    import sqlite3

LARGEST = 1 << 30  # bytes of one picture or table
LARGEST_PIXELS = 200_000_000
# A file that was changed just now may change again within the clock's tick and keep its size.
SETTLED_SECONDS = 2.0
WAIT_SECONDS = 1.0  # for another process that holds the memory
_THREADS = 8

T = TypeVar("T")
Key = tuple[str, str]  # path, and what changes when the file does


def read(path: Path, largest: int = LARGEST) -> bytes:
    """The content of a regular file. DatasetError when it is none, too large, or cannot be read."""
    check_regular(path, largest)
    try:
        return path.read_bytes()
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from error


def check_regular(path: Path, largest: int = LARGEST) -> None:
    """DatasetError unless the path is a regular file of a sane size: pipes and devices never end."""
    try:
        found = path.stat()
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from error
    if not stat.S_ISREG(found.st_mode):
        raise DatasetError(f"{path} is not a regular file; expected one of at most {largest >> 20} MB")
    if found.st_size > largest:
        raise DatasetError(
            f"{path} has {found.st_size >> 20} MB, expected at most {largest >> 20}; "
            "it is not what it seems to be"
        )


def _unreadable(path: Path, error: OSError | ValueError) -> DatasetError:
    return DatasetError(f"cannot read {path}: {getattr(error, 'strerror', None) or error}")


def largest_pixels() -> int:
    """How many pixels a picture may have; CLIPLOC_MEGAPIXELS raises it. ParameterError for no number."""
    told = os.environ.get("CLIPLOC_MEGAPIXELS", "")
    if told and not (told.isascii() and told.isdecimal() and 0 < int(told[:9]) <= 100_000):
        raise ParameterError(
            f"CLIPLOC_MEGAPIXELS: found {clean(told)!r}, expected a whole number up to 100000"
        )
    return int(told) * 1_000_000 if told else LARGEST_PIXELS


def digests(files: Sequence[Path], largest: int = LARGEST) -> list[str]:
    """The hex SHA-256 of each file's content. largest: bytes of one. DatasetError when it cannot be read."""
    return _remembered("sha256", files, lambda path: _digest(path, largest))


def _digest(path: Path, largest: int) -> str:
    """Of a small file at once, which is faster; of a large one piece by piece."""
    check_regular(path, largest)
    if largest <= LARGEST:
        return hashlib.sha256(read(path)).hexdigest()
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise _unreadable(path, error) from error


def facts(
    name: str,
    files: Sequence[Path],
    find: Callable[[Path], str],
    is_large: Callable[[Path], bool] = lambda path: False,
) -> list[str]:
    """What `find` says of each file, a JSON object as text. name: of the question, with its version.

    It is asked once, but a fact with a `problem` is not remembered: what failed may work tomorrow.
    is_large: of those that take much memory one is looked at at a time.
    """
    return _remembered(name, files, find, lambda fact: not json.loads(fact).get("problem"), is_large)


def _remembered(
    name: str,
    files: Sequence[Path],
    find: Callable[[Path], str],
    lasts: Callable[[str], bool] = lambda fact: True,
    is_large: Callable[[Path], bool] = lambda path: False,
) -> list[str]:
    unique = list(dict.fromkeys(files))
    keys = {path: _key(path) for path in unique}
    known = _known(name, filter(None, keys.values()))
    found = {path: known[key] for path, key in keys.items() if key and key in known}
    missing = [path for path in unique if path not in found]
    if missing:
        small = [path for path in missing if not is_large(path)]
        with ThreadPoolExecutor(_THREADS, "dataset-files") as pool:
            found.update(zip(small, pool.map(find, small), strict=True))
        # In one thread: each thread that frees memory keeps some of it.
        found.update((path, find(path)) for path in missing if path not in found)
        lasting = [path for path in missing if _is_settled(path) and lasts(found[path])]
        _remember(name, {key: found[path] for path in lasting if (key := keys[path])})
    return [found[path] for path in files]


def state_of(path: Path) -> Key | None:
    """By what a file is known without being read; None for one that may change unnoticed, or is not there."""
    try:
        found = path.stat()
    except (OSError, ValueError):
        return None
    return _key_of(path, found) if _has_settled(found) else None


def _key(path: Path) -> Key | None:
    try:
        found = path.stat()
    except (OSError, ValueError):
        return None
    return _key_of(path, found)


def _key_of(path: Path, found: os.stat_result) -> Key:
    # The time of the content can be set back (cp -p, rsync -t); that of the inode cannot.
    state = (found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino, found.st_dev)
    return str(path.absolute()), " ".join(map(str, state))


def _is_settled(path: Path) -> bool:
    try:
        found = path.stat()
    except OSError:
        return False
    return _has_settled(found)


def _has_settled(found: os.stat_result) -> bool:
    return max(found.st_mtime, found.st_ctime) < time.time() - SETTLED_SECONDS


def _known(name: str, keys: Iterable[Key]) -> dict[Key, str]:
    """What is remembered of these files."""

    def read(db: sqlite3.Connection) -> dict[Key, str]:
        sql = "SELECT fact FROM facts WHERE name = ? AND path = ? AND state = ?"
        rows = {key: db.execute(sql, (name, *key)).fetchone() for key in keys}
        return {key: row[0] for key, row in rows.items() if row}

    return _asked(read) or {}


def _remember(name: str, facts: Mapping[Key, str]) -> None:
    rows = [(name, *key, fact) for key, fact in facts.items()]
    _asked(lambda db: db.executemany("INSERT OR REPLACE INTO facts VALUES (?, ?, ?, ?)", rows))


def _asked(question: Callable[[sqlite3.Connection], T]) -> T | None:
    """Put a question to the table; None for every failure, which is forgetfulness."""
    import sqlite3  # not before something is asked for: the screen's process never does

    path = paths.cache_dir() / "facts.db"
    for _ in range(2):
        try:
            paths.make_folder(path.parent)
            with closing(sqlite3.connect(path, timeout=WAIT_SECONDS)) as db, db:
                db.execute(
                    "CREATE TABLE IF NOT EXISTS facts (name TEXT, path TEXT, state TEXT, fact TEXT, "
                    "PRIMARY KEY (name, path)) WITHOUT ROWID"
                )
                return question(db)
        except (sqlite3.OperationalError, ClipLocError, OSError, UnicodeEncodeError):
            return None  # locked, a disk that is full, a folder that is closed, a path that is no text
        except sqlite3.DatabaseError:
            with suppress(OSError):
                path.unlink()  # damaged: begun anew, for nothing is lost with it
    return None


def digest_of(kind: str, parts: Iterable[object]) -> str:
    """The hex SHA-256 of a sequence of plain values. kind: what it identifies, with its version."""
    total = hashlib.sha256(kind.encode())
    for part in parts:
        total.update(json.dumps(part, sort_keys=True, ensure_ascii=True).encode() + b"\0")
    return total.hexdigest()
