"""The training scenes on disk: images and captions, nothing else.

No mask and no position leaves the generator here; what the networks learn about
places they learn from captions.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cliploc.core.demo.captions import caption, caption_labels
from cliploc.core.demo.scenes import SIZE, scene
from cliploc.core.demo.shapes import LABELS

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
