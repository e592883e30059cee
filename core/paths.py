"""Where cliploc keeps things, and the atomic way to write them.

Four folders by platformdirs; CLIPLOC_HOME puts all four under one (tests and
portable installs use it). Nothing is created until something is written.
"""

from __future__ import annotations

import errno
import fcntl
import os
import secrets
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

import platformdirs

from cliploc.core.errors import StoreError

_NOT_OURS = {errno.EWOULDBLOCK, errno.ENOENT, errno.ENOLCK, errno.ENOTSUP, errno.EINVAL, errno.ENOSYS}


def data_dir() -> Path:
    """Datasets that were fetched (`cocoglide/`, `coco/`)."""
    return _folder("data", platformdirs.user_data_path)


def cache_dir() -> Path:
    """What can be computed again (`heatmaps/`)."""
    return _folder("cache", platformdirs.user_cache_path)


def state_dir() -> Path:
    """The run ledger (`runs.db`), its arrays and the logs."""
    return _folder("state", platformdirs.user_state_path)


def config_dir() -> Path:
    """What the user wrote (`config.toml`, keymap, `presets.toml`)."""
    return _folder("config", platformdirs.user_config_path)


def _folder(name: str, default: Callable[..., Path]) -> Path:
    home = os.environ.get("CLIPLOC_HOME")
    if home:
        return expanded(home) / name
    return default("cliploc", appauthor=False)


def embedded_dir() -> Path:
    """The embedded default (`demo/`, tables): inside the wheel, or `data/` of a checkout."""
    package = Path(__file__).resolve().parent
    installed = package / "_data"
    return installed if installed.is_dir() else package.parent / "data"


def expanded(text: str | Path) -> Path:
    """The path with `~` replaced; as it stands where nobody of that name has a home."""
    return Path(os.path.expanduser(text))


def make_folder(path: Path) -> Path:
    """Create a folder and its parents; a StoreError says what stands in the way.

    The state folder is its user's alone: runs and sessions say what was worked on.
    """
    try:
        if is_private(path) and not state_dir().exists():
            state_dir().parent.mkdir(parents=True, exist_ok=True)
            state_dir().mkdir(mode=0o700, exist_ok=True)
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(
            f"cannot create {path}: {error.strerror}; free it up, or point CLIPLOC_HOME at a writable folder"
        ) from error
    return path


def write_whole(path: Path, content: bytes) -> None:
    """Write a file whole, or not at all. StoreError as for `atomic_write`."""
    with atomic_write(path) as file:
        file.write(content)


def is_private(path: Path) -> bool:
    """Whether it is in the state folder."""
    return state_dir() in (path, *path.parents)


@contextmanager
def atomic_write(path: Path) -> Iterator[IO[bytes]]:
    """Open a temporary neighbour of `path`; rename it into place when the block succeeds.

    A reader sees the old file or the whole new one, never a part. What a killed writer of the
    same file left is taken over. StoreError when the folder cannot be written or the disk is full.
    """
    make_folder(path.parent)
    temporary = path.with_name(f".{path.name}.partial")
    try:
        descriptor = _taken(temporary)
        if descriptor is None:  # another writer is at it
            temporary = path.with_name(f".{path.name}.{secrets.token_hex(6)}")
        # Not a NamedTemporaryFile: that one is private, and others in the group may read our results.
        with open(temporary, "x+b") if descriptor is None else os.fdopen(descriptor, "w+b") as file:
            try:
                yield file
                file.flush()
                os.fsync(file.fileno())
                os.replace(temporary, path)
            except BaseException:  # while the lock is held: afterwards the name may be another's
                with suppress(OSError):
                    temporary.unlink(missing_ok=True)
                raise
    except OSError as error:
        raise StoreError(
            f"cannot write {path}: {error.strerror or error}; free some space, "
            "or point CLIPLOC_HOME at a writable folder"
        ) from error


def _taken(path: Path) -> int | None:
    """Open a temporary file, new or left by a dead writer, empty and locked; None when it is another's.

    The kernel releases a dead writer's lock. The name is always the same, so that nothing is
    left behind that the next writer would not find.
    """
    mode = 0o600 if is_private(path) else 0o666
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, mode)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.EISDIR, errno.EACCES):
            return None
        raise
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        found, named = os.fstat(descriptor), os.stat(path, follow_symlinks=False)
        ours = found.st_ino == named.st_ino and found.st_uid == os.geteuid() and found.st_nlink == 1
        if ours and stat.S_ISREG(found.st_mode):
            os.ftruncate(descriptor, 0)
            return descriptor
    except OSError as error:  # locked by a living writer, gone with it, or a file system without locks
        if error.errno not in _NOT_OURS:
            os.close(descriptor)
            raise
    os.close(descriptor)
    return None
