"""What a run works on: the dataset and the heatmap sets of its plan, as tasks."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np

from cliploc.core.datasets import READING, Dataset, open_dataset
from cliploc.core.errors import ParameterError, StoreError, clean
from cliploc.core.heatmaps.ground import Ground, ground
from cliploc.core.heatmaps.store import HeatmapSet, HeatmapStore
from cliploc.core.machine import cores
from cliploc.core.metrics import Integers, Scores, iou, truth_of
from cliploc.core.postprocess import PostProcess
from cliploc.core.stretch import AnyHeatmap
from cliploc.core.sweep.engine import Engine
from cliploc.core.sweep.plan import Plan, Shard
from cliploc.core.sweep.sums import UNIT, in_units
from cliploc.core.sweep.work import Task, told

_AT_ONCE = 16  # samples that a thread takes


class Inputs:
    """The opened inputs of a plan. StoreError when they are not what they were at planning."""

    def __init__(self, plan: Plan, store: HeatmapStore) -> None:
        self._plan = plan
        check_reading(plan)
        self._sets = [store.find(name["key"]) for name in plan.sets]
        self.dataset = open_dataset(plan.dataset)
        if not plan.scores(self.dataset):
            raise StoreError(
                f"{clean(plan.dataset)} has changed since this run was planned; "
                "put it back, or start a new run"
            )
        for found in self._sets:
            if not found.identity.belongs_to(self.dataset):
                raise StoreError(
                    f"labels or pictures of {clean(plan.dataset)} have changed since the heatmaps of "
                    f"{found.name} were made; put them back, or compute the set again and start a new run"
                )
        self._current: tuple[int, dict[str, AnyHeatmap]] = (-1, {})

    def label_sizes(self) -> dict[str, int]:
        """How many of the scored samples each label has, by sorted label."""
        counts = Counter(self.dataset.by_id(id_).label for group in self._plan.groups for id_ in group)
        return dict(sorted(counts.items()))

    def task(self, shard: Shard) -> Task:
        """Everything a worker needs for a shard; decodes its true masks."""
        heatmaps = self._heatmaps(shard.set_index)
        missing = [id_ for id_ in shard.ids if id_ not in heatmaps]
        if missing:
            raise StoreError(
                f"{self._sets[shard.set_index].name} has lost {len(missing)} heatmaps, "
                f"such as {clean(missing[0])!r}; compute or import it again, then resume"
            )
        samples = [self.dataset.by_id(id_) for id_ in shard.ids]
        return Task(
            grid=self._plan.grid,
            engine=self._plan.engine,
            keep=self._plan.keep,
            heatmaps=tuple(heatmaps[id_] for id_ in shard.ids),
            truths=tuple(map(told, samples)),
        )

    def iou_by_label(self, set_index: int, config: PostProcess, ids: Sequence[str]) -> dict[str, Scores]:
        """Mean IoU at each threshold (T,) under one config, by sorted label; of these samples."""
        heatmaps = self._heatmaps(set_index)
        cv2.setNumThreads(1)  # samples side by side, on all cores

        def of_some(some: Sequence[str]) -> list[Integers]:
            engine = Engine([config])
            samples = map(self.dataset.by_id, some)
            truths = (truth_of(sample.true_mask(), sample.ignored()) for sample in samples)
            counted = zip(some, truths, strict=True)
            return [in_units(iou(engine.counts(heatmaps[id_], truth))[0]) for id_, truth in counted]

        parts = [ids[first : first + _AT_ONCE] for first in range(0, len(ids), _AT_ONCE)]
        with ThreadPoolExecutor(cores()) as threads:
            units = itertools.chain.from_iterable(threads.map(of_some, parts))
            by_label: dict[str, list[Integers]] = {}
            for id_, each in zip(ids, units, strict=True):
                by_label.setdefault(self.dataset.by_id(id_).label, []).append(each)
        return {label: np.sum(each, axis=0) / UNIT / len(each) for label, each in sorted(by_label.items())}

    def ground(self, set_index: int) -> Ground:
        """What the scores of a heatmap set stand on."""
        ids = [id_ for group in self._plan.groups for id_ in group]
        assumed = self._sets[set_index].identity.mark
        return ground(self.dataset, ids, self._heatmaps(set_index), assumed)

    def _heatmaps(self, set_index: int) -> dict[str, AnyHeatmap]:
        if self._current[0] != set_index:
            ids = itertools.chain.from_iterable(self._plan.groups)
            self._current = (set_index, self._sets[set_index].read_all(ids))
        return self._current[1]


def check_reading(plan: Plan) -> None:
    """ParameterError for a run that reads true masks by another rule than this release."""
    if plan.reading != READING:
        raise ParameterError(
            "this run was planned by release 0.1.0, which read true masks by another rule; "
            "it can be shown and exported, not gone on with: start a new run"
        )


def open_sets(
    names: Sequence[str], dataset_spec: str | None, store: HeatmapStore, boxes: bool = False
) -> tuple[list[HeatmapSet], Dataset, list[str]]:
    """The heatmap sets by name, their dataset, and the ids of the samples that all of them have.

    Samples in which every pixel is ignored, or that have no true mask, are left out.
    boxes: those that have boxes instead will do. DatasetError where no sample has either;
    ParameterError when they belong to different datasets or share no sample.
    """
    sets = [store.find(name) for name in names]
    dataset = sets[0].dataset(dataset_spec)
    for other in sets[1:]:
        if not other.identity.belongs_to(dataset):
            raise ParameterError(
                f"{other.name} belongs to {clean(other.identity.dataset_name)}, {sets[0].name} to "
                f"{clean(dataset.name)}; one run scores one dataset"
            )
    present = [set(found.ids()) for found in sets]
    samples = dataset.boxed if boxes and dataset.boxed else dataset.scorable
    ids = [sample.id for sample in samples if all(sample.id in known for known in present)]
    if not ids:
        raise ParameterError(
            f"no sample has a heatmap in {', '.join(found.name for found in sets)}; "
            "`cliploc heatmaps compute` fills a set"
        )
    return sets, dataset, ids
