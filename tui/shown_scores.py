"""The explorer's scores, and whether they and the pictures are those of the state that is shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cliploc.tui.curves import Curves
from cliploc.tui.freshness import Key, sample_key, scores_key
from cliploc.tui.state import ExplorerState, Source

if TYPE_CHECKING:
    from cliploc.core.datasets import Dataset
    from cliploc.core.postprocess import PostProcess
    from cliploc.core.regions import Region
    from cliploc.tui.answers import PicturesReady, ScoresReady
    from cliploc.tui.dataset_scores import DatasetScores


NO_TRUTH = "nobody has marked the truth (X draws it), so that nothing can be scored"
BOXES_ALONE = "there are boxes and no true masks: `cliploc evaluate` scores a stored set by MaxBoxAcc"


class ShownScores:
    """What came last, of whatever state; `now` is the one that is shown, and the screen's to set.

    baseline: what differences are to, read at baseline_index. of_sample: came with the pictures.
    """

    def __init__(self, dataset: Dataset, now: ExplorerState) -> None:
        self.dataset = dataset
        self.now = now
        self.board: DatasetScores | None = None
        self.baseline: DatasetScores | None = None
        self.baseline_index = now.config.threshold_index
        self._automatic = True
        self.of_sample: Curves | None = None
        self._region: Region | None = None
        # Of the pictures that came last: their generation and state.
        self._came: tuple[int, ExplorerState | None] = (-1, None)
        # Those, a state, and whether they are its scores: it is asked many times a key.
        self._asked: tuple[ExplorerState | None, ExplorerState, bool] = (None, now, False)
        # What came with them to compare the sample's scores with, and of which source and config it is.
        self._before: tuple[Key, Curves | None] = ((), None)

    @property
    def label(self) -> str:
        """The class of the present sample."""
        return self.dataset.label_of(self.now.sample)

    @property
    def scored(self) -> int:
        """How many images have scores."""
        return self.board.images if self.board else 0

    @property
    def heatmaps(self) -> tuple[str, ...]:
        """The name of the heatmap set that is shown; () while there is none."""
        return () if self.board is None else (self.board.heatmaps,)

    def take_pictures(self, message: PicturesReady) -> None:
        """Pictures of the present sample came, with its scores."""
        self._came, self.of_sample = (message.generation, message.state), message.curves
        self._region = message.region
        self._before = (scores_key(*message.against) if message.against else (), message.before)

    def is_older(self, generation: int) -> bool:
        """Whether pictures are older than those that came last."""
        return generation < self._came[0]

    def take_board(self, message: ScoresReady) -> bool:
        """The dataset's new scores; False when they are of another source, or worse than what is there."""
        board, fresh = message.board, self.is_present(message)
        if not fresh and (message.source != self.now.source or self.has_fresh_board()):
            return False
        if board and fresh and self.has_fresh_columns() and board.images < self.scored:
            return False  # an estimate, beside more
        self.board = board
        if board is not None and fresh and self._renews_baseline(board):
            self.baseline, self.baseline_index = board, self.now.config.threshold_index
        return True

    def fix_baseline(self) -> None:
        """The present scores are the baseline, until others are chosen."""
        self.baseline, self.baseline_index = self.board, self.now.config.threshold_index
        self._automatic = False

    def forget(self) -> None:
        """True masks are others now: neither the scores nor the baseline are of them."""
        self.board = self.baseline = self.of_sample = None
        self._before = ((), None)
        self._automatic = True

    def is_present(self, scored: ScoresReady | DatasetScores) -> bool:
        """Whether scores are those of the present source and config."""
        return scores_key(scored.source, scored.config) == scores_key(self.now.source, self.now.config)

    def has_fresh_board(self) -> bool:
        """Whether the scores of the dataset are there, and those of the present state; or an estimate."""
        return self.board is not None and self.is_present(self.board)

    def has_exact_board(self) -> bool:
        """Whether the scores of the present state are there, over all heatmaps."""
        return self.board is not None and self.board.is_exact and self.is_present(self.board)

    def has_fresh_columns(self) -> bool:
        """Whether also what is known of each sample is at the present threshold."""
        return (
            self.board is not None
            and self.is_present(self.board)
            and self.board.config.threshold_index == self.now.config.threshold_index
        )

    def has_fresh_pictures(self) -> bool:
        """Whether the pictures that came last are those of the present state."""
        came = self._came[1]
        return came is not None and drawn_from(came) == drawn_from(self.now)

    def stale(self) -> frozenset[str]:
        """The scopes whose scores are those of a state before."""
        old = set() if self._is_samples() else {"sample"}
        if not self.has_exact_board():
            old.add("class")  # an estimate has few of it, and no interval
        return frozenset(old if self.has_fresh_board() else old | {"all"})

    def curves(self, scope: str) -> Curves | None:
        """The newest curves of sample, class or all; `stale` says which are not the present state's."""
        return self.of_sample if scope == "sample" else self._of(self.board, scope)

    @property
    def region(self) -> Region | None:
        """What is known of the present sample's mask where it has no scores; None where it has."""
        return self._region if self._is_samples() and self.of_sample is None else None

    @property
    def has_no_truth(self) -> bool:
        """Whether nothing can be scored: no sample has a true mask, as far as that is known."""
        return self.region is not None and self.board is None

    @property
    def no_truth(self) -> str:
        """Why nothing can be scored, in a sentence; "" where something can, or that is not known yet."""
        if not self.has_no_truth:
            return ""
        return BOXES_ALONE if self.dataset.boxed else NO_TRUTH

    def refusal_of(self, page: str) -> str:
        """Why a page cannot be opened here, "" where it can."""
        if page == "compose" and self.has_no_truth:
            return self.no_truth
        if page == "marking" and self.dataset.drawing is None:
            own = "boxes" if self.dataset.boxed else "true masks"
            return f"this dataset has {own} of its own; pictures alone are drawn on"
        return ""

    def baseline_curves(self, scope: str) -> Curves | None:
        """What the curves are compared with."""
        return self._sample_before() if scope == "sample" else self._of(self.baseline, scope)

    @property
    def against(self) -> tuple[Source, PostProcess] | None:
        """What the present sample's scores are to be compared with."""
        return None if self.baseline is None else (self.baseline.source, self.baseline.config)

    def _is_samples(self) -> bool:
        """Whether what came with the pictures are the present sample's scores."""
        came, now, answer = self._asked
        if came is not self._came[1] or now is not self.now:
            came, now = self._came[1], self.now
            answer = came is not None and sample_key(came) == sample_key(now)
            self._asked = came, now, answer
        return answer

    def _sample_before(self) -> Curves | None:
        """The present sample's scores under the baseline, as far as they came with its pictures."""
        came = self._came[1]
        if came is None or self.against is None or came.sample != self.now.sample:
            return None
        wanted = scores_key(*self.against)
        if wanted == scores_key(came.source, came.config) and not came.prompt:
            return self.of_sample
        return self._before[1] if self._before[0] == wanted else None

    def _renews_baseline(self, board: DatasetScores) -> bool:
        """Whether a board is a baseline: the first one, and the same one with more images."""
        if self.baseline is None:
            return True
        alike = (board.source, board.config) == (self.baseline.source, self.baseline.config)
        return self._automatic and alike and board.images > self.baseline.images

    def _of(self, board: DatasetScores | None, scope: str) -> Curves | None:
        return None if board is None else board.curves(self.label if scope == "class" else None)


def drawn_from(state: ExplorerState) -> tuple[object, ...]:
    """What of a state its pictures show."""
    return (state.sample, state.source, state.config, state.prompt, state.view)
