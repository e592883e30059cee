"""Running methods over samples: the one place where datasets meet networks.

Bytes in the store depend on how pictures are grouped into batches (a matrix product rounds by its
shape), so batches are fixed slices of the dataset's pictures, computed whole or not at all: what was
killed and resumed equals what was not. A picture is decoded and seen once, whatever its samples.
"""

from __future__ import annotations

import itertools
import logging
import multiprocessing
import queue
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import torch
from torch import Tensor

from cliploc.core.backbones.network import devices_of
from cliploc.core.datasets import Dataset, Sample
from cliploc.core.errors import ParameterError, ResourceError
from cliploc.core.heatmaps.decoding import AHEAD, cpus, decoded
from cliploc.core.heatmaps.forward import ForwardPass, fetched, grouped, in_memory, joined, load, pictures_of
from cliploc.core.heatmaps.identity import Identity
from cliploc.core.heatmaps.part import Part
from cliploc.core.heatmaps.recipe import Recipe
from cliploc.core.heatmaps.store import HeatmapSet, HeatmapStore

log = logging.getLogger(__name__)
T = TypeVar("T")

WHOLE = Part()
BATCH = {"cpu": 8, "cuda": 64, "mps": 16}


def slices(items: Sequence[T], batch: int) -> list[Sequence[T]]:
    """Samples, or pictures, in fixed batches."""
    return [items[start : start + batch] for start in range(0, len(items), batch)]


def batches_of(samples: Sequence[Sample], batch: int) -> list[Sequence[Sample]]:
    """The samples in fixed batches of so many pictures, with all samples of each."""
    return [[*itertools.chain(*some)] for some in slices(pictures_of(samples), batch)]


@dataclass(frozen=True)
class Progress:
    """How far a computation is: of `methods`, `done` of `total` samples are in the store."""

    methods: str
    done: int
    total: int


def compute(
    recipes: Sequence[Recipe],
    dataset: Dataset,
    store: HeatmapStore,
    *,
    samples: Sequence[Sample] | None = None,
    device: str = "auto",
    batch: int = 0,
    part: Part = WHOLE,
    report: Callable[[Progress], None] = lambda progress: None,
    notice: Callable[[str], None] = lambda text: None,
) -> list[HeatmapSet]:
    """Fill the sets of all recipes, several methods in one pass where they can share it.

    samples: some of the dataset's, by default all. device: auto, cpu, cuda, mps, `all` (every
    CUDA device), or several separated by commas, one process each. batch: pictures together, 0 for
    the device's usual number, halved where the memory is too small. part: the share of this machine;
    whichever finds all samples present makes the set one file. notice: told what
    `ForwardPass.notices` says, and of halved batches. Goes on from what the store holds; killed at any
    moment, nothing that was reported is lost. Returns the sets in the order of the recipes.
    """
    if batch < 0:
        raise ParameterError(f"batch: found {batch}, expected at least 1, or 0 for the usual one")
    devices = devices_of(device)
    wanted = dataset.samples if samples is None else samples
    batches = part.of(batches_of(wanted, batch or BATCH[devices[0].type]))
    completed = [recipe.completed(dataset.name) for recipe in recipes]
    found: dict[Recipe, HeatmapSet] = {}
    for group in grouped(completed):
        counted = _counter(", ".join(recipe.method for recipe in group), sum(map(len, batches)), report)
        if len(devices) == 1:
            job = joined(group, dataset, load(group[0], str(devices[0])))
            for text in job.notices():
                notice(text)
            sets, labels = fill(job, store, batches, counted, notice), frozenset(job.labels)
        else:
            sets, labels = _fill_on_several(group, dataset, store, batches, devices, counted, notice)
        for filled in sets.values():
            filled.consolidate([sample.id for sample in dataset.samples if sample.label in labels])
        found.update(sets)
    return [found[recipe] for recipe in completed]


def _counter(text: str, total: int, report: Callable[[Progress], None]) -> Callable[[int], None]:
    done = 0

    def written(samples: int) -> None:
        nonlocal done
        done += samples
        report(Progress(text, done, total))

    return written


