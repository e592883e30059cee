"""Starting the studio. Standard library only: it is started before the screen is loaded."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from typing import IO

from cliploc.core import paths
from cliploc.core.errors import ClipLocError

log = logging.getLogger(__name__)
LOG_LIMIT = 1_000_000  # bytes; an older log is started afresh


def launched(dataset_spec: str, device: str) -> subprocess.Popen[bytes]:
    """A studio of a dataset. It ends when its standard input does, that is, with this process."""
    with _log() as stderr:
        return subprocess.Popen(
            [sys.executable, "-P", "-m", "cliploc.tui.studio", dataset_spec, device],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
            # Keys and signals of the terminal are the screen's.
            start_new_session=True,
        )


def _log() -> IO[bytes]:
    path = paths.state_dir() / "studio.log"
    try:
        paths.make_folder(path.parent)
        old = path.stat().st_size if path.exists() else 0
        return open(path, "wb" if old > LOG_LIMIT else "ab")
    except (ClipLocError, OSError) as error:
        log.warning("the studio runs without a log: %s", error)
        return open(os.devnull, "wb")
