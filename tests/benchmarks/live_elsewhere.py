"""Seconds until a key's scores are exact: counted on the CPU, and on the network's device as well.

    python -m tests.benchmarks.live_elsewhere --folder FOLDER [--device auto] [--images 5000]

The set is one of `make load` (COCO-like, 640 x 480), made in the folder. The network has random weights and
is in the process that the explorer would start for it. Both count the same configs in turn, each for the
first time, and every count is compared. Time on the clock.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Sequence
from concurrent.futures import Future
from pathlib import Path

import numpy as np

from cliploc.core import paths
from cliploc.core.datasets import Dataset, open_dataset
from cliploc.core.heatmaps.exchange import import_npz
from cliploc.core.heatmaps.recipe import Recipe
from cliploc.core.heatmaps.store import HeatmapSet, HeatmapStore
from cliploc.core.metrics import Counts, Floats
from cliploc.core.postprocess import PostProcess
from cliploc.core.sweep.live import LiveScores
from cliploc.core.sweep.truths import Truths
from cliploc.tui.answers import WorkerChanged
from cliploc.tui.state import Source
from cliploc.tui.studio.heatmaps import Heatmaps
from cliploc.tui.studio.scorer import LIVE_CACHE_BYTES
from tests.load import sets

NETWORK = Source(Recipe("gem", "ViT-B-16", "random:0"))
KEYS = {
    "a first config": PostProcess(dilate=9),
    "a step of dilation": PostProcess(dilate=11),
    "one more": PostProcess(dilate=13),
    "and one more": PostProcess(dilate=15),
    "two kernels": PostProcess(dilate=41, erode=21),
    "an ellipse of 21": PostProcess(dilate=21, kernel="ellipse"),
    "nearest": PostProcess(dilate=9, interpolation="nearest"),
}
# Seconds for a worker to load a network.
LOADING = 120.0


def with_a_network(dataset: Dataset, device: str) -> tuple[Heatmaps, str]:
    """The explorer's heatmap worker with a network in it, and where that is."""
    where: list[str] = []

    def hear(answer: object) -> None:
        if isinstance(answer, WorkerChanged) and answer.state == "ready":
            where.append(answer.text)

    heatmaps = Heatmaps(dataset, hear, device)
    heatmaps.read(NETWORK, dataset.samples[0], "")
    end = time.monotonic() + LOADING
    while not where:
        assert time.monotonic() < end, "the worker does not answer"
        time.sleep(0.1)
    return heatmaps, where[0]


def until_exact(live: LiveScores, config: PostProcess) -> tuple[float, Counts]:
    """Seconds, and the counts."""
    begun = time.perf_counter()
    counts = live.counts(config)
    assert counts is not None
    return time.perf_counter() - begun, counts


def imported(dataset: Dataset) -> HeatmapSet:
    """Heatmaps of every sample."""
    made = sets.heatmaps(paths.cache_dir() / "load.npz", dataset.ids)
    import_npz(HeatmapStore(), made, dataset, "load")
    return next(each for each in HeatmapStore().sets() if each.name == "load")


def main() -> None:
    """Print one row a key."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--images", type=int, default=5000)
    arguments = parser.parse_args()
    place = arguments.folder / f"coco-{arguments.images}"
    os.environ["CLIPLOC_HOME"] = str(place / "home-elsewhere")
    dataset = open_dataset(sets.coco(place, arguments.images))
    found = imported(dataset)
    heatmaps = found.read_all()
    network, device = with_a_network(dataset, arguments.device)
    truths, asked = Truths(), [0]

    def ask(ids: Sequence[str], config: PostProcess) -> Future[Floats | None] | None:
        asked[0] += len(ids)
        return network.counted_elsewhere(found, len(heatmaps), ids, config)

    live = {
        "here": LiveScores(
            heatmaps, dataset.scorable, sources=dataset.sources, truths=truths, cache_bytes=LIVE_CACHE_BYTES
        ),
        "elsewhere": LiveScores(
            heatmaps,
            dataset.scorable,
            sources=dataset.sources,
            truths=truths,
            cache_bytes=LIVE_CACHE_BYTES,
            elsewhere=ask,
        ),
    }
    print(f"{len(dataset.scorable):,} samples, {os.cpu_count()} cores, {device}")
    print("| key | CPU, s | CPU and device, s | ratio | asked of the device |")
    print("|---|---|---|---|---|")
    until_exact(live["here"], PostProcess(order="none"))  # true masks are read, once
    for name, config in KEYS.items():
        here, expected = until_exact(live["here"], config)
        asked[0] = 0
        both, counts = until_exact(live["elsewhere"], config)
        for field in Counts.__dataclass_fields__:
            assert np.array_equal(getattr(counts, field), getattr(expected, field)), (name, field)
        print(f"| {name} | {here:.2f} | {both:.2f} | {here / both:.2f} | {asked[0]:,} |", flush=True)
    network.close()


if __name__ == "__main__":
    main()