def _fill_on_several(
    recipes: Sequence[Recipe],
    dataset: Dataset,
    store: HeatmapStore,
    batches: Sequence[Sequence[Sample]],
    devices: Sequence[torch.device],
    written: Callable[[int], None],
    notice: Callable[[str], None],
) -> tuple[dict[Recipe, HeatmapSet], frozenset[str]]:
    """One process per device, each with every n-th batch. The sets, and the labels they are for."""
    log.info("%s: pictures %s", dataset.name, dataset.pictures)  # read once, travels along
    context = multiprocessing.get_context("spawn")
    with context.Manager() as manager, ProcessPoolExecutor(len(devices), context) as executor:
        counts = manager.Queue()
        shares = [Part(index, len(devices)).of(batches) for index in range(len(devices))]
        futures = [
            executor.submit(
                _share,
                recipes,
                dataset,
                store.root,
                share,
                str(device),
                counts.put,
                max(cpus() // len(devices), 1),
            )
            for share, device in zip(shares, devices, strict=True)
        ]
        while not all(future.done() for future in futures) or not counts.empty():
            with suppress(queue.Empty):
                written(counts.get(timeout=0.2))
        try:
            done = [future.result() for future in futures]
        except BrokenProcessPool as error:
            raise ResourceError(
                "a process that computed heatmaps was killed (out of memory?); "
                "what it wrote is kept: run the same command again"
            ) from error
    identities, _, labels = done[0]
    for text in dict.fromkeys(text for _, notices, _ in done for text in notices):
        notice(text)
    return {recipe: store.open(identity) for recipe, identity in identities.items()}, labels


def _share(
    recipes: Sequence[Recipe],
    dataset: Dataset,
    root: Path,
    batches: Sequence[Sequence[Sample]],
    device: str,
    written: Callable[[int], None],
    decoders: int,
) -> tuple[dict[Recipe, Identity], list[str], frozenset[str]]:
    job = joined(recipes, dataset, load(recipes[0], device))
    told = job.notices()
    sets = fill(job, HeatmapStore(root), batches, written, told.append, decoders)
    return {recipe: found.identity for recipe, found in sets.items()}, told, frozenset(job.labels)


def fill(
    job: ForwardPass,
    store: HeatmapStore,
    batches: Sequence[Sequence[Sample]],
    written: Callable[[int], None] = lambda samples: None,
    notice: Callable[[str], None] = lambda text: None,
    decoders: int = 0,
) -> dict[Recipe, HeatmapSet]:
    """Compute every batch that is not wholly in the store. `written(samples)`: so many more are there.

    notice: told when a batch had to be halved. decoders: threads that read pictures, 0 for one per CPU.
    """
    sets = {recipe: store.open(job.identity(recipe)) for recipe in job.recipes}
    for each in sets.values():
        each.remember_place(each.identity.dataset_spec)
    present = {recipe: set(found.ids()) for recipe, found in sets.items()}
    todo = []
    for batch in batches:
        wanted = [sample for sample in batch if job.takes(sample)]
        lacking = tuple(r for r in job.recipes if not {s.id for s in wanted} <= present[r])
        if lacking:
            todo.append((wanted, lacking))
    written(sum(len(batch) for batch in batches) - sum(len(batch) for batch, _ in todo))
    seen = [pictures_of(batch) for batch, _ in todo]
    at_once = max(map(len, seen), default=1)
    with job.autocast(), ThreadPoolExecutor(1, "heatmap-writer") as writer:
        pending: deque[Future[None]] = deque()
        pinned = job.backbone.device.type == "cuda"
        firsts = [[first for first, *_ in pictures] for pictures in seen]
        ahead = decoded(job.pixels, firsts, pinned, decoders or cpus())
        for (_, recipes), pictures, pixels in zip(todo, seen, ahead, strict=True):
            shared, batch = replace(job, recipes=recipes), [*itertools.chain(*pictures)]
            before = at_once
            maps, at_once = in_memory(shared, pixels, job.prompts_of(pictures), at_once)
            if at_once < before:
                notice(
                    f"{job.backbone.device} has too little memory for {before} images at once: from here on "
                    f"{at_once}, to the same bits as --batch {at_once}"
                )
            pending.append(writer.submit(_write, sets, maps, batch, written, job))
            while len(pending) > AHEAD:
                pending.popleft().result()
        for future in pending:
            future.result()
    return sets


def _write(
    sets: dict[Recipe, HeatmapSet],
    maps: dict[Recipe, Tensor],
    batch: Sequence[Sample],
    written: Callable[[int], None],
    job: ForwardPass,
) -> None:
    # Fetching from the device waits for it: done here, the next batch is under way meanwhile.
    for recipe, each in fetched(job, maps, batch).items():
        sets[recipe].write({sample.id: array for sample, array in zip(batch, each, strict=True)})
    written(len(batch))
