"""What the engine tells the screen. Whole values, so that a burst may be merged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual.message import Message

from tui.curves import Curves
from tui.state import Source

if TYPE_CHECKING:
    from tui.board import Board
    from tui.drawing import Image


@dataclass
class PicturesReady(Message):
    """The pictures of a sample are drawn. note: why some are missing, "" when none is."""

    generation: int
    sample: str
    pictures: Mapping[str, Image]
    curves: Curves | None
    note: str


@dataclass
class SheetReady(Message):
    """The contact sheet of a class is drawn."""

    generation: int
    picture: Image


@dataclass
class BoardReady(Message):
    """The dataset's scores under the present config; None where there are no heatmaps."""

    board: Board | None

    def can_replace(self, message: Message) -> bool:
        """Only the newest board matters."""
        return isinstance(message, BoardReady)


@dataclass
class HeatmapsArrived(Message):
    """New heatmaps of a source are there, or failed. present: how many its set holds now."""

    source: Source
    ids: frozenset[str]
    present: int


@dataclass
class WorkerChanged(Message):
    """What the heatmap worker is doing, in a few words. state: idle, loading, ready, busy or failed."""

    state: str
    text: str

    def can_replace(self, message: Message) -> bool:
        """Only the newest state matters."""
        return isinstance(message, WorkerChanged)


@dataclass
class Trouble(Message):
    """Something went wrong that the user should read once."""

    text: str


@dataclass
class RunsRead(Message):
    """The ledger was read again: all runs, newest first, as plain rows."""

    runs: tuple[object, ...]

    def can_replace(self, message: Message) -> bool:
        """Only the newest reading matters."""
        return isinstance(message, RunsRead)
