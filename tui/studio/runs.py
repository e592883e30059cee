"""The only door to sweeps: the ledger is read, work is done by detached processes.

Whatever this screen starts outlives it; whatever others started is shown too.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from cliploc.core.child import module
from cliploc.core.datasets import Dataset
from cliploc.core.postprocess import PostProcess
from cliploc.core.sweep.compare import baselines_of, compared, rivals
from cliploc.core.sweep.doubts import doubts
from cliploc.core.sweep.export import export
from cliploc.core.sweep.grid import Grid
from cliploc.core.sweep.ledger import Ledger
from cliploc.core.sweep.planning import planned
from cliploc.core.sweep.process import awaken, detach
from cliploc.core.sweep.rows import RunRow
from cliploc.tui.answers import RunRead, RunsCompared, RunsRead, Told, Trouble
from cliploc.tui.runs import HeatTable, Leader, RunView, leaders_of
from cliploc.tui.studio.background import BackgroundThread, Cancelled

TOP_CELLS = 40
COMMAND = module("cliploc.core.cli")
# Seconds that starting what was asked for gets after the screen is gone.
LAST_COMMANDS = 5.0


class Runs:
    """Reads the ledger on a thread and starts commands on another; answers are messages."""

    def __init__(
        self, dataset: Dataset, post: Callable[[object], object], failed: Callable[[Exception], None]
    ) -> None:
        self._dataset = dataset
        self._post = post
        self._ledger = Ledger()
        # Since when sweeps are being started; and what was found under sets that are finished.
        self._starting: list[float] = []
        self._found: dict[tuple[str, int], tuple[Leader, ...]] = {}
        self._reading = BackgroundThread("ledger", failed)
        self._details = BackgroundThread("run", failed)
        self._slow = BackgroundThread("slow", failed, places=8)
        self._commands = BackgroundThread("commands", failed, places=32)

    def poll(self) -> None:
        """Read the list of runs; answers RunsRead."""
        self._reading.submit(lambda _: self._tell_runs())

    def look(self, row: RunRow, score: str) -> None:
        """Read one run by one score; answers RunRead."""
        self._details.submit(lambda _: self._tell_run(row, score))

    def pause(self, run: str) -> None:
        """Ask a run to stop after its present shards; it can be resumed."""
        self._commands.submit(lambda _: self._ask(run, "pause"))

    def cancel(self, run: str) -> None:
        """Ask a run to end."""
        self._commands.submit(lambda _: self._ask(run, "cancel"))

    def delete(self, run: str) -> None:
        """Forget a run and its arrays."""
        self._commands.submit(lambda _: self._delete(run))

    def start(self, heatmaps: tuple[str, ...], grid: Grid) -> None:
        """Start a detached sweep; answers Told with its id, or Trouble."""
        began = time.time()
        self._starting.append(began)
        self.poll()

        def job(_: Cancelled) -> None:
            try:
                run = self._ledger.create(planned(heatmaps, grid, dataset=self._dataset.spec))
                detach(self._ledger, run)
                self._post(Told(f"sweep started: run {run[:8]}"))
            finally:
                self._starting.remove(began)
                self._tell_runs()

        self._commands.submit(job)

    def resume(self, run: str) -> None:
        """Let a paused, interrupted or failed run go on, detached."""

        def job(_: Cancelled) -> None:
            awaken(self._ledger, run)
            detach(self._ledger, run)
            self._told(f"run {run} goes on")

        self._commands.submit(job)

    def export(self, run: str, path: Path) -> None:
        """Write the run's cells as CSV."""

        def job(_: Cancelled) -> None:
            export(self._ledger, run, "csv", path, sys.stdout)
            self._told(f"wrote {path.name} in {path.parent}")

        self._commands.submit(job)

    def compare(self, runs: tuple[str, ...]) -> None:
        """Test runs against each other, image by image; answers RunsCompared, or Trouble."""

        def job(_: Cancelled) -> None:
            everyone = rivals(self._ledger, runs)
            found = compared(self._ledger, everyone).plain(baselines_of(self._ledger, everyone))
            self._post(RunsCompared(runs, found))

        self._commands.submit(job)

    def describe(self, backbone: str, checkpoint: str, layers: int) -> None:
        """Put the heads of a network into words over the dataset; takes minutes, in a process with torch."""
        command = (
            *COMMAND, "heads", "--dataset", self._dataset.spec, "--backbone", backbone,
            "--layers", str(layers), *(("--checkpoint", checkpoint) if checkpoint else ()),
        )  # fmt: skip

        def job(_: Cancelled) -> None:
            result = subprocess.run(
                command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
                start_new_session=True,  # quitting now does not end what was asked for
            )  # fmt: skip
            if result.returncode == 0:
                self._told("the heads are described")
            else:
                said = (result.stderr.strip() or result.stdout.strip()).splitlines()
                self._post(Trouble(said[-1] if said else "`cliploc heads` failed without a word"))

        self._slow.submit(job)

    def close(self) -> None:
        """Start what is still to be started, and stop the threads; runs go on."""
        self._commands.drain(LAST_COMMANDS)
        for thread in (self._reading, self._details, self._commands, self._slow):
            thread.close()

    def _tell_runs(self) -> None:
        runs = tuple(self._ledger.runs())
        here = [run for run in runs if not run.mark and run.truth == self._dataset.truth]
        leaders = leaders_of(here, {run.id: self._found_by(run) for run in here if run.state == "done"})
        self._post(RunsRead(runs, frozenset(run.id for run in here), leaders, tuple(self._starting)))

    def _found_by(self, run: RunRow) -> list[Leader]:
        """What a run that is done found under each of its heatmap sets; that stays as it is."""
        for index, name in enumerate(run.heatmaps):
            if (run.id, index) not in self._found and (found := self._ledger.summary(run.id, index)):
                self._found[run.id, index] = _leaders_in(name, found)
        known = ((run.id, index) for index in range(len(run.heatmaps)))
        return [leader for key in known for leader in self._found.get(key, ())]

    def _tell_run(self, row: RunRow, score: str) -> None:
        self._post(RunRead(self._view(row, score)))

    def _ask(self, run: str, request: str) -> None:
        self._ledger.ask(run, request)
        self._told(f"asked run {run} to {request}")

    def _delete(self, run: str) -> None:
        self._ledger.delete(run)
        self._told(f"deleted run {run}")

    def _told(self, text: str) -> None:
        self._post(Told(text))
        self._tell_runs()

    def _view(self, row: RunRow, score: str) -> RunView:
        finished = self._ledger.finished_sets(row.id)
        if not finished:
            return RunView(row, score, (), None, None)
        best_set = finished[0]
        if row.best is not None and row.best.heatmaps in row.heatmaps:
            best_set = max(row.heatmaps.index(row.best.heatmaps), 0)
        best_set = best_set if best_set in finished else finished[0]
        cells = tuple(self._ledger.top_cells(row.id, TOP_CELLS, score))
        table = self._heat_table(row.id, best_set, score, cells[0].config if cells else PostProcess())
        return RunView(row, score, cells, table, self._ledger.summary(row.id, best_set))

    def _heat_table(self, run: str, set_index: int, score: str, like: PostProcess) -> HeatTable:
        grid = self._ledger.plan(run).grid
        best = self._ledger.scores(run, set_index, score).max(axis=1).tolist()
        values = {
            (config.dilate, config.erode): value
            for config, value in zip(grid.configs, best, strict=True)
            if _alike(config, like)
        }
        return HeatTable(like.interpolation, like.order, like.kernel, grid.dilates, grid.erodes, values)


def _leaders_in(name: str, found: Mapping[str, Any]) -> tuple[Leader, ...]:
    """A heatmap set and what needs no network, out of a summary."""
    best, images = found["best"], found["images"]
    config = PostProcess.from_dict(best["config"])
    return (
        Leader(name, best["mean_iou"], images, config, tuple(doubts(found))),
        *(Leader(one["name"], one["mean_iou"], images, None) for one in found["baselines"]),
    )


def _alike(config: PostProcess, like: PostProcess) -> bool:
    """Whether a config is in `like`'s table: without morphology it is in every table."""
    if config.interpolation != like.interpolation:
        return False
    return not config.steps() or (config.order, config.kernel) == (like.order, like.kernel)
