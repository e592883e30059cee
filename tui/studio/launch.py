"""Starting the studio. Standard library only: it is started before the screen is loaded."""

from __future__ import annotations

from cliploc.core import paths
from cliploc.core.child import Process, module, spawned

# Counts of a large dataset are one array, of which the first estimate touches rows here and there: with
# huge pages each of these rows would clear two megabytes.
ENVIRONMENT = {"NUMPY_MADVISE_HUGEPAGE": "0"}


def launched(dataset_spec: str, device: str) -> Process:
    """A studio of a dataset. It ends when its standard input does, that is, with this process."""
    command = module("cliploc.tui.studio", dataset_spec, device)
    return spawned(command, paths.state_dir() / "studio.log", ENVIRONMENT)
