# ruff: noqa: B023 - closures are called before the loop that binds their variables moves on
"""What a sweep costs, step by step, against the loop that anybody would write first.

Run: pytest -m benchmark -s tests/benchmarks/test_sweep.py
Ratios are of CPU time in one process in one run, so other work on the machine cancels out.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from cliploc.core.codes import codes_of, kernel_of, map_of
from cliploc.core.datasets import Sample, open_dataset
from cliploc.core.metrics import Counts, counts_from, truth_of
from cliploc.core.postprocess import THRESHOLDS, PostProcess
from cliploc.core.sweep.accelerator import kernels_named
from cliploc.core.sweep.engine import Engine
from cliploc.core.sweep.grid import Grid
from cliploc.core.sweep.sums import Sums
from tests.oracles import INTERPOLATION

SEED = 0
GRID = 14


@dataclass(frozen=True)
class Inputs:
    """CocoGlide's masks with stand-in heatmaps: meaningless as a result, real in size and shape."""

    samples: tuple[Sample, ...]
    heatmaps: dict[str, np.ndarray]


def inputs(folder: Path) -> Inputs:
    """Stand-in heatmaps (seeded): the pooled true mask with holes, blobs and noise, 14 x 14."""
    dataset = open_dataset(str(folder))
    heatmaps = {
        sample.id: stand_in(sample.true_mask(), np.random.default_rng([SEED, place]))
        for place, sample in enumerate(dataset.samples)
    }
    return Inputs(dataset.samples, heatmaps)


