"""What the engine tells the screen. Whole values, so that a burst may be merged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual.message import Message

from core.heatmaps.recipe import Recipe
from tui.comparison import Contender
from tui.curves import Curves
from tui.state import Source

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
    """New heatmaps of a source are there, or failed. present: how many its set holds now."""

    source: Source
    ids: frozenset[str]
    present: int


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
class ContenderReady(Message, bubble=False):
    """One more contender is scored. generation: of the comparison that asked."""

    generation: int
    contender: Contender


@dataclass
class StatisticsReady(Message, bubble=False):
    """The dataset's numbers."""

    statistics: Statistics


@dataclass
class HeadReady(Message, bubble=False):
    """The sample's map of a choice of heads, drawn.

    iou, all_on: of the sample, for the choice and with every head on; None where its terms
    are not there, and `note` says why. words: descriptions by (layer, head), where known.
    """

    generation: int
    picture: Image | None
    iou: float | None
    all_on: float | None
    note: str
    words: Mapping[tuple[int, int], tuple[str, ...]]


@dataclass
class HeadTableReady(Message, bubble=False):
    """What each head is worth on a sample, by layer, then head: its IoU, what it adds inside the true mask.

    inside: empty where nothing is true.
    """

    sample: str
    iou: tuple[tuple[float, ...], ...]
    inside: tuple[tuple[float, ...], ...]


@dataclass
class HeadsScored(Message, bubble=False):
    """The mean IoU over `images` of `total` samples for a choice of heads, and with every head on.

    note: why nothing is scored, "" otherwise.
    """

    generation: int
    images: int
    total: int
    shown: float | None
    all_on: float | None
    note: str


@dataclass
class TermsArrived(Message, bubble=False):
    """What the heads add is kept for these samples, for `present` in all. recipe: with all heads on."""

    recipe: Recipe
    ids: frozenset[str]
    present: int


@dataclass
class DisagreementReady(Message, bubble=False):
    """How much the stored sets disagree about each sample, under one config."""

    disagreement: Disagreement


@dataclass(frozen=True)
class Reopen:
    """What the app exits with to be started again on another dataset."""

    dataset: str
