"""Where heatmaps come from: the store for what is there, the worker process for what is not."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future

from cliploc.core.datasets import Dataset, Sample
from cliploc.core.errors import ParameterError
from cliploc.core.heatmaps.client import Worker
from cliploc.core.heatmaps.identity import IMPORTED
from cliploc.core.heatmaps.protocol import (
    Computed,
    Died,
    Embedded,
    Event,
    Failed,
    Loading,
    Ready,
    TermsComputed,
    TextComputed,
)
from cliploc.core.heatmaps.recipe import Recipe
from cliploc.core.heatmaps.store import Heatmap, HeatmapSet, HeatmapStore
from cliploc.core.heatmaps.terms import Terms, TermSet, all_heads
from cliploc.core.heatmaps.terms import found as kept_terms
from cliploc.core.methods.descriptions import load, place_of
from cliploc.core.metrics import Floats
from cliploc.core.postprocess import PostProcess
from cliploc.core.stretch import AnyHeatmap, of_itself
from cliploc.tui.answers import (
    EmbeddingsArrived,
    HeatmapsArrived,
    SetsFound,
    TermsArrived,
    Told,
    Trouble,
    WorkerChanged,
)
from cliploc.tui.state import Source
from cliploc.tui.studio.elsewhere import Elsewhere

log = logging.getLogger(__name__)
NEIGHBOURS = 3
COMPUTING = "computing the heatmap …"


class Heatmaps:
    """Sets by source, and requests for what is missing. Thread-safe; reads files, so call it on a thread."""

    def __init__(self, dataset: Dataset, post: Callable[[object], object], device: str) -> None:
        self.dataset = dataset
        self._post = post
        self._worker = Worker(dataset.spec, self._on_event, device)
        self._elsewhere = Elsewhere(self._worker)
        self._lock = threading.Lock()
        self._sets: dict[Source, HeatmapSet] = {}
        self._texts: dict[tuple[Recipe, str, str], AnyHeatmap] = {}
        self._asked: set[tuple[Recipe, str]] = set()
        self._words: dict[tuple[Recipe, str], Heatmap] = {}
        self._embedding: set[tuple[Recipe, str]] = set()
        self._terms_asked: set[Recipe] = set()
        self._failed: dict[Recipe, str] = {}
        self._told: set[str] = set()
        self._imported: tuple[str, ...] = ()
        self._unclear: dict[str, str] = {}  # why a name is no stored set's

    def set_of(self, source: Source) -> HeatmapSet | None:
        """The stored set of a source; None while there is none, or none that is meant by the name."""
        with self._lock:
            found = self._sets.get(source)
        if found is None:
            try:
                found = self._find(source)
            except ParameterError as error:
                if source.stored not in self._unclear:
                    self._post(Trouble(str(error)))
                self._unclear[source.stored] = str(error)
                return None
            if found is not None:
                with self._lock:
                    self._sets[source] = found
        return found

    def read(self, source: Source, sample: Sample, prompt: str) -> tuple[AnyHeatmap | None, str]:
        """The heatmap of a sample, or why it is not there; asks the worker for a missing one.

        prompt: free text instead of the template, "" for none.
        """
        if prompt and not source.stored:
            return self._read_text(source.recipe, sample, prompt)
        found = self.set_of(source)
        heatmap = None if found is None else found.read(sample.id)
        if heatmap is not None:
            return heatmap, ""
        if source.stored:
            unclear = "" if found else self._unclear.get(source.stored, "")
            return None, unclear or f"the set {source.stored} has no heatmap of this sample"
        return None, self._ask(source.recipe, sample)

    def prefetch(self, source: Source, sample: Sample) -> None:
        """Ask for the heatmaps of the samples around one, when the worker has nothing better to do."""
        if source.stored or source.recipe in self._failed:
            return
        ids, place = self.dataset.ids, self.dataset.place_of(sample.id)
        around = [*ids[place + 1 : place + 1 + NEIGHBOURS], *ids[max(place - NEIGHBOURS, 0) : place]]
        found = self.set_of(source)
        present = set() if found is None else set(found.ids())
        self._request(source.recipe, [id_ for id_ in around if id_ not in present], urgent=False)

    def compute_all(self, source: Source) -> None:
        """Ask for every sample of the dataset; what is there already is not computed again."""
        if source.stored:
            return
        self._failed.pop(source.recipe, None)
        found = self.set_of(source)
        present = set() if found is None else set(found.ids())
        missing = [id_ for id_ in self.dataset.ids if id_ not in present]
        if missing:
            self._worker.request(source.recipe, missing, urgent=False)

    def counted_elsewhere(
        self, found: HeatmapSet, heatmaps: int, ids: Sequence[str], config: PostProcess
    ) -> Future[Floats | None] | None:
        """Histograms of samples, from the worker's device; None where that is no faster. See `Elsewhere`."""
        return self._elsewhere.ask(found, heatmaps, self.dataset.spec, ids, config)

    def stored(self) -> list[HeatmapSet]:
        """The sets of this dataset, computed and imported; SetsFound says when the latter are others."""
        found = [s for s in HeatmapStore().sets() if s.identity.belongs_to(self.dataset)]
        imported = tuple(s.name for s in found if s.identity.method == IMPORTED)
        if imported != self._imported:
            self._imported = imported
            self._post(SetsFound(imported))
        return found

    def terms(self, recipe: Recipe, sample: Sample) -> tuple[Terms | None, str]:
        """What every head adds to a sample's heatmap, or why it is not there; asks the worker for it then."""
        every, found = all_heads(recipe), self.term_set(recipe)
        terms = None if found is None else found.read(sample.id)
        if terms is not None:
            return terms, ""
        if every in self._failed:
            return None, self._failed[every]
        self._worker.request(every, [sample.id], terms=True)
        return None, "computing what the heads add …"

    def term_set(self, recipe: Recipe) -> TermSet | None:
        """The kept terms of a recipe, whatever heads it chooses; None while there are none."""
        with self._lock:
            known = self._sets.get(Source(all_heads(recipe)))
        return TermSet(known.identity) if known else kept_terms(all_heads(recipe), self.dataset.pictures)

    def compute_terms(self, recipe: Recipe) -> None:
        """Ask, once, for the terms of every sample whose terms are not there."""
        every, found = all_heads(recipe), self.term_set(recipe)
        ids = [*self.dataset.ids]
        present = set() if found is None else set(found.present(ids))
        missing = [id_ for id_ in ids if id_ not in present]
        if missing and every not in self._terms_asked:
            self._terms_asked.add(every)
            self._worker.request(every, missing, urgent=False, terms=True)

    def words_of(self, recipe: Recipe, words: str) -> Heatmap | None:
        """What the recipe's network makes of a text, (d,); None where the worker has not said it."""
        return self._words.get((recipe, words))

    def embed(self, recipe: Recipe, ids: Sequence[str], words: str) -> str:
        """Ask, once, what the network makes of these pictures and of a text. Returns why it cannot be had."""
        if recipe in self._failed:
            return self._failed[recipe]
        if (recipe, words) not in self._embedding:
            self._embedding.add((recipe, words))
            self._worker.request_embeddings(recipe, ids, words)
        return ""

    def descriptions(self, recipe: Recipe) -> dict[tuple[int, int], tuple[str, ...]]:
        """The texts of each (layer, head) of a recipe's network, as `cliploc heads` kept them."""
        found = self.term_set(recipe) or self.set_of(Source(recipe))
        if found is None:
            return {}
        kept = load(place_of(found.identity.digest, self.dataset.pictures))
        return {(each.layer, each.head): each.texts for each in kept}

    def close(self) -> None:
        """End the worker process."""
        self._worker.close()

    def _find(self, source: Source) -> HeatmapSet | None:
        if source.stored:
            try:
                return HeatmapStore().find(source.stored, self.stored())
            except ParameterError:
                return HeatmapStore().find(source.stored)
        found = [each for each in self.stored() if source.recipe.matches(each.identity)]
        return max(found, key=lambda each: each.identity.raw, default=None)

    def _ask(self, recipe: Recipe, sample: Sample) -> str:
        if recipe in self._failed:
            return self._failed[recipe]
        self._request(recipe, [sample.id], urgent=True)
        return COMPUTING

    def _request(self, recipe: Recipe, ids: Iterable[str], *, urgent: bool) -> None:
        wanted = [id_ for id_ in ids if urgent or (recipe, id_) not in self._asked]
        if wanted:
            self._asked.update((recipe, id_) for id_ in wanted)
            self._worker.request(recipe, wanted, urgent=urgent)

    def _read_text(self, recipe: Recipe, sample: Sample, prompt: str) -> tuple[AnyHeatmap | None, str]:
        heatmap = self._texts.get((recipe, sample.id, prompt))
        if heatmap is not None:
            return heatmap, ""
        if recipe in self._failed:
            return None, self._failed[recipe]
        self._worker.request_text(recipe, sample.id, prompt)
        return None, COMPUTING

    def _on_event(self, event: Event) -> None:
        """Runs on the client's thread."""
        self._elsewhere.hear(event)
        if isinstance(event, Loading):
            self._post(WorkerChanged("loading", f"loading {event.text}"))
        elif isinstance(event, Ready):
            with self._lock:
                self._sets[Source(event.recipe)] = HeatmapStore().open(event.identity)
            self._post(WorkerChanged("ready", event.device))
            self._notice(event.notices)
        elif isinstance(event, Computed):
            self._arrived(event)
        elif isinstance(event, TermsComputed):
            self._terms_arrived(event)
        elif isinstance(event, Embedded):
            if event.row is not None:
                self._words[event.recipe, event.prompt] = event.row
            self._post(EmbeddingsArrived(event.recipe, frozenset(event.ids)))
        elif isinstance(event, TextComputed):
            self._texts[(event.recipe, event.id, event.prompt)] = of_itself(event.heatmap)
            self._post(HeatmapsArrived(Source(event.recipe), frozenset({event.id}), 0, event.prompt))
            self._notice(event.notices)
        elif isinstance(event, Failed | Died):
            self._trouble(event)

    def _arrived(self, event: Computed) -> None:
        source = Source(event.recipe)
        found = self.set_of(source)
        present = 0 if found is None else len(found.ids())
        self._post(HeatmapsArrived(source, frozenset(event.ids), present))

    def _terms_arrived(self, event: TermsComputed) -> None:
        found = self.term_set(event.recipe)
        ids = [*self.dataset.ids]
        present = 0 if found is None else len(found.present(ids))
        self._post(TermsArrived(event.recipe, frozenset(event.ids), present))

    def _notice(self, notices: Iterable[str]) -> None:
        """Say each once."""
        for text in notices:
            if text not in self._told:
                self._told.add(text)
                self._post(Told(text))

    def _trouble(self, event: Failed | Died) -> None:
        """Say it once; the notes under the pictures keep saying it."""
        self._asked.clear()
        self._embedding.clear()
        self._terms_asked.clear()
        state = text = "failed" if isinstance(event, Failed) else "died"
        if isinstance(event, Failed) and event.recipe is not None:
            self._failed[event.recipe] = event.message
            text = f"{event.recipe.spec.title} failed"  # not only the present method is asked for
        self._post(WorkerChanged(state, text))
        if event.message not in self._told:
            self._told.add(event.message)
            self._post(Trouble(event.message))
        ids = frozenset(event.ids) if isinstance(event, Failed) else frozenset()
        if isinstance(event, Failed) and event.recipe is not None:
            self._post(HeatmapsArrived(Source(event.recipe), ids, 0))
            self._post(EmbeddingsArrived(event.recipe, ids))
