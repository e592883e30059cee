"""Starting the studio. Standard library only: it is started before the screen is loaded."""

from __future__ import annotations

from cliploc.core import paths
from cliploc.core.child import Process, module, spawned


def launched(dataset_spec: str, device: str) -> Process:
    """A studio of a dataset. It ends when its standard input does, that is, with this process."""
    return spawned(module("cliploc.tui.studio", dataset_spec, device), paths.state_dir() / "studio.log")
