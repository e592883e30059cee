"""Training scenes on disk and in batches, and the small pieces that every training loop here shares.

No mask and no position leaves the generator here; what the networks learn about places they
learn from captions.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from cliploc.core.demo.captions import caption, caption_labels
from cliploc.core.demo.scenes import SIZE, scene
from cliploc.core.demo.shapes import LABELS

MEAN = STD = (0.5, 0.5, 0.5)


@dataclass(frozen=True)
class Scenes:
    """images: (n, side, side, 3) uint8; targets: (n, classes) float32, 1 where the caption has the class."""

    images: Tensor
    targets: Tensor


@dataclass(frozen=True)
class TrainingPlan:
    """How long and how fast one network is trained."""

    steps: int
    batch: int
    rate: float
    seed: int
    device: torch.device


def scenes_at(images: NDArray[np.uint8], targets: NDArray[np.float32], side: int) -> Scenes:
    """Hold all scenes in memory at `side` pixels (area mean)."""
    parts = []
    for start in range(0, len(images), 256):
        part = torch.from_numpy(np.ascontiguousarray(images[start : start + 256]))
        if side != SIZE:
            pooled = F.interpolate(part.permute(0, 3, 1, 2).float(), size=(side, side), mode="area")
            part = pooled.round().to(torch.uint8).permute(0, 2, 3, 1)
        parts.append(part)
    return Scenes(torch.cat(parts), torch.from_numpy(targets))


def normalised(images: Tensor) -> Tensor:
    """(B, side, side, 3) uint8 to (B, 3, side, side) float32 in [-1, 1], by the checkpoint's mean and std."""
    return images.permute(0, 3, 1, 2).float() / 127.5 - 1


def draws(count: int, plan: TrainingPlan) -> Iterator[tuple[Tensor, list[int]]]:
    """`plan.steps` batches of scene numbers in shuffled passes over `count`, each with the axes to flip."""
    random = torch.Generator().manual_seed(plan.seed)
    order = torch.empty(0, dtype=torch.long)
    for _ in range(plan.steps):
        while len(order) < plan.batch:
            order = torch.cat([order, torch.randperm(count, generator=random)])
        chosen, order = order[: plan.batch], order[plan.batch :]
        flips = torch.rand(2, generator=random) < 0.5
        yield chosen, [axis for axis, flip in zip((-1, -2), flips, strict=True) if flip]


def descent(
    parameters: Iterable[nn.Parameter], plan: TrainingPlan, decay: float, clip: float = math.inf
) -> Callable[[Tensor], None]:
    """One training step as a function of the loss, `plan.steps` of them.

    AdamW with a warm-up of 5 % of the steps and a cosine to zero; vectors and
    gains do not decay; gradients are cut to the norm `clip`.
    """
    listed = list(parameters)
    groups = [
        {"params": [p for p in listed if p.ndim >= 2], "weight_decay": decay},
        {"params": [p for p in listed if p.ndim < 2], "weight_decay": 0.0},
    ]
    adam = torch.optim.AdamW(groups, lr=plan.rate, betas=(0.9, 0.98))
    warm = max(1, plan.steps // 20)

    def rate(step: int) -> float:
        if step < warm:
            return (step + 1) / warm
        return 0.5 + 0.5 * math.cos(math.pi * (step - warm) / max(1, plan.steps - warm))

    schedule = torch.optim.lr_scheduler.LambdaLR(adam, rate)

    def step(loss: Tensor) -> None:
        adam.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(listed, clip)
        adam.step()
        schedule.step()

    return step


def half(plan: TrainingPlan) -> torch.autocast:
    """bfloat16 for the matrix products: ten times the speed on processors and GPUs that have the units."""
    return torch.autocast(plan.device.type, dtype=torch.bfloat16)


ALONE = 0.5


def captioned_scene(seed: int, index: int) -> tuple[NDArray[np.uint8], str]:
    """One training pair: (256, 256, 3) uint8 image and its caption."""
    drawn = scene(seed, index, alone=ALONE)
    return drawn.image, caption(drawn.labels)


def write_scenes(folder: Path, seed: int, count: int, workers: int) -> None:
    """Render `count` training scenes into `images.npy` (n, 256, 256, 3) uint8 and `captions.json`."""
    folder.mkdir(parents=True, exist_ok=True)
    images = np.lib.format.open_memmap(
        folder / "images.npy", "w+", dtype=np.uint8, shape=(count, SIZE, SIZE, 3)
    )
    captions = []
    # Spawned, not forked: the parent may hold torch and its threads.
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        pairs: Iterator[tuple[NDArray[np.uint8], str]] = pool.map(
            partial(captioned_scene, seed), range(count), chunksize=64
        )
        for index, (image, text) in enumerate(pairs):
            images[index] = image
            captions.append(text)
    images.flush()
    (folder / "captions.json").write_text(json.dumps(captions), encoding="utf-8")


def read_scenes(folder: Path) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Images (n, 256, 256, 3) uint8, mapped from the file, and caption targets (n, classes) of 0 and 1."""
    captions = json.loads((folder / "captions.json").read_text(encoding="utf-8"))
    targets = np.array([[label in caption_labels(text) for label in LABELS] for text in captions], np.float32)
    return np.load(folder / "images.npy", mmap_mode="c"), targets
