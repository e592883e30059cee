"""What the screen inside the model shows, from kept terms: maps, tables and scores for any choice of heads.

Runs on threads; what it answers is plain.
"""

from __future__ import annotations

from collections.abc import Callable

from cliploc.core.datasets import Dataset
from cliploc.core.heatmaps.recipe import Recipe
from cliploc.core.heatmaps.terms import Terms, TermSet, heatmap_of
from cliploc.core.methods.head_switches import Kept, kept
from cliploc.core.stretch import of_itself
from cliploc.core.sweep.heads import HeadScores, iou_of, table_of
from cliploc.tui.answers import HeadReady, HeadsScored, HeadTableReady
from cliploc.tui.state import ExplorerState
from cliploc.tui.studio.heatmaps import Heatmaps
from cliploc.tui.studio.painter import Painter

# Terms of a dataset that are more than this are not kept: only the sample is scored.
LARGE_BYTES = 2_000_000_000
# For true masks and one plane of codes of each image.
CACHE_BYTES = 170_000_000


class Heads:
    """One dataset's heads. `draw` and `score` may be on two threads, each of them on one."""

    def __init__(
        self, dataset: Dataset, heatmaps: Heatmaps, painter: Painter, post: Callable[[object], object]
    ) -> None:
        self._dataset = dataset
        self._heatmaps = heatmaps
        self._painter = painter
        self._post = post
        self._scores: HeadScores | None = None
        self._is_old = False

    def draw(self, generation: int, state: ExplorerState, recipe: Recipe) -> None:
        """The sample's map of the recipe's choice; answers HeadReady."""
        sample = self._dataset.by_id(state.sample)
        terms, note = self._heatmaps.terms(recipe, sample)
        heatmap = all_on = None
        if terms is not None:
            heatmap = of_itself(heatmap_of(terms, chosen_of(recipe, terms)))
            if sample.id not in self._dataset.without_truth:
                all_on = iou_of(terms, kept(*terms.shape[:2]), sample, state.config)
        pictures, curves = self._painter.pictures(state, heatmap, state.config)
        iou = None if curves is None else curves.at("mean_iou", state.config.threshold_index)
        words = self._heatmaps.descriptions(recipe)
        self._post(HeadReady(generation, pictures.get("heatmap"), iou, all_on, note, words))

    def score(
        self,
        generation: int,
        state: ExplorerState,
        recipe: Recipe,
        table: bool,
        cancelled: Callable[[], bool],
    ) -> None:
        """The dataset's mean IoU for the recipe's choice, once the sample's terms are there.

        table: answer HeadTableReady first. Then HeadsScored, unless it was cancelled.
        """
        sample, samples = self._dataset.by_id(state.sample), self._dataset.samples
        found = self._heatmaps.term_set(recipe)
        terms = None if found is None else found.read(sample.id)
        if found is None or terms is None:
            return
        if table:
            is_marked = sample.id not in self._dataset.without_truth
            each = table_of(terms, sample, state.config) if is_marked else None
            unknown: tuple[tuple[float | None, ...], ...] = ((None,) * terms.shape[1],) * terms.shape[0]
            self._post(HeadTableReady(sample.id, each.iou if each else unknown, each.inside if each else ()))
        if len(self._dataset.without_truth) == len(samples):
            note = "no true mask: what a head is worth is not known"
            self._post(HeadsScored(generation, 0, len(samples), None, None, note))
            return
        size = terms.nbytes * len(samples)
        if size > LARGE_BYTES:
            note = f"{size / 1e9:.1f} GB for all samples: only this one is scored"
            self._post(HeadsScored(generation, 0, len(samples), None, None, note))
            return
        self._heatmaps.compute_terms(recipe)
        scores = self._scores_of(found)
        all_on = scores.mean_iou(kept(*terms.shape[:2]), state.config, cancelled)
        shown = scores.mean_iou(chosen_of(recipe, terms), state.config, cancelled)
        if not cancelled():
            self._post(HeadsScored(generation, len(scores.ids), len(samples), shown, all_on, ""))

    def forget(self) -> None:
        """True masks are others now."""
        self._is_old = True

    def _scores_of(self, found: TermSet) -> HeadScores:
        """The scores over these terms, made anew when there are others or more."""
        ids = tuple(found.present(self._dataset.ids))
        if self._scores is None or self._is_old or (self._scores.key, self._scores.ids) != (found.key, ids):
            if self._scores is not None:
                self._scores.close()
            self._is_old = False
            self._scores = HeadScores(found, self._dataset.scorable, cache_bytes=CACHE_BYTES)
        return self._scores


def chosen_of(recipe: Recipe, terms: Terms) -> Kept:
    """The heads that the recipe's heatmap sums."""
    own = dict(recipe.parameters)
    return kept(*terms.shape[:2], layer=int(own["layer"]), head=int(own["head"]), off=str(own["off"]))
