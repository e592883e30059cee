"""The driver of a run: cuts, submits, writes, acknowledges. The only writer of its run.

Arrays first, then the ledger: whatever kills it, everything that was
acknowledged is there, and the next driver goes on with the rest. Sums are exact
integers, so the scores do not depend on who did what in which order.
"""

from __future__ import annotations

import itertools
import logging
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property, partial

import numpy as np

from cliploc.core.errors import ClipLocError, ResourceError
from cliploc.core.heatmaps.store import HeatmapStore
from cliploc.core.lock import held
from cliploc.core.metrics import Scores
from cliploc.core.paths import write_whole
from cliploc.core.postprocess import THRESHOLDS, PostProcess
from cliploc.core.sweep.baselines import baseline_table, baselines_of
from cliploc.core.sweep.database import kept_open
from cliploc.core.sweep.executors import results_of, workers_for
from cliploc.core.sweep.inputs import Inputs
from cliploc.core.sweep.ledger import Ledger
from cliploc.core.sweep.plan import Shard
from cliploc.core.sweep.rows import Best
from cliploc.core.sweep.shard_files import KeptCounts, KeptSums, units_of
from cliploc.core.sweep.summary import BaselineEntry, summary_of
from cliploc.core.sweep.sums import UNIT
from cliploc.core.sweep.totals import Totals
from cliploc.core.sweep.work import Result, Task, work

_RESERVE = "reserve"
RESERVE_BYTES = 1 << 18  # given back when the disk is full, so that the ledger can still say so
log = logging.getLogger(__name__)


