"""Whether a process is at work: it holds a lock that the kernel releases when it dies."""

from __future__ import annotations

import errno
import fcntl
import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cliploc.core.errors import StoreError
from cliploc.core.paths import make_folder


@contextmanager
def held(path: Path, patience: float = 2.0, what: str = "this run is at work already") -> Iterator[None]:
    """Hold the lock for the block. StoreError when another process has it.

    patience: seconds to wait, since a reader's look takes the lock for a moment; infinity for as long as
    it takes. what: the other does.
    """
    make_folder(path.parent)
    try:
        file = open(path, "ab")  # noqa: SIM115  closed below, after the lock's life
    except OSError as error:
        raise StoreError(
            f"cannot write {path}: {error.strerror}; CLIPLOC_HOME chooses another folder"
        ) from error
    with file:
        if patience == math.inf:
            fcntl.flock(file, fcntl.LOCK_EX)
        deadline = time.monotonic() + patience
        while not _locked(file.fileno(), fcntl.LOCK_EX):
            if time.monotonic() > deadline:
                raise StoreError(f"another process holds {path}: {what}")
            time.sleep(0.05)
        yield


def is_held(path: Path) -> bool:
    """Whether a living process holds the lock."""
    try:
        with open(path, "rb") as file:
            return not _locked(file.fileno(), fcntl.LOCK_SH)
    except (OSError, StoreError):
        return False


def _locked(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno not in (errno.ENOLCK, errno.ENOTSUP, errno.EINVAL, errno.ENOSYS):
            raise
        raise StoreError(
            "the file system of the state folder has no locks, without which two processes would meet; "
            "point CLIPLOC_HOME at a local disk"
        ) from error
    return True
