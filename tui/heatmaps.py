"""Where heatmaps come from: the store for what is there, the worker process for what is not."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from textual.message import Message

from core.datasets import Dataset, Sample
from core.heatmaps.client import Worker
from core.heatmaps.identity import IMPORTED
from core.heatmaps.protocol import Computed, Died, Event, Failed, Loading, Ready, TextComputed
from core.heatmaps.recipe import Recipe
from core.methods.descriptions import load, place_of
from tui.messages import HeatmapsArrived, Trouble, WorkerChanged
from tui.state import Source

if TYPE_CHECKING:
    from core.heatmaps.store import Heatmap, HeatmapSet, HeatmapStore

log = logging.getLogger(__name__)
NEIGHBOURS = 3
COMPUTING = "computing the heatmap …"


class Heatmaps:
    """Sets by source, and requests for what is missing. Thread-safe; reads files, so call it on a lane."""

    def __init__(self, dataset: Dataset, post: Callable[[Message], object], device: str) -> None:
        self.dataset = dataset
        self._post = post
        self._worker = Worker(dataset.spec, self._on_event, device)
        self._lock = threading.Lock()
        self._sets: dict[Source, HeatmapSet] = {}
        self._texts: dict[tuple[Recipe, str, str], Heatmap] = {}
        self._asked: set[tuple[Recipe, str]] = set()
        self._failed: dict[Recipe, str] = {}
        self._told: set[str] = set()
        self.imported: tuple[str, ...] = ()

    def set_of(self, source: Source) -> HeatmapSet | None:
        """The stored set of a source; None while there is none."""
        found = self.known(source)
        if found is None:
            found = self._find(source)
            if found is not None:
                with self._lock:
                    self._sets[source] = found
        return found

    def known(self, source: Source) -> HeatmapSet | None:
        """The set of a source if it was found before; reads nothing."""
        with self._lock:
            return self._sets.get(source)

    def read(self, source: Source, sample: Sample, prompt: str) -> tuple[Heatmap | None, str]:
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
            return None, f"the set {source.stored} has no heatmap of this sample"
        return None, self._ask(source.recipe, sample)

    def prefetch(self, source: Source, sample: Sample) -> None:
        """Ask for the heatmaps of the samples around one, when the worker has nothing better to do."""
        if source.stored or source.recipe in self._failed:
            return
        samples = self.dataset.samples
        index = samples.index(sample)
        around = samples[index + 1 : index + 1 + NEIGHBOURS] + samples[max(index - NEIGHBOURS, 0) : index]
        found = self.set_of(source)
        present = set() if found is None else set(found.ids())
        self._request(source.recipe, [s.id for s in around if s.id not in present], urgent=False)

    def compute_all(self, source: Source) -> None:
        """Ask for every sample of the dataset; what is there already is not computed again."""
        if source.stored:
            return
        self._failed.pop(source.recipe, None)
        found = self.set_of(source)
        present = set() if found is None else set(found.ids())
        missing = [s.id for s in self.dataset.samples if s.id not in present]
        if missing:
            self._worker.request(source.recipe, missing, urgent=False)

    def stored(self) -> list[HeatmapSet]:
        """The sets of this dataset, computed and imported; `imported` holds the latter's names."""
        found = [s for s in self._store().sets() if s.identity.dataset == self.dataset.fingerprint]
        self.imported = tuple(s.name for s in found if s.identity.method == IMPORTED)
        return found

    def descriptions(self, source: Source) -> dict[tuple[int, int], tuple[str, ...]]:
        """The texts of each (layer, head) of a source's network, as `cliploc heads` kept them."""
        found = self.set_of(source)
        if found is None:
            return {}
        kept = load(place_of(found.identity.digest, self.dataset.fingerprint))
        return {(each.layer, each.head): each.texts for each in kept}

    def close(self) -> None:
        """End the worker process."""
        self._worker.close()

    def _store(self) -> HeatmapStore:
        from core.heatmaps.store import HeatmapStore  # loads numpy; the first paint does not wait

        return HeatmapStore()

    def _find(self, source: Source) -> HeatmapSet | None:
        if source.stored:
            return self._store().find(source.stored)
        return next((s for s in self.stored() if source.recipe.matches(s.identity)), None)

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

    def _read_text(self, recipe: Recipe, sample: Sample, prompt: str) -> tuple[Heatmap | None, str]:
        heatmap = self._texts.get((recipe, sample.id, prompt))
        if heatmap is not None:
            return heatmap, ""
        if recipe in self._failed:
            return None, self._failed[recipe]
        self._worker.request_text(recipe, sample.id, prompt)
        return None, "computing the heatmap of the prompt …"

    def _on_event(self, event: Event) -> None:
        """Runs on the client's thread."""
        if isinstance(event, Loading):
            self._post(WorkerChanged("loading", f"loading {event.text}"))
        elif isinstance(event, Ready):
            with self._lock:
                self._sets[Source(event.recipe)] = self._store().open(event.identity)
            self._post(WorkerChanged("ready", event.device))
        elif isinstance(event, Computed):
            self._arrived(event)
        elif isinstance(event, TextComputed):
            self._texts[(event.recipe, event.id, event.prompt)] = event.heatmap
            self._post(HeatmapsArrived(Source(event.recipe), frozenset({event.id}), 0, event.prompt))
        elif isinstance(event, Failed | Died):
            self._trouble(event)

    def _arrived(self, event: Computed) -> None:
        source = Source(event.recipe)
        found = self.set_of(source)
        present = 0 if found is None else len(found.ids())
        self._post(HeatmapsArrived(source, frozenset(event.ids), present))

    def _trouble(self, event: Failed | Died) -> None:
        """Say it once; the notes under the pictures keep saying it."""
        self._asked.clear()
        if isinstance(event, Failed) and event.recipe is not None:
            self._failed[event.recipe] = event.message
        state = "failed" if isinstance(event, Failed) else "died"
        self._post(WorkerChanged(state, state))
        if event.message not in self._told:
            self._told.add(event.message)
            self._post(Trouble(event.message))
        ids = frozenset(event.ids) if isinstance(event, Failed) else frozenset()
        if isinstance(event, Failed) and event.recipe is not None:
            self._post(HeatmapsArrived(Source(event.recipe), ids, 0))
