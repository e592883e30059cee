"""Scores of the whole dataset, as the user turns the knobs, and of what it is compared with."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from core.datasets import Dataset
from core.heatmaps.store import HeatmapSet
from core.metrics import Counts
from core.postprocess import PostProcess
from core.sweep.live import LiveScores
from tui.answers import BoardReady, ContenderReady, DisagreementReady
from tui.board import Board
from tui.comparison import Contender
from tui.state import ExplorerState, Source
from tui.studio.disputes import disagreement
from tui.studio.heatmaps import Heatmaps
from tui.studio.lanes import Cancelled
from tui.studio.painter import Painter
from tui.studio.scoring import board_of

# Planes of codes kept for live scores: 512 images of 256 x 256 fit nine times, so that
# a step of either kernel goes on from the last one.
LIVE_CACHE_BYTES = 320_000_000


class Scorer:
    """Each method is called on one lane at a time."""

    def __init__(
        self, dataset: Dataset, heatmaps: Heatmaps, painter: Painter, post: Callable[[object], object]
    ) -> None:
        self._dataset = dataset
        self._heatmaps = heatmaps
        self._painter = painter
        self._post = post
        self._live: LiveScores | None = None
        self._live_of: tuple[str, int] = ("", 0)

    def score(self, source: Source, config: PostProcess, cancelled: Cancelled) -> None:
        """Score every sample that has a heatmap."""
        found = self._heatmaps.set_of(source)
        live = None if found is None else self._live_scores(found)
        if found is None or live is None or not live.ids:
            self._post(BoardReady(None))
            return
        counts = live.counts(config, cancelled)
        if counts is not None:
            self._post(BoardReady(self._board(source, config, found.name, live.ids, counts)))

    def disagree(self, config: PostProcess, cancelled: Cancelled) -> None:
        """Score the samples with every stored set."""
        found = disagreement(self._heatmaps.stored(), self._dataset.samples, config, cancelled)
        if found is not None:
            self._post(DisagreementReady(found))

    def compare(
        self,
        generation: int,
        state: ExplorerState,
        presets: Mapping[str, PostProcess],
        cancelled: Cancelled,
    ) -> None:
        """The present source under each preset, or each stored set under the present config."""
        pairs = [("present", state.source, state.config)]
        if presets:
            pairs += [(name, state.source, config) for name, config in presets.items()]
        else:
            here = self._heatmaps.set_of(state.source)
            found = [s for s in self._heatmaps.stored() if here is None or s.key != here.key]
            pairs = [(here.name if here else state.source.title, state.source, state.config)]
            pairs += [(s.name, Source(stored=s.name), state.config) for s in found]
        for name, source, config in pairs:
            contender = self._contender(name, source, config, state, cancelled)
            if cancelled():
                return
            if contender is not None:
                self._post(ContenderReady(generation, contender))

    def _contender(
        self, name: str, source: Source, config: PostProcess, state: ExplorerState, cancelled: Cancelled
    ) -> Contender | None:
        found = self._heatmaps.set_of(source)
        if found is None:
            return None
        # Nothing is kept: each config is scored once.
        live = LiveScores(found.read_all(), self._dataset.samples, cache_bytes=0)
        counts = live.counts(config, cancelled)
        live.close()
        if counts is None:
            return None
        board = self._board(source, config, found.name, live.ids, counts)
        picture, curves = self._painter.one("mask", state, found.read(state.sample), config)
        return Contender(name, source, config, board, picture, curves)

    def _board(
        self, source: Source, config: PostProcess, name: str, ids: tuple[str, ...], counts: Counts
    ) -> Board:
        labels = tuple(self._dataset.by_id(id_).label for id_ in ids)
        return board_of(source, config, name, ids, labels, counts)

    def _live_scores(self, found: HeatmapSet) -> LiveScores:
        """The live scores of a set, made anew when it is another one or has grown."""
        present = len(found.ids())
        if (found.key, present) != self._live_of or self._live is None:
            if self._live is not None:
                self._live.close()
            self._live = LiveScores(found.read_all(), self._dataset.samples, cache_bytes=LIVE_CACHE_BYTES)
            self._live_of = (found.key, present)
        return self._live
