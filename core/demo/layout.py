"""The shipped demo set: scenes written in CocoGlide's layout."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from cliploc.core.demo.scenes import scene
from cliploc.core.errors import ParameterError
from cliploc.core.paths import atomic_write, write_whole

SHIPPED_SEED = 0
SHIPPED_COUNT = 120
COLUMNS = ("real", "fake", "mask", "prompt")


def build(out: Path, seed: int = SHIPPED_SEED, count: int = SHIPPED_COUNT) -> None:
    """Write `count` scenes of the series `seed` under `out`: table.csv, real/ and mask/; no fake/.

    The table comes last: a folder that was left half-written is no dataset.
    ParameterError where `out` already holds one.
    """
    if (out / "table.csv").exists():
        raise ParameterError(f"{out} already holds a table.csv; give --out a new folder")
    rows = []
    for index in range(count):
        drawn = scene(seed, index)
        stem = f"{drawn.label}_{index:04d}"
        row = (f"real/{stem}.png", "", f"mask/{stem}_mask.png", drawn.label)
        _write_png(out / row[0], drawn.image)
        _write_png(out / row[2], drawn.mask.astype(np.uint8) * 255)
        rows.append(row)
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([COLUMNS, *rows])
    write_whole(out / "table.csv", text.getvalue().encode("utf-8"))


def _write_png(path: Path, pixels: NDArray[np.uint8]) -> None:
    """Write (H, W, 3) RGB or (H, W) grey pixels."""
    with atomic_write(path) as file:
        Image.fromarray(pixels).save(file, "PNG", optimize=True)
