"""What a page is opened over."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from cliploc.core.terminal import Terminal
from cliploc.tui.state import ExplorerState
from cliploc.tui.studio_client import StudioClient


@dataclass(frozen=True)
class Around:
    """The explorer as a page finds it.

    heatmaps: the set that is shown, () while there is none. rate: configs x images per second of the
    newest run that knows.
    """

    client: StudioClient
    state: ExplorerState
    terminal: Terminal
    keymap: Mapping[str, str]
    heatmaps: tuple[str, ...]
    rate: float | None
