"""What computing heatmaps takes, from computing some of them.

Networks, pictures and batches are those of the computation; nothing is stored. What a batch takes is
measured at sizes that double until the usual one is reached, or the time is up.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from cliploc.core.backbones.network import devices_of
from cliploc.core.cost import BUDGET, Cost, at_size
from cliploc.core.datasets import Dataset
from cliploc.core.heatmaps.decoding import cpus, decoded
from cliploc.core.heatmaps.extract import BATCH, slices
from cliploc.core.heatmaps.forward import (
    ForwardPass,
    Picture,
    fetched,
    grouped,
    in_memory,
    joined,
    load,
    pictures_of,
)
from cliploc.core.heatmaps.recipe import Recipe
from cliploc.core.heatmaps.records import records_bytes
from cliploc.core.machine import peak_memory, running_seconds

MANIFEST = 1000  # bytes of what says what a set is
ROUNDS = 4  # batches of the usual size that are timed together, where there is time


@dataclass(frozen=True)
class Measured:
    """What was measured, in seconds and bytes.

    start: until the first batch, of all networks. image: of one picture, by all methods; at best in
    batches of `batch`. core: processor time of both. store: of the sets.
    """

    pictures: int
    batch: int
    devices: int
    start: float
    image: float
    core: tuple[float, float]
    memory: int
    device_memory: int
    store: int

    def cost(self, workers: int) -> Cost:
        """What the computation takes on so many machines like this one, each with a part of its own."""
        batches = -(-self.pictures // self.batch)
        share = -(-batches // (workers * self.devices)) * self.batch
        return Cost(
            workers=workers,
            seconds=self.start + min(share, self.pictures) * self.image,
            core_seconds=self.core[0] * workers * self.devices + self.pictures * self.core[1],
            memory=self.memory,
            worker_memory=self.memory if self.devices > 1 else 0,
            device_memory=self.device_memory,
            disk=self.store,
        )


def measured(
    recipes: Sequence[Recipe], dataset: Dataset, *, device: str, batch: int, budget: float = BUDGET
) -> Measured:
    """Calibrate within about `budget` seconds, from when the networks are loaded. Errors as of `compute`.

    recipes: completed ones. device, batch: as of `compute`.
    """
    devices = devices_of(device)
    groups, ids = grouped(recipes), [sample.id for sample in dataset.samples]
    calibrating, calibrating_core, image, core, memory, on_device, stored = 0.0, 0.0, 0.0, 0.0, 0, 0, 0
    size, pictures = 1, list[Picture]()
    for group in groups:
        job = joined(group, dataset, load(group[0], str(devices[0])))
        begun, own = time.perf_counter(), time.process_time()
        pictures = pictures_of([sample for sample in dataset.samples if job.takes(sample)])
        size = min(batch or BATCH[devices[0].type], len(pictures))
        middle = len(pictures) // 2  # they are sorted by how many samples they have
        pace = _paced(job, [*pictures[middle:], *pictures[:middle]], size, budget / len(groups))
        calibrating += time.perf_counter() - begun - pace.first
        calibrating_core += time.process_time() - own - pace.first_core
        image, core = image + pace.image, core + pace.core
        memory = max(memory, pace.memory)
        on_device = max(on_device, pace.device_memory)
        stored += sum(MANIFEST + records_bytes(ids, shape) for shape in pace.shapes)
    return Measured(
        pictures=len(pictures),
        batch=size,
        devices=len(devices),
        start=running_seconds() - calibrating,
        image=image,
        core=(time.process_time() - calibrating_core, core),
        memory=memory,
        device_memory=on_device,
        store=stored,
    )


@dataclass(frozen=True)
class _Pace:
    """first: what the first pass took beyond another one. shapes: of the heatmaps of each method."""

    first: float
    first_core: float
    image: float
    core: float
    memory: int
    device_memory: int
    shapes: list[tuple[int, int]]


def _paced(job: ForwardPass, pictures: Sequence[Picture], batch: int, budget: float) -> _Pace:
    on_cuda = job.backbone.device.type == "cuda"
    ends = time.perf_counter() + budget
    warming, shapes = _timed(job, [pictures[:1]])
    size, (once, _) = 1, _timed(job, [pictures[:1]])
    sizes, peaks, latest = (1, 1), (peak_memory(), peak_memory()), once
    while size < batch and time.perf_counter() + 2.5 * latest[0] < ends:
        size = min(2 * size, batch)
        latest, _ = _timed(job, [pictures[:size]])
        sizes, peaks = (sizes[1], size), (peaks[1], peak_memory())
    rounds = min(ROUNDS, len(pictures) // size, int((ends - time.perf_counter()) / latest[0]))
    if rounds > 1:
        latest, _ = _timed(job, slices(pictures[: rounds * size], size))
        size *= rounds
    return _Pace(
        first=max(warming[0] - once[0], 0),
        first_core=max(warming[1] - once[1], 0),
        image=latest[0] / size,
        core=latest[1] / size,
        memory=int(at_size(sizes, peaks, batch)),
        device_memory=torch.cuda.max_memory_allocated(job.backbone.device) if on_cuda else 0,
        shapes=shapes,
    )


def _timed(
    job: ForwardPass, batches: Sequence[Sequence[Picture]]
) -> tuple[tuple[float, float], list[tuple[int, int]]]:
    """Seconds and processor time of these batches, from files to arrays, and the heatmaps' shapes."""
    begun, own, shapes = time.perf_counter(), time.process_time(), list[tuple[int, int]]()
    firsts = [[first for first, *_ in batch] for batch in batches]
    pixels = decoded(job.pixels, firsts, job.backbone.device.type == "cuda", cpus())
    for batch, each in zip(batches, pixels, strict=True):
        maps, _ = in_memory(job, each, job.prompts_of(batch), len(batch))
        found = fetched(job, maps, [*itertools.chain(*batch)])
        shapes = [each.shape[1:] for each in found.values()]
    return (time.perf_counter() - begun, time.process_time() - own), shapes
