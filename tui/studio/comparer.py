"""How candidates stand: their scores on every heatmap there is, and their pictures of one sample.

Runs on a thread. What each candidate scores stays here: the screen gets means, and what it shows.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from functools import cached_property

import numpy as np

from cliploc.core.datasets import Dataset
from cliploc.core.errors import ClipLocError
from cliploc.core.metrics import SCORES, Counts, stacked
from cliploc.core.postprocess import PostProcess
from cliploc.core.stretch import AnyHeatmap
from cliploc.core.sweep.baselines import BASELINES, baseline_counts
from cliploc.core.sweep.estimate import Places
from cliploc.tui import comparison
from cliploc.tui.comparison import Candidate, Difference, Standing, Versus
from cliploc.tui.state import ExplorerState
from cliploc.tui.studio.contest import Columns, both, by_class, by_sample, versus
from cliploc.tui.studio.heatmaps import COMPUTING, Heatmaps
from cliploc.tui.studio.painter import Painter
from cliploc.tui.studio.scoring import Classes, mean_of
from cliploc.tui.studio.tallies import Tallies, Tally

# More than a page has rows.
COLUMNS_KEPT = 64


class Comparer:
    """Candidates on one dataset. Call from one thread; `differences` from any."""

    def __init__(self, dataset: Dataset, heatmaps: Heatmaps, painter: Painter, tallies: Tallies) -> None:
        self._dataset = dataset
        self._heatmaps = heatmaps
        self._painter = painter
        self._tallies = tallies
        self._baselines: dict[str, Counts] = {}
        self._columns: OrderedDict[Candidate, Columns] = OrderedDict()

    @cached_property
    def _images(self) -> Places:
        """The number of each sample's source image."""
        sources = self._dataset.sources
        return np.unique([sources[id_] for id_ in self._dataset.ids], return_inverse=True)[1]

    @cached_property
    def _classes(self) -> Classes:
        return Classes.of(self._dataset.label_column)

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
        self,
        candidate: Candidate,
        state: ExplorerState,
        cancelled: Callable[[], bool],
        first: Candidate | None = None,
    ) -> Standing | None:
        """What is known of a candidate; asks the worker for its missing map of the present sample.

        None when cancelled. What goes wrong is the standing's note. first: one that stood before, and
        that this one is compared with.
        """
        try:
            if candidate.baseline:
                return self._without_network(candidate, state, cancelled, first)
            scored = None if candidate.prompt or not self._can_score() else self._scored(candidate, cancelled)
            if cancelled():
                return None
            return self._with_sample(candidate, state, scored, first)
        except ClipLocError as error:
            return Standing(note=str(error), failed=True)

    def differences(
        self, mine: Candidate, other: Candidate, score: str, *, classes: bool
    ) -> list[Difference]:
        """Where the other one is better, and where worse; of samples, or of classes. [] before both stood."""
        first, second = self._columns.get(mine), self._columns.get(other)
        if first is None or second is None:
            return []
        shared = both(first, second, score)
        ids = self._dataset.ids
        return by_class(*shared, ids, self._classes) if classes else by_sample(*shared, ids)

    def _can_score(self) -> bool:
        return len(self._dataset.without_truth) < len(self._dataset.samples)

    def forget(self) -> None:
        """True masks are others now."""
        self._baselines = {}
        self._columns = OrderedDict()

    def _with_sample(
        self, candidate: Candidate, state: ExplorerState, scored: Tally | None, first: Candidate | None
    ) -> Standing:
        sample = self._dataset.by_id(state.sample)
        heatmap, note = self._heatmaps.read(candidate.source, sample, candidate.prompt)
        return self._stands(candidate, state, scored, heatmap, note, first)

    def _stands(
        self,
        candidate: Candidate,
        state: ExplorerState,
        scored: Tally | None,
        heatmap: AnyHeatmap | None,
        note: str,
        first: Candidate | None,
    ) -> Standing:
        """note: why there is no heatmap of the sample."""
        coverage, means, against = "", None, {}
        if scored is not None:
            columns = Columns.of(scored, self._dataset.places, candidate.config.threshold_index)
            self._keep(candidate, columns)
            coverage, means, against = columns.coverage, mean_of(scored.counts), self._against(first, columns)
        if heatmap is None:
            return Standing(coverage, against, means, note=note, failed=note != COMPUTING)
        pictures, curves = self._painter.pictures(state, heatmap, candidate.config)
        return Standing(coverage, against, means, curves, pictures)

    def _keep(self, candidate: Candidate, columns: Columns) -> None:
        kept = self._columns  # `forget` puts another in its place, on another thread
        kept[candidate] = columns
        kept.move_to_end(candidate)
        while len(kept) > COLUMNS_KEPT:
            kept.popitem(last=False)

    def _against(self, first: Candidate | None, columns: Columns) -> dict[str, Versus]:
        """How one does against the first, by score; {} where they have no sample in common."""
        theirs = None if first is None else self._columns.get(first)
        if theirs is None or theirs is columns:
            return {}
        found = {}
        for score in SCORES:
            places, mine, other = both(theirs, columns, score)
            found[score] = versus(other - mine, self._images[places])
        return {score: each for score, each in found.items() if each is not None}

    def _without_network(
        self,
        candidate: Candidate,
        state: ExplorerState,
        cancelled: Callable[[], bool],
        first: Candidate | None,
    ) -> Standing | None:
        """A mask that needs no network; they are scored together, once."""
        height, width = self._dataset.by_id(state.sample).image().shape[:2]
        map_ = BASELINES[candidate.baseline]((height, width))
        if candidate.alone or not self._can_score():
            return self._stands(candidate, state, None, map_, "", None)
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
        return self._stands(candidate, state, scored, map_, "", first)

    def _scored(self, candidate: Candidate, cancelled: Callable[[], bool]) -> Tally | None:
        """The counts of all its heatmaps; None without any."""
        found = self._heatmaps.set_of(candidate.source)
        return None if found is None else self._tallies.of(found, candidate.config, cancelled)
