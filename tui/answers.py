"""What the studio says to the screen: whole, plain values. Standard library only.

A screen hears an answer in its `on_` handler of the class's name (`on_scores_ready`), and looks whether
it is of the state that it shows. ONLY_NEWEST: one that waits to be heard gives way to the next.
"""

from __future__ import annotations

from array import array
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from cliploc.core.heatmaps.recipe import Recipe
from cliploc.tui.browsing import Order
from cliploc.tui.comparison import Candidate, Difference, Standing
from cliploc.tui.curves import Curves
from cliploc.tui.dataset_scores import DatasetScores
from cliploc.tui.disagreement import Disagreement
from cliploc.tui.graphics.frame import Frame, PictureId
from cliploc.tui.runs import Leader, RunView
from cliploc.tui.state import ExplorerState, Listing, Source

if TYPE_CHECKING:
    from cliploc.core.datasets.statistics import Statistics
    from cliploc.core.postprocess import PostProcess
    from cliploc.core.regions import Region
    from cliploc.core.sweep.rows import RunRow


@dataclass
class PicturesReady:
    """The pictures of a state's sample are drawn. note: why some are missing, "" when none is.

    curves: the sample's scores, None without a heatmap or a true mask; before: those that they are
    compared with, under the source and config `against`. region: of its predicted mask.
    """

    generation: int
    state: ExplorerState
    pictures: Mapping[str, PictureId]
    curves: Curves | None
    region: Region | None
    note: str
    against: tuple[Source, PostProcess] | None = None
    before: Curves | None = None


@dataclass
class SheetReady:
    """The contact sheet of a class is drawn."""

    generation: int
    picture: PictureId


@dataclass
class ScoresReady:
    """The dataset's scores of a source under a config, or an estimate; None without heatmaps or true masks.

    present: how many heatmaps there are.
    """

    ONLY_NEWEST: ClassVar = True

    source: Source
    config: PostProcess
    board: DatasetScores | None
    present: int


@dataclass
class Listed:
    """Which samples a listing has, in which order, and what is known of them.

    source, config: whose IoUs are meant, None before there are any. values: what the listing's order goes by,
    or the IoU, by the samples' places, NaN where not known; empty before anything is. mean: the IoU of those
    `known` of the listed ones, None for none. disagreement: as values, empty unless it was asked for.
    """

    ONLY_NEWEST: ClassVar = True

    listing: Listing
    order: Order
    source: Source | None
    config: PostProcess | None
    values: array[float]
    mean: float | None
    known: int
    disagreement: array[float]


@dataclass
class HeatmapsArrived:
    """New heatmaps of a source are there, or failed. present: how many its set holds now.

    prompt: the free text that one was made for, "" for the template.
    """

    source: Source
    ids: frozenset[str]
    present: int
    prompt: str = ""


@dataclass
class EmbeddingsArrived:
    """What a recipe's network makes of these pictures is known, or will not be."""

    recipe: Recipe
    ids: frozenset[str]


@dataclass
class Ranked:
    """The pictures are compared with the words or the picture of a state's listing, as far as they are known.

    missing: how many are waited for. note: why they cannot be had, "" where they can.
    """

    ONLY_NEWEST: ClassVar = True

    state: ExplorerState
    missing: int
    note: str


@dataclass
class MarkingReady:
    """A sample's picture with its true mask so far and the shape that is begun; its size in pixels.

    shapes: how many are kept.
    """

    ONLY_NEWEST: ClassVar = True

    generation: int
    sample: str
    picture: PictureId
    width: int
    height: int
    shapes: int


@dataclass
class TruthChanged:
    """What is drawn on a sample is another true mask now."""

    sample: str


@dataclass
class WorkerChanged:
    """What the heatmap worker is doing, in a few words. state: idle, loading, ready, busy or failed."""

    ONLY_NEWEST: ClassVar = True

    state: str
    text: str


@dataclass
class Trouble:
    """Something went wrong that the user should read once."""

    text: str


@dataclass
class Told:
    """Something was done that the user asked for, or is good to know about it."""

    text: str


@dataclass
class FetchChanged:
    """A download is under way: its title, what it says, how much is done. "" ends it."""

    ONLY_NEWEST: ClassVar = True

    title: str
    said: str
    part: float | None


@dataclass
class SetsListed:
    """The stored heatmap sets of the dataset: name and how many samples it holds."""

    sets: Mapping[str, int]


@dataclass
class DatasetFound:
    """A dataset that was asked for can be opened."""

    spec: str


@dataclass
class RunsCompared:
    """What `cliploc runs compare --json` found: cross-validated scores, and every pair's difference."""

    runs: tuple[str, ...]
    found: Mapping[str, Any]


@dataclass
class RunsRead:
    """The ledger was read: all runs, the newest first.

    here: those that score the open dataset's true masks as they are now. leaders: the best of these.
    starting: since when (epoch seconds) sweeps are being started that are not in the ledger yet.
    """

    ONLY_NEWEST: ClassVar = True

    runs: tuple[RunRow, ...]
    here: frozenset[str] = frozenset()
    leaders: tuple[Leader, ...] = ()
    starting: tuple[float, ...] = ()


@dataclass
class RunRead:
    """One run was read in full."""

    view: RunView


@dataclass
class CandidatesListed:
    """Who is compared, the present one first. state: the one that was asked about."""

    state: ExplorerState
    kind: str
    candidates: tuple[Candidate, ...]


@dataclass
class CandidateReady:
    """How a candidate stands now. state: the one that was asked about."""

    state: ExplorerState
    candidate: Candidate
    standing: Standing


@dataclass
class DifferencesFound:
    """Where the other candidate is better than mine, and where worse, the largest gain first.

    classes: by class, not by sample. images: that both have. left_out: how many rows between the best and
    the worst are not sent.
    """

    mine: Candidate
    other: Candidate
    score: str
    classes: bool
    rows: tuple[Difference, ...]
    images: int
    left_out: int


@dataclass
class StatisticsReady:
    """The dataset's numbers."""

    statistics: Statistics


@dataclass
class HeadReady:
    """The sample's map of a choice of heads, drawn.

    iou, all_on: of the sample, for the choice and with every head on; None where its terms
    are not there, and `note` says why. words: descriptions by (layer, head), where known.
    """

    generation: int
    picture: PictureId | None
    iou: float | None
    all_on: float | None
    note: str
    words: Mapping[tuple[int, int], tuple[str, ...]]


@dataclass
class HeadTableReady:
    """What each head is worth on a sample, by layer, then head: its IoU, what it adds inside the true mask.

    iou: None for each where there is no true mask. inside: empty where nothing is true.
    """

    sample: str
    iou: tuple[tuple[float | None, ...], ...]
    inside: tuple[tuple[float, ...], ...]


@dataclass
class HeadsScored:
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
class TermsArrived:
    """What the heads add is kept for these samples, for `present` in all. recipe: with all heads on."""

    recipe: Recipe
    ids: frozenset[str]
    present: int


@dataclass
class DisagreementReady:
    """How much the stored sets disagree about each sample, under one config."""

    disagreement: Disagreement


@dataclass
class StudioBack:
    """The studio had died and was started again: what is shown must be asked for anew."""


@dataclass
class SetsFound:
    """The names of the dataset's imported heatmap sets."""

    imported: tuple[str, ...]


@dataclass
class Encoded:
    """The frame of the request with this number; None where its kept picture is gone."""

    number: int
    frame: Frame | None


@dataclass
class Idle:
    """Everything up to the request with this number is done."""

    number: int
