"""What the engine tells the screen. Whole values, so that a burst may be merged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual.message import Message

from tui.comparison import Contender, Standing
from tui.curves import Curves
from tui.state import ExplorerState, Source

if TYPE_CHECKING:
    from core.datasets.statistics import Statistics
    from core.sweep.ledger import RunRow
    from tui.board import Board
    from tui.disagreement import Disagreement
    from tui.drawing import Image
    from tui.runs import RunView


@dataclass
class PicturesReady(Message, bubble=False):
    """The pictures of a sample are drawn. note: why some are missing, "" when none is."""

    generation: int
    sample: str
    pictures: Mapping[str, Image]
    curves: Curves | None
    note: str


@dataclass
class SheetReady(Message, bubble=False):
    """The contact sheet of a class is drawn."""

    generation: int
    picture: Image


@dataclass
class BoardReady(Message, bubble=False):
    """The dataset's scores under the present config; None where there are no heatmaps."""

    board: Board | None

    def can_replace(self, message: Message) -> bool:
        """Only the newest board matters."""
        return isinstance(message, BoardReady)


@dataclass
class HeatmapsArrived(Message, bubble=False):
    """New heatmaps of a source are there, or failed. present: how many its set holds now.

    prompt: the free text that one was made for, "" for the template.
    """

    source: Source
    ids: frozenset[str]
    present: int
    prompt: str = ""


@dataclass
class WorkerChanged(Message, bubble=False):
    """What the heatmap worker is doing, in a few words. state: idle, loading, ready, busy or failed."""

    state: str
    text: str

    def can_replace(self, message: Message) -> bool:
        """Only the newest state matters."""
        return isinstance(message, WorkerChanged)


@dataclass
class Trouble(Message, bubble=False):
    """Something went wrong that the user should read once."""

    text: str


@dataclass
class Told(Message, bubble=False):
    """Something was done that the user asked for."""

    text: str


@dataclass
class RunsRead(Message, bubble=False):
    """The ledger was read: all runs, the newest first."""

    runs: tuple[RunRow, ...]

    def can_replace(self, message: Message) -> bool:
        """Only the newest reading matters."""
        return isinstance(message, RunsRead)


@dataclass
class RunRead(Message, bubble=False):
    """One run was read in full."""

    view: RunView


@dataclass
class ContendersListed(Message, bubble=False):
    """Who is compared, the present one first. state: the one that was asked about."""

    state: ExplorerState
    kind: str
    contenders: tuple[Contender, ...]


@dataclass
class ContenderReady(Message, bubble=False):
    """How a contender stands now. state: the one that was asked about."""

    state: ExplorerState
    contender: Contender
    standing: Standing


@dataclass
class StatisticsReady(Message, bubble=False):
    """The dataset's numbers."""

    statistics: Statistics


@dataclass
class HeadReady(Message, bubble=False):
    """The map of one (layer, head), drawn. words: descriptions by place, as far as they are known."""

    generation: int
    place: tuple[int, int]
    picture: Image | None
    curves: Curves | None
    note: str
    words: Mapping[tuple[int, int], tuple[str, ...]]


@dataclass
class DisagreementReady(Message, bubble=False):
    """How much the stored sets disagree about each sample, under one config."""

    disagreement: Disagreement


@dataclass(frozen=True)
class Reopen:
    """What the app exits with to be started again on another dataset."""

    dataset: str
