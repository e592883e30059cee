"""How candidates stand: their scores on every heatmap there is, and their pictures of one sample.

Runs on a thread.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from cliploc.core.datasets import Dataset
from cliploc.core.errors import ClipLocError
from cliploc.core.metrics import SCORES, Counts, stacked
from cliploc.core.postprocess import PostProcess
from cliploc.core.stretch import AnyHeatmap
from cliploc.core.sweep.baselines import BASELINES, baseline_counts
from cliploc.tui import comparison
from cliploc.tui.comparison import Candidate, Standing
from cliploc.tui.state import ExplorerState
from cliploc.tui.studio.heatmaps import COMPUTING, Heatmaps
from cliploc.tui.studio.painter import Painter
from cliploc.tui.studio.scoring import column, mean_of
from cliploc.tui.studio.tallies import Tallies, Tally


class Comparer:
    """Candidates on one dataset. Call from one thread."""

    def __init__(self, dataset: Dataset, heatmaps: Heatmaps, painter: Painter, tallies: Tallies) -> None:
        self._dataset = dataset
        self._heatmaps = heatmaps
        self._painter = painter
        self._tallies = tallies
        self._baselines: dict[str, Counts] = {}

    def candidates(
        self, kind: str, state: ExplorerState, presets: Mapping[str, PostProcess]
    ) -> tuple[Candidate, ...]:
        """Who is compared; the present one is first."""
        here = self._heatmaps.set_of(state.source) if kind == "sets" else None
        found = self._heatmaps.stored() if kind == "sets" else []
        others = [each.name for each in found if here is None or each.key != here.key]
        stored = [here.name if here else state.source.title, *others]
        return comparison.candidates(kind, state, self._dataset.name, stored, presets)

    def standing(
        self, candidate: Candidate, state: ExplorerState, cancelled: Callable[[], bool]
    ) -> Standing | None:
        """What is known of a candidate; asks the worker for its missing map of the present sample.

        None when cancelled. What goes wrong is the standing's note.
        """
        try:
            if candidate.baseline:
                return self._without_network(candidate, state, cancelled)
            scored = None if candidate.prompt or not self._can_score() else self._scored(candidate, cancelled)
            if cancelled():
                return None
            return self._with_sample(candidate, state, scored)
        except ClipLocError as error:
            return Standing(note=str(error), failed=True)

    def _can_score(self) -> bool:
        return len(self._dataset.without_truth) < len(self._dataset.samples)

    def forget(self) -> None:
        """True masks are others now."""
        self._baselines = {}

    def _with_sample(self, candidate: Candidate, state: ExplorerState, scored: Tally | None) -> Standing:
        sample = self._dataset.by_id(state.sample)
        heatmap, note = self._heatmaps.read(candidate.source, sample, candidate.prompt)
        return self._stands(candidate, state, scored, heatmap, note)

    def _stands(
        self,
        candidate: Candidate,
        state: ExplorerState,
        scored: Tally | None,
        heatmap: AnyHeatmap | None,
        note: str,
    ) -> Standing:
        """note: why there is no heatmap of the sample."""
        config = candidate.config
        scores = {name: _by_sample(scored, name, config.threshold_index) if scored else {} for name in SCORES}
        means = mean_of(scored.counts) if scored else None
        if heatmap is None:
            return Standing(scores, means, note=note, failed=note != COMPUTING)
        pictures, curves = self._painter.pictures(state, heatmap, config)
        return Standing(scores, means, curves, pictures)

    def _without_network(
        self, candidate: Candidate, state: ExplorerState, cancelled: Callable[[], bool]
    ) -> Standing | None:
        """A mask that needs no network; they are scored together, once."""
        height, width = self._dataset.by_id(state.sample).image().shape[:2]
        map_ = BASELINES[candidate.baseline]((height, width))
        if candidate.alone or not self._can_score():
            return self._stands(candidate, state, None, map_, "")
        counts = self._baselines
        if not counts:
            found = []
            for sample in self._dataset.scorable:
                if cancelled():
                    return None
                found.append(baseline_counts(sample))
            counts = dict(zip(BASELINES, map(stacked, zip(*found, strict=True)), strict=True))
            self._baselines = counts
        ids = tuple(sample.id for sample in self._dataset.scorable)
        scored = Tally(ids, counts[candidate.baseline])
        return self._stands(candidate, state, scored, map_, "")

    def _scored(self, candidate: Candidate, cancelled: Callable[[], bool]) -> Tally | None:
        """The counts of all its heatmaps; None without any."""
        found = self._heatmaps.set_of(candidate.source)
        return None if found is None else self._tallies.of(found, candidate.config, cancelled)


def _by_sample(tally: Tally, score: str, index: int) -> dict[str, float]:
    return dict(zip(tally.ids, column(tally.counts, score, index).tolist(), strict=True))
