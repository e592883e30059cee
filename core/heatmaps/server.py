"""How the heatmap worker answers: datasets, loaded networks and sets kept at hand."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

import torch

from cliploc.core.backbones.network import Backbone, device_of
from cliploc.core.datasets import Dataset, Sample, open_dataset
from cliploc.core.errors import ClipLocError, DatasetError, ResourceError, clean
from cliploc.core.heatmaps.counting import Counting, Histograms
from cliploc.core.heatmaps.embeddings import EmbeddingSet, of_pictures
from cliploc.core.heatmaps.extract import fill
from cliploc.core.heatmaps.forward import ForwardPass, embeddings_of, heatmaps_of, joined, load, terms_of
from cliploc.core.heatmaps.protocol import (
    Computed,
    Count,
    Counted,
    Embedded,
    Event,
    Failed,
    Loading,
    Ready,
    Request,
    TermsComputed,
    TextComputed,
)
from cliploc.core.heatmaps.recipe import Recipe
from cliploc.core.heatmaps.store import HeatmapSet, HeatmapStore
from cliploc.core.heatmaps.terms import TermSet
from cliploc.core.postprocess import PostProcess
from cliploc.core.stretch import AnyHeatmap

Jobs = dict[tuple[str, Recipe], ForwardPass]

log = logging.getLogger(__name__)

BACKBONES_KEPT = 2
# Small, so that whoever presses a key waits for little else.
BATCH_ON_CPU, BATCH_ON_ACCELERATOR = 1, 16
GATHERED = 64  # heatmaps that were computed alone, in one file from then on


class Server:
    """Answers requests one by one. emit: called with each event."""

    def __init__(self, device: str, emit: Callable[[Event], None]) -> None:
        self._device = device
        self._emit = emit
        self._store = HeatmapStore()
        self._datasets: dict[str, Dataset] = {}
        self._networks: dict[tuple[str, str], tuple[Backbone, Jobs]] = {}
        self._sets: dict[tuple[str, Recipe], HeatmapSet] = {}
        self._singles: Counter[str] = Counter()
        # Of the dataset that was counted last.
        self._counting: tuple[str, Counting] | None = None
        # The heatmaps that were counted last, and of which set.
        self._counted: tuple[str, Mapping[str, AnyHeatmap]] = ("", {})
        # What will be counted, made ahead; and of which heatmaps, before which steps.
        self._ahead: Iterator[None] = iter(())
        self._ahead_of: tuple[str, int, PostProcess] | None = None

    @property
    def batch(self) -> int:
        """How many samples to answer at once."""
        on_cpu = all(backbone.device.type == "cpu" for backbone, _ in self._networks.values())
        return BATCH_ON_CPU if on_cpu else BATCH_ON_ACCELERATOR

    def answer(self, request: Request) -> bool:
        """Compute what a request asks for and say so; a Failed event for what cannot be done.

        Returns whether other requests of the same recipe have a chance.
        """
        try:
            try:
                self._answer(request)
            except ResourceError:
                if self._counting is None or not self._counting[1].give_way():
                    raise
                self._answer(request)
        except DatasetError as error:
            if len(request.ids) > 1:  # one broken picture does not take its neighbours along
                return all(self.answer(replace(request, ids=(id_,))) for id_ in request.ids)
            self._failed(request, str(error))
        except ClipLocError as error:
            self._failed(request, str(error))
            return False
        except Exception as error:  # the process's boundary: one bad request is not the end
            log.exception("answering %s", request)
            self._failed(request, f"{type(error).__name__}: {error}")
            return False
        return True

    def count(self, count: Count) -> None:
        """Count samples and say so, or that it cannot be done here."""
        found: Histograms | None = None
        try:
            found = self._histograms(count)
        except Exception as error:  # the process's boundary: whoever asks counts them on the CPU
            log.exception("not counted here")
            self._stop_counting(error)
        self._emit(Counted(count.number, found))

    def prepare(self) -> bool:
        """Make some of what is counted next, for a moment; whether there was something left to make."""
        try:
            return next(self._ahead, self) is not self
        except Exception as error:  # the process's boundary: it is said when it is asked for
            log.exception("not made ahead")
            self._stop_counting(error)
            return False

    def _histograms(self, count: Count) -> Histograms | None:
        if self._counting is None or self._counting[0] != count.dataset:
            self._counting = count.dataset, Counting(device_of(self._device))
        key, heatmaps = self._counted
        if key != count.key or len(heatmaps) != count.heatmaps:
            heatmaps = self._store.find(count.key).read_all()
            self._counted = count.key, heatmaps
        if len(heatmaps) != count.heatmaps:
            return None
        dataset = self._dataset(count.dataset)
        samples, counting = [dataset.by_id(id_) for id_ in count.ids], self._counting[1]
        found = counting.histograms(count.key, heatmaps, samples, count.config)
        ahead_of = count.key, count.heatmaps, count.config.on_map
        if ahead_of != self._ahead_of:
            others = [sample for sample in dataset.scorable if sample.id in heatmaps]
            self._ahead, self._ahead_of = counting.ahead(heatmaps, others, count.config), ahead_of
        return found

    def _stop_counting(self, error: Exception) -> None:
        """Make nothing ahead any more, and take less room where there was too little."""
        self._ahead = iter(())
        if self._counting is not None and isinstance(error, torch.OutOfMemoryError):
            self._counting[1].give_way()

    def _failed(self, request: Request, message: str) -> None:
        log.warning("%s", message)
        self._emit(Failed(message, request.recipe, request.ids))

    def _answer(self, request: Request) -> None:
        job = self._job(request)
        samples = [job.dataset.by_id(id_) for id_ in request.ids]
        if request.embed:
            self._embed(request, job, samples)
            return
        if request.prompt:
            for sample in samples:
                (heatmap,) = heatmaps_of(job, [sample], [request.prompt])
                cut = tuple(job.backbone.cut_notices([request.prompt]))
                self._emit(TextComputed(request.recipe, sample.id, request.prompt, heatmap, cut))
            return
        heatmap_set = self._set(request, job)
        if request.terms:
            self._keep(TermSet(heatmap_set.identity), job, samples)
            self._emit(TermsComputed(request.recipe, heatmap_set.key, request.ids))
            return
        self._fill(heatmap_set, job, samples)
        self._emit(Computed(request.recipe, heatmap_set.key, request.ids))

    def _embed(self, request: Request, job: ForwardPass, samples: Sequence[Sample]) -> None:
        kept = EmbeddingSet(of_pictures(job.identity(job.recipes[0])))
        present = set(kept.present(sample.id for sample in samples))
        missing = [sample for sample in samples if sample.id not in present]
        if missing:
            kept.write({s.id: row for s, row in zip(missing, embeddings_of(job, missing), strict=True)})
        row = job.backbone.encode_text([request.prompt])[0].cpu().numpy() if request.prompt else None
        self._emit(Embedded(request.recipe, kept.identity.key, request.ids, request.prompt, row))

    def _fill(self, heatmap_set: HeatmapSet, job: ForwardPass, samples: Sequence[Sample]) -> None:
        present = set(heatmap_set.ids())
        missing = [sample for sample in samples if sample.id not in present]
        unknown = sorted({sample.label for sample in missing if not job.takes(sample)})
        if unknown:
            raise DatasetError(f"{job.backbone.name} knows no class for {', '.join(map(clean, unknown))}")
        if missing:
            fill(job, self._store, [missing])
            self._gather(heatmap_set, len(missing))
            wanted = [sample.id for sample in job.dataset.samples if job.takes(sample)]
            if len(present) + len(missing) >= len(wanted):
                heatmap_set.consolidate(wanted)

    def _gather(self, heatmap_set: HeatmapSet, written: int) -> None:
        """Now and then, one file of what was computed sample by sample: a folder of thousands is slow."""
        self._singles[heatmap_set.key] += written == 1
        if self._singles[heatmap_set.key] >= GATHERED:
            heatmap_set.gather()
            self._singles[heatmap_set.key] = 0

    def _keep(self, terms: TermSet, job: ForwardPass, samples: Sequence[Sample]) -> None:
        present = set(terms.present(sample.id for sample in samples))
        missing = [sample for sample in samples if sample.id not in present]
        if missing:
            terms.write({s.id: each for s, each in zip(missing, terms_of(job, missing), strict=True)})

    def _job(self, request: Request) -> ForwardPass:
        """The request's recipe, joined with its dataset and its loaded backbone."""
        dataset = self._dataset(request.dataset)
        recipe = request.recipe.completed(dataset.name)
        backbone, jobs = self._network(recipe)
        if (request.dataset, recipe) not in jobs:
            jobs[request.dataset, recipe] = joined([recipe], dataset, backbone)
        return jobs[request.dataset, recipe]

    def _dataset(self, spec: str) -> Dataset:
        if spec not in self._datasets:
            self._datasets[spec] = open_dataset(spec)
        return self._datasets[spec]

    def _network(self, recipe: Recipe) -> tuple[Backbone, Jobs]:
        """The recipe's backbone with its jobs; the one that was not used for longest makes room."""
        name = (recipe.backbone, recipe.weights)
        network = self._networks.pop(name, None)
        if network is None:
            self._emit(Loading(" ".join(filter(None, name))))
            while len(self._networks) >= BACKBONES_KEPT:
                self._networks.pop(next(iter(self._networks)))
            network = load(recipe, self._device), {}
        self._networks[name] = network
        return network

    def _set(self, request: Request, job: ForwardPass) -> HeatmapSet:
        """The set where the request's heatmaps belong, announced when it is first asked for."""
        known = (request.dataset, request.recipe)
        if known not in self._sets:
            identity = job.identity(job.recipes[0])
            self._sets[known] = self._store.open(identity)
            self._sets[known].remember_place(identity.dataset_spec)
            self._emit(Ready(request.recipe, identity, str(job.backbone.device), tuple(job.notices())))
        return self._sets[known]