def stand_in(mask: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """(GRID, GRID) float32 in [0, 1], shaped like a token heatmap of this mask."""
    rows, columns = np.mgrid[:GRID, :GRID]
    heat = cv2.resize(mask.astype(np.float32), (GRID, GRID), interpolation=cv2.INTER_AREA)
    heat = heat * (rng.random((GRID, GRID)) < 0.75) * rng.uniform(0.3, 1, (GRID, GRID))
    for _ in range(rng.integers(1, 5)):
        row, column, spread = *rng.uniform(0, GRID, 2), rng.uniform(0.5, 2)
        heat += rng.uniform(0.1, 0.5) * np.exp(
            -((rows - row) ** 2 + (columns - column) ** 2) / (2 * spread**2)
        )
    smooth = cv2.GaussianBlur(rng.standard_normal((GRID, GRID)), (0, 0), 2.0)
    heat += 0.08 * smooth / smooth.std() + 0.1 * rng.random((GRID, GRID))
    return ((heat - heat.min()) / (heat.max() - heat.min())).astype(np.float32)


def obvious_loop(heatmap: np.ndarray, true_mask: np.ndarray, config: PostProcess) -> list[dict[str, float]]:
    """One (image, config) as it is written first: everything inside the loop over thresholds.

    Resize, threshold, dilate, erode, four boolean counts, five scores.
    """
    height, width = true_mask.shape
    rows = []
    for threshold in THRESHOLDS:
        map_ = cv2.resize(heatmap, (width, height), interpolation=INTERPOLATION[config.interpolation])
        mask = (np.clip(map_, 0, 1).astype(np.float64) >= threshold).astype(np.uint8)
        mask = cv2.dilate(mask, np.ones((config.dilate, config.dilate), np.uint8))
        mask = cv2.erode(mask, np.ones((config.erode, config.erode), np.uint8))
        found = mask.astype(bool)
        tp = int(np.logical_and(found, true_mask).sum())
        fp = int(np.logical_and(found, ~true_mask).sum())
        fn = int(np.logical_and(~found, true_mask).sum())
        tn = int(np.logical_and(~found, ~true_mask).sum())
        rows.append(
            {
                "tp": tp,
                "predicted": tp + fp,
                "mean_iou": tp / max(tp + fp + fn, 1),
                "precision": tp / max(tp + fp, 1),
                "recall": tp / max(tp + fn, 1),
                "f1": 2 * tp / max(2 * tp + fp + fn, 1),
                "pixel_accuracy": (tp + tn) / true_mask.size,
            }
        )
    return rows


def engine_cost(found: Inputs, grid: Grid, samples: Sequence[Sample], name: str) -> float:
    """CPU seconds per (image, config): resize, codes, morphology, histogram, scores, sums."""
    masks = {sample.id: sample.true_mask() for sample in samples}
    engine, sums = Engine(grid.configs, kernels_named(name)), Sums.zero(len(grid.configs))
    engine.counts(found.heatmaps[samples[0].id], truth_of(masks[samples[0].id]))  # compiled, warm
    started = time.process_time()
    for sample in samples:
        sums.add(engine.counts(found.heatmaps[sample.id], truth_of(masks[sample.id])))
    return (time.process_time() - started) / len(samples) / len(grid.configs)


def step_costs(found: Inputs, samples: Sequence[Sample]) -> dict[str, float]:
    """CPU microseconds of each step on one image, averaged over samples."""
    costs: dict[str, list[float]] = {}

    def note(name: str, work: Callable[[], object], times: int = 20) -> None:
        work()
        started = time.process_time()
        for _ in range(times):
            work()
        costs.setdefault(name, []).append((time.process_time() - started) / times * 1e6)

    fast, plain = kernels_named("numba"), kernels_named("opencv")
    for sample in samples:
        truth, heatmap = truth_of(sample.true_mask()), found.heatmaps[sample.id]
        for name in INTERPOLATION:
            note(f"resize, {name}", lambda name=name: map_of(heatmap, truth.shape, PostProcess(name)))
        map_ = map_of(heatmap, truth.shape, PostProcess())
        note("codes (100 thresholds)", lambda: codes_of(map_))
        codes, out, joined = codes_of(map_), np.empty_like(truth), np.empty_like(truth)
        for side in (5, 41, 61):
            note(
                f"dilate, {side} x {side}",
                lambda side=side: cv2.dilate(codes, kernel_of("square", side), dst=out),
            )
        closed = cv2.erode(cv2.dilate(codes, kernel_of("square", 41)), kernel_of("square", 41))
        for label, plane in (("raw", codes), ("closed 41", closed)):
            note(f"histogram, {label}, opencv", lambda plane=plane: plain.histogram(plane, truth, joined))
            note(f"histogram, {label}, numba", lambda plane=plane: fast.histogram(plane, truth, joined))
        histograms = np.tile(plain.histogram(codes, truth, joined), (256, 1)).astype(np.float64)
        note("counts from the histogram", lambda: counts_from(histograms), 5)
        counts, sums = counts_from(histograms), Sums.zero(256)
        note("scores and sums", lambda counts=counts, sums=sums: sums.add(counts), 5)
    shared = {"counts from the histogram": 256, "scores and sums": 256}
    return {name: float(np.mean(values)) / shared.get(name, 1) for name, values in costs.items()}


def copy_bandwidth() -> dict[str, float]:
    """Microseconds to read and write one 256 x 256 plane of codes: from memory, and from the cache."""
    results = {}
    for name, megabytes in (("memory", 64), ("cache", 1 / 16)):
        source = np.zeros(int(megabytes * 2**20), np.uint8)
        target = np.empty_like(source)
        repeats = max(3, int(256 / max(megabytes, 1)))
        np.copyto(target, source)
        started = time.process_time()
        for _ in range(repeats):
            np.copyto(target, source)
        seconds = (time.process_time() - started) / repeats
        results[name] = seconds / (megabytes * 16) * 1e6
    return results


def agrees(row: list[dict[str, float]], counts: Counts, place: int) -> bool:
    """Whether the obvious loop and the engine counted the same, at every threshold."""
    tp, predicted = ([r[name] for r in row] for name in ("tp", "predicted"))
    return tp == counts.tp[place].tolist() and predicted == counts.predicted[place].tolist()
