"""Removing a run, all or nothing: its arrays get another name and its rows go in one transaction.

A removal that is interrupted is finished, or taken back where the rows are still there, by the
next `sweep`.
"""

from __future__ import annotations

import shutil
from contextlib import suppress
from pathlib import Path

from cliploc.core.errors import ClipLocError, StoreError
from cliploc.core.sweep.database import vacuum, writing

_GRAVE = ".deleted-"


def remove(path: Path, folder: Path) -> None:
    """Remove the run whose arrays are in `folder` from the ledger at `path`.

    StoreError or ResourceError when something stands in the way; then the run is there as before.
    """
    sweep(path, folder.parent)
    grave = folder.with_name(_GRAVE + folder.name)
    try:
        with writing(path) as db:
            db.execute("DELETE FROM runs WHERE id = ?", (folder.name,))
            if folder.exists():
                folder.rename(grave)
    except OSError as error:
        raise StoreError(f"cannot remove {folder}: {error.strerror or error}") from error
    except ClipLocError:
        sweep(path, folder.parent)
        raise
    shutil.rmtree(grave, ignore_errors=True)
    vacuum(path)


def sweep(path: Path, folders: Path) -> None:
    """End removals that were interrupted. What cannot be swept now is left for the next time."""
    graves = list(folders.glob(f"{_GRAVE}*"))
    if not graves:
        return
    with suppress(ClipLocError, OSError), writing(path) as db:  # nobody removes one meanwhile
        for grave in graves:
            run = grave.name.removeprefix(_GRAVE)
            if db.execute("SELECT 1 FROM runs WHERE id = ?", (run,)).fetchone():
                grave.rename(grave.with_name(run))
            else:
                shutil.rmtree(grave, ignore_errors=True)
