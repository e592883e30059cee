"""Where cliploc keeps things, and the atomic way to write them.

Four folders by platformdirs; CLIPLOC_HOME puts all four under one (tests and
portable installs use it). Nothing is created until something is written.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

import platformdirs

from cliploc.core.errors import StoreError


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
    """Create a folder and its parents; a StoreError says what stands in the way."""
    try:
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


@contextmanager
def atomic_write(path: Path) -> Iterator[IO[bytes]]:
    """Open a temporary neighbour of `path`; rename it into place when the block succeeds.

    A reader sees the old file or the whole new one, never a part. StoreError
    when the folder cannot be written or the disk is full.
    """
    make_folder(path.parent)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(6)}")
    try:
        # Not a NamedTemporaryFile: that one is private, and others in the group may read our results.
        with open(temporary, "x+b") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError as error:
        raise StoreError(
            f"cannot write {path}: {error.strerror or error}; free some space, "
            "or point CLIPLOC_HOME at a writable folder"
        ) from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
