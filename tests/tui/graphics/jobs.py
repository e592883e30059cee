"""Jobs for encoder tests."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from cliploc.core.terminal import Protocol, Terminal
from cliploc.tui.graphics.frame import Detail, Job

Image = npt.NDArray[np.uint8]


def picture(seed: int, height: int = 64, width: int = 64) -> Image:
    """Smooth colours with a sharp square in them."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[0:height, 0:width]
    phases = rng.uniform(0, 6, 3)
    waves = [128 + 120 * np.sin(rows / 9 + columns / 13 + phase) for phase in phases]
    image = np.stack(waves, axis=2).astype(np.uint8)
    image[height // 4 : height // 2, width // 4 : width // 2] = rng.integers(0, 256, 3)
    return image


def job(protocol: Protocol = "halfcell", **changes: Any) -> Job:
    """A job for a 24 x 12 widget at the screen's corner, of a terminal with 10 x 20 pixel cells."""
    settings: dict[str, Any] = {
        "generation": 1,
        "size": (24, 12),
        "terminal": Terminal(protocol, 10, 20, truecolor=True),
        "background": (1, 2, 3),
        "grey": False,
        "detail": Detail.COMFORTABLE,
        "budget": 10**9,
        "identity": 0x123456,
        "needs_whole": protocol == "sixel",
        "origin": (0, 0),
        "covered": (),
        "at_bottom": False,
        "before": None,
    }
    return Job(**{**settings, **changes})
