"""The explorer's scores, and whether they and the pictures are those of the state that is shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.reactive import var
from textual.screen import Screen

from cliploc.tui.answers import BoardReady, Scoring
from cliploc.tui.browsing import NO_FACTS, Facts
from cliploc.tui.curves import Curves, figure
from cliploc.tui.engine import Engine
from cliploc.tui.freshness import sample_key, scores_key
from cliploc.tui.state import ExplorerState

if TYPE_CHECKING:
    from cliploc.core.datasets import Sample
    from cliploc.tui.board import Board


class ExplorerScores(Screen[None]):
    """What came last, of whatever state; nothing here is drawn."""

    # Not a `reactive`: that would repaint the whole screen.
    state: var[ExplorerState | None] = var(None, init=False)

    def __init__(self, engine: Engine, state: ExplorerState) -> None:
        super().__init__(id="explorer")
        self.engine = engine
        self.set_reactive(ExplorerScores.state, state)
        self.order: tuple[Sample, ...] = ()
        self.board: Board | None = None
        self.baseline: Board | None = None
        self.baseline_index = state.config.threshold_index
        self.automatic_baseline = True
        self.sample_curves: Curves | None = None
        # Of the pictures that came last: their generation and state.
        self._came: tuple[int, ExplorerState | None] = (-1, None)
        self.facts: Facts = NO_FACTS

    @property
    def now(self) -> ExplorerState:
        """The present state."""
        assert self.state is not None  # set before mounting, never cleared
        return self.state

    def _drawn_from(self, state: ExplorerState) -> tuple[object, ...]:
        return (state.sample, state.source, state.config, state.prompt, state.view)

    def _is_present(self, scored: BoardReady | Scoring | Board) -> bool:
        """Whether scores are those of the present source and config."""
        return scores_key(scored.source, scored.config) == scores_key(self.now.source, self.now.config)

    def has_fresh_board(self) -> bool:
        """Whether the scores of the dataset are there, and those of the present state."""
        return self.board is not None and self._is_present(self.board)

    def has_fresh_pictures(self) -> bool:
        """Whether the pictures that came last are those of the present state."""
        return self._came[1] is not None and self._drawn_from(self._came[1]) == self._drawn_from(self.now)

    def stale(self) -> frozenset[str]:
        """The scopes whose scores are those of a state before."""
        came = self._came[1]
        sample = came is None or sample_key(came) != sample_key(self.now)
        old = {"sample"} if sample and self._sample_on_board() is None else set()
        return frozenset(old if self.has_fresh_board() else old | {"class", "all"})

    def _sample_on_board(self) -> Curves | None:
        """The present sample's scores from those of the dataset."""
        if self.now.prompt or self.board is None or not self.has_fresh_board():
            return None
        return self.board.of_sample(self.now.sample)

    def _renews_baseline(self, board: Board) -> bool:
        """Whether a board is a baseline: the first one, and the same one with more images."""
        if self.baseline is None:
            return True
        alike = (board.source, board.config) == (self.baseline.source, self.baseline.config)
        return self.automatic_baseline and alike and len(board.ids) > len(self.baseline.ids)

    def curves(self, scope: str) -> Curves | None:
        """The newest curves of sample, class or all; `stale` says which are not the present state's."""
        if scope == "sample":
            came = self._came[1]
            fresh = came is not None and sample_key(came) == sample_key(self.now)
            return self.sample_curves if fresh else self._sample_on_board() or self.sample_curves
        return self._board_curves(self.board, scope)

    def _board_curves(self, board: Board | None, scope: str) -> Curves | None:
        if board is None:
            return None
        if scope == "sample":
            return board.of_sample(self.now.sample)
        return board.curves(self.engine.dataset.by_id(self.now.sample).label if scope == "class" else None)

    def _list_mean(self) -> str:
        """The mean IoU of the samples that are listed, and of how many of them where some have none."""
        ious = [self.facts.iou[sample.id] for sample in self.order if sample.id in self.facts.iou]
        if not ious:
            return ""
        some = "" if len(ious) == len(self.order) else f" of {len(ious)}"
        return f"IoU {figure(sum(ious) / len(ious), 2)}{some}"