def drive(
    ledger: Ledger,
    run: str,
    *,
    stop: Callable[[], bool] = lambda: False,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> str:
    """Work on a run until it is done or told to stop. Returns the state it is left in.

    stop: asked between shards; those begun are finished. progress: shards done
    and in all. StoreError when another process works on it; a failure of the
    work itself is the run's state and message, and is raised.
    """
    with held(ledger.lock(run)), kept_open(ledger.path):
        driver = _Driver(ledger, run, stop, progress)
        try:
            state, message = driver.work()
        except ResourceError as error:
            driver.stop_with("paused", f"{error}; then `cliploc runs resume {run}`")
            raise
        except ClipLocError as error:
            driver.stop_with("failed", str(error))
            raise
        except Exception as error:
            driver.stop_with("failed", f"{type(error).__name__}: {error}")
            raise
        ledger.set_state(run, state, message)
        return state


class _Driver:
    def __init__(
        self, ledger: Ledger, run: str, stop: Callable[[], bool], progress: Callable[[int, int], None]
    ) -> None:
        self._ledger, self._run = ledger, run
        self._stop, self._progress = stop, progress
        self._folder = ledger.folder(run)
        self._plan = ledger.plan(run)
        self._shards = self._plan.shards()
        self._request = ""
        self._done: dict[int, str] = {}  # acknowledged, or about to be
        self._totals: dict[int, Totals] = {}
        self._finished: dict[int, Best] = {}

    def work(self) -> tuple[str, str]:
        """Everything that is left. Returns the state and why."""
        self._inputs = Inputs(self._plan, HeatmapStore())
        self._keep = (KeptCounts if self._plan.keep else KeptSums)(self._ledger, self._run, self._inputs)
        self._reserve()
        self._pick_up()
        scratch = self._folder / "scratch"
        with workers_for(self._plan.executor, self._plan.workers, scratch) as workers:
            self._progress(len(self._done), len(self._shards))
            for found in results_of(workers, work, self._todo(), self._is_stopping):
                if found is not None:
                    self._take(self._shards[found[0]], found[1])
                self._request = self._request or self._ledger.request_for(self._run)
        self._keep.save(self._totals, self._best())
        return self._ending()

    def stop_with(self, state: str, message: str) -> None:
        """Record a failure, in the room kept for it. What was found already stays found."""
        (self._folder / _RESERVE).unlink(missing_ok=True)
        try:
            if len(self._ledger.finished_sets(self._run)) == len(self._plan.sets):
                state, message = "done", f"its scores are whole; going on with it failed: {message}"
            self._ledger.set_state(self._run, state, message)
        except ClipLocError as error:
            log.error("run %s could not record that it is %s: %s", self._run, state, error)

    def _reserve(self) -> None:
        write_whole(self._folder / _RESERVE, bytes(RESERVE_BYTES))

    def _pick_up(self) -> None:
        """Take over what earlier drivers left: finished sets, finished shards, their sums."""
        self._done = self._keep.found(self._shards)
        self._ledger.start(self._run, self._done)
        for index in self._ledger.finished_sets(self._run):
            if self._complete(index):
                self._finished[index] = self._best_of_finished(index)
        for shard in self._shards:
            if shard.position in self._done and shard.set_index not in self._finished:
                self._keep.add_again(self._totals_of(shard.set_index), shard)
        for index in list(self._totals):
            self._finish_if_complete(index)

    def _todo(self) -> Iterator[tuple[int, Callable[[], Task]]]:
        for shard in [shard for shard in self._shards if shard.position not in self._done]:
            if self._is_stopping():
                return
            yield shard.position, partial(self._inputs.task, shard)

    def _is_stopping(self) -> bool:
        return bool(self._request) or self._stop()

    def _take(self, shard: Shard, result: Result) -> None:
        totals = self._totals_of(shard.set_index)
        totals.add(shard.group, result.summed())
        self._done[shard.position] = self._keep.take(shard, result, self._totals, self._best())
        self._finish_if_complete(shard.set_index)
        self._progress(len(self._done), len(self._shards))

    def _totals_of(self, set_index: int) -> Totals:
        if set_index not in self._totals:
            sizes = tuple(len(group) for group in self._plan.groups)
            self._totals[set_index] = Totals.zero(
                len(self._plan.grid.configs), self._inputs.label_sizes(), sizes
            )
        return self._totals[set_index]

    def _complete(self, set_index: int) -> bool:
        return all(shard.position in self._done for shard in self._shards if shard.set_index == set_index)

    def _finish_if_complete(self, set_index: int) -> None:
        if not self._complete(set_index):
            return
        self._keep.save(self._totals, self._best())
        totals = self._totals.pop(set_index)
        shards = [shard for shard in self._shards if shard.set_index == set_index]
        summary = summary_of(
            totals.scored(self._keep.table(shards, totals), units_of(self._plan, shards)),
            self._plan.grid.configs,
            self._plan.seed,
            self._baselines,
        )
        found = {**summary, "ground": self._inputs.ground(set_index).to_dict()}
        labels = self._labels(set_index, PostProcess.from_dict(summary["best"]["config"]))
        self._ledger.finish_set(self._run, set_index, totals.columns(), found, labels)
        self._finished[set_index] = self._best_of_finished(set_index)

    def _labels(self, set_index: int, best: PostProcess) -> tuple[int, Sequence[Scores]]:
        """The best config's place in the grid, and its IoU by label: of all configs it is what is large."""
        configs = self._plan.grid.configs
        ids = list(itertools.chain.from_iterable(self._plan.groups))
        found = self._inputs.iou_by_label(set_index, best, ids)
        return configs.index(best.with_(threshold=configs[0].threshold)), list(found.values())

    @cached_property
    def _baselines(self) -> list[BaselineEntry]:
        """Of the images of this run; the same for all of its heatmap sets."""
        groups = {id_: f"{number:06d}" for number, group in enumerate(self._plan.groups) for id_ in group}
        units = self._plan.sources if self._plan.keep else groups
        table = baseline_table([self._inputs.dataset.by_id(id_) for id_ in groups])
        return baselines_of(table.by([units[id_] for id_ in groups]), self._plan.seed)

    def _best_of_finished(self, set_index: int) -> Best:
        summary = self._ledger.summary(self._run, set_index)
        assert summary is not None  # finish_set has just been committed
        entry = summary["best"]
        config = PostProcess.from_dict(entry["config"])
        return Best(self._plan.sets[set_index]["name"], config, entry["mean_iou"], summary["images"])

    def _best(self) -> Best | None:
        """The best cell so far; of an unfinished heatmap set, over the images it has."""
        candidates = list(self._finished.values())
        for set_index, totals in self._totals.items():
            images = int(totals.sums.images[0])
            cell = int(np.argmax(totals.sums.iou))
            config = self._plan.grid.configs[cell // len(THRESHOLDS)]
            candidates.append(
                Best(
                    self._plan.sets[set_index]["name"],
                    config.with_(threshold=THRESHOLDS[cell % len(THRESHOLDS)]),
                    float(totals.sums.iou.flat[cell] / UNIT / max(images, 1)),
                    images,
                )
            )
        return max(candidates, key=lambda best: best.mean_iou, default=None)

    def _ending(self) -> tuple[str, str]:
        if len(self._done) == len(self._shards):
            (self._folder / _RESERVE).unlink(missing_ok=True)
            return "done", ""
        if self._request == "cancel":
            return "cancelled", f"what is done is kept; `cliploc runs resume {self._run}` goes on with it"
        return "paused", f"stopped on request; `cliploc runs resume {self._run}` goes on"
