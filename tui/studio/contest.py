"""How contenders stand: their scores on every heatmap there is, and their pictures of one sample.

Runs on a lane.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from cliploc.core.datasets import Dataset
from cliploc.core.errors import ClipLocError
from cliploc.core.heatmaps.store import Heatmap
from cliploc.core.metrics import SCORES, Counts, stacked
from cliploc.core.postprocess import PostProcess
from cliploc.core.sweep.baselines import BASELINES, baseline_counts
from cliploc.tui import comparison
from cliploc.tui.board import Board
from cliploc.tui.comparison import Contender, Standing
from cliploc.tui.state import ExplorerState
from cliploc.tui.studio.heatmaps import COMPUTING, Heatmaps
from cliploc.tui.studio.painter import Painter
from cliploc.tui.studio.scoring import board_of
from cliploc.tui.studio.tallies import Tallies, Tally


class Contest:
    """Contenders on one dataset. Call from one thread."""

    def __init__(self, dataset: Dataset, heatmaps: Heatmaps, painter: Painter, tallies: Tallies) -> None:
        self._dataset = dataset
        self._heatmaps = heatmaps
        self._painter = painter
        self._tallies = tallies
        self._baselines: dict[str, Counts] = {}

    def contenders(
        self, kind: str, state: ExplorerState, presets: Mapping[str, PostProcess]
    ) -> tuple[Contender, ...]:
        """Who is compared; the present one is first."""
        here = self._heatmaps.set_of(state.source) if kind == "sets" else None
        found = self._heatmaps.stored() if kind == "sets" else []
        others = [each.name for each in found if here is None or each.key != here.key]
        stored = [here.name if here else state.source.title, *others]
        return comparison.contenders(kind, state, self._dataset.name, stored, presets)

    def standing(
        self, contender: Contender, state: ExplorerState, cancelled: Callable[[], bool]
    ) -> Standing | None:
        """What is known of a contender; asks the worker for its missing map of the present sample.

        None when cancelled. What goes wrong is the standing's note.
        """
        try:
            if contender.baseline:
                return self._without_network(contender, state, cancelled)
            scored = None if contender.prompt else self._scored(contender, cancelled)
            if cancelled():
                return None
            return self._with_sample(contender, state, scored)
        except ClipLocError as error:
            return Standing(note=str(error), failed=True)

    def _with_sample(self, contender: Contender, state: ExplorerState, scored: Board | None) -> Standing:
        sample = self._dataset.by_id(state.sample)
        heatmap, note = self._heatmaps.read(contender.source, sample, contender.prompt)
        return self._stands(contender, state, scored, heatmap, note)

    def _stands(
        self,
        contender: Contender,
        state: ExplorerState,
        scored: Board | None,
        heatmap: Heatmap | None,
        note: str,
    ) -> Standing:
        """note: why there is no heatmap of the sample."""
        config = contender.config
        scores = {name: scored.by_sample(name, config.threshold_index) if scored else {} for name in SCORES}
        means = scored.curves() if scored else None
        if heatmap is None:
            return Standing(scores, means, note=note, failed=note != COMPUTING)
        pictures, curves = self._painter.pictures(state, heatmap, config)
        return Standing(scores, means, curves, pictures)

    def _without_network(
        self, contender: Contender, state: ExplorerState, cancelled: Callable[[], bool]
    ) -> Standing | None:
        """A mask that needs no network; they are scored together, once."""
        height, width = self._dataset.by_id(state.sample).true_mask().shape
        map_ = BASELINES[contender.baseline]((height, width))
        if contender.alone:
            return self._stands(contender, state, None, map_, "")
        if not self._baselines:
            found = []
            for sample in self._dataset.scorable:
                if cancelled():
                    return None
                found.append(baseline_counts(sample))
            self._baselines = dict(zip(BASELINES, map(stacked, zip(*found, strict=True)), strict=True))
        ids = tuple(sample.id for sample in self._dataset.scorable)
        scored = self._board(contender, contender.name, Tally(ids, self._baselines[contender.baseline]))
        return self._stands(contender, state, scored, map_, "")

    def _board(self, contender: Contender, name: str, tally: Tally) -> Board:
        labels = tuple(self._dataset.by_id(id_).label for id_ in tally.ids)
        return board_of(contender.source, contender.config, name, tally.ids, labels, tally.counts)

    def _scored(self, contender: Contender, cancelled: Callable[[], bool]) -> Board | None:
        """The scores of all its heatmaps; None without any."""
        found = self._heatmaps.set_of(contender.source)
        if found is None:
            return None
        tally = self._tallies.of(found, contender.config, cancelled)
        return None if tally is None else self._board(contender, found.name, tally)
