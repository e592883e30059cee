"""Counting on the network's device: asked of the heatmap worker, which holds torch already."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Sequence
from concurrent.futures import Future

import numpy as np

from cliploc.core.heatmaps.client import Worker
from cliploc.core.heatmaps.protocol import Count, Counted, Died, Event, Failed, Ready
from cliploc.core.heatmaps.store import HeatmapSet
from cliploc.core.metrics import Floats
from cliploc.core.postprocess import PostProcess

# Where counting is faster than on the CPU.
DEVICES = ("cuda",)


class Elsewhere:
    """Whether the worker counts, and what it is asked. Call from any thread.

    A worker that died is not asked again until another one is ready.
    """

    def __init__(self, worker: Worker) -> None:
        self._worker = worker
        self._lock = threading.Lock()
        self._numbers = itertools.count()
        self._asked: dict[int, Future[Floats | None]] = {}
        self._is_there = False

    def ask(
        self, found: HeatmapSet, heatmaps: int, dataset: str, ids: Sequence[str], config: PostProcess
    ) -> Future[Floats | None] | None:
        """Histograms of samples, (n, 256), or None of a worker that cannot say; no future without one.

        heatmaps: how many there are in the set. Cancelled when the worker dies.
        """
        future: Future[Floats | None] = Future()
        with self._lock:
            if not self._is_there:
                return None
            number = next(self._numbers)
            self._asked[number] = future
        self._worker.count(Count(number, dataset, found.key, heatmaps, tuple(ids), config))
        return future

    def hear(self, event: Event) -> None:
        """What the worker says, of whatever it may be."""
        if isinstance(event, Ready):
            with self._lock:
                self._is_there = event.device.startswith(DEVICES)
        elif isinstance(event, Counted):
            with self._lock:
                future = self._asked.pop(event.number, None)
            if future is not None:
                future.set_result(None if event.histograms is None else event.histograms.astype(np.float64))
        elif isinstance(event, Died) or (isinstance(event, Failed) and event.recipe is None):
            self._give_up()

    def _give_up(self) -> None:
        with self._lock:
            self._is_there = False
            asked, self._asked = self._asked, {}
        for future in asked.values():
            future.cancel()
