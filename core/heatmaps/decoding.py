"""Pictures for the network, decoded by threads a little ahead of it."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import torch
from torch import Tensor

from cliploc.core.datasets import Sample

AHEAD = 2  # batches that are decoded while one is computed


def cpus() -> int:
    """How many this process may use: a job's share of a machine, where the system says it."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def decoded(
    pixels: Callable[[Sample], Tensor], batches: Sequence[Sequence[Sample]], pinned: bool, threads: int
) -> Iterator[Tensor]:
    """The batches as (B, 3, S, S) uint8.

    pixels: one sample as (1, 3, S, S). pinned: in memory that CUDA copies from by itself. threads: that
    decode, side by side.
    """
    with (
        ThreadPoolExecutor(threads, "heatmap-decoder") as decoders,
        ThreadPoolExecutor(1, "heatmap-stager") as stager,
    ):

        def stage(samples: Sequence[Sample]) -> Tensor:
            stacked = torch.cat(list(decoders.map(pixels, samples)))
            return stacked.pin_memory() if pinned else stacked

        ahead = deque(stager.submit(stage, batch) for batch in batches[:AHEAD])
        try:
            for index in range(len(batches)):
                staged = ahead.popleft().result()
                if index + AHEAD < len(batches):
                    ahead.append(stager.submit(stage, batches[index + AHEAD]))
                yield staged
        finally:
            stager.shutdown(cancel_futures=True)
