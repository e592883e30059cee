"""Palette indices as sixels: bands of six rows, painted one colour over another.

The first pass over a band fills whole stretches, which are a few bytes each; what is not of that
colour is painted over by the passes after it. https://vt100.net/docs/vt3xx-gp/chapter14.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

BAND = 6
# What a byte is above its six bits, so "?" paints nothing.
BASE = 63
# Columns without a colour that are more than another stretch of it costs.
GAP = re.compile(r"(\?{10,})")
RUN = re.compile(r"([?-~])\1{3,}")


def sixels(indices: NDArray[np.uint8], palette: NDArray[np.uint8]) -> str:
    """A picture of (H, W) indices into an (n, 3) RGB palette, n <= 256.

    All colours are defined first: xterm paints wrong pixels in the first band when definitions come
    between the data. Nothing follows the last band, where a new line would scroll a full screen.
    """
    numbers, registers = _registers(indices, palette)
    height, width = indices.shape
    bands = [_band(numbers[indices[top : top + BAND]]) for top in range(0, height, BAND)]
    return f'\x1bP0;0;0q"1;1;{width};{height}{registers}{"-".join(bands)}\x1b\\'


def _registers(indices: NDArray[np.uint8], palette: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], str]:
    """Each index's colour number, the most used first, and the definitions, whose channels are percents."""
    percents, alike = np.unique(np.rint(palette / 2.55).astype(int), axis=0, return_inverse=True)
    alike = alike.reshape(-1)
    counts = np.bincount(alike, np.bincount(indices.ravel(), minlength=len(palette)))
    order = np.argsort(-counts, kind="stable")
    channels = percents[order[: np.count_nonzero(counts)]].tolist()
    definitions = [f"#{number};2;{red};{green};{blue}" for number, (red, green, blue) in enumerate(channels)]
    return np.argsort(order).astype(np.uint8)[alike], "".join(definitions)


def _band(band: NDArray[np.uint8]) -> str:
    """Up to six rows of colour numbers; each pass paints what does not overlap, from the left."""
    bits, columns = np.full((256, band.shape[1]), BASE, np.uint8), np.arange(band.shape[1])
    for y, row in enumerate(band):
        bits[row, columns] += 1 << y
    stretches = sorted(
        (start, -len(text), colour, text)
        for colour in np.unique(band).tolist()
        for start, text in _stretches(bits[colour].tobytes().decode("ascii"))
    )
    full = chr(BASE + (1 << len(band)) - 1)
    passes: list[str] = []
    while stretches:
        pieces, later, column = [], [], 0
        for stretch in stretches:
            start, _, colour, text = stretch
            if start < column:
                later.append(stretch)
                continue
            painted = text if passes else full * len(text)
            pieces.append(f"#{colour}{'?' * (start - column)}{painted}")
            column = start + len(text)
        stretches = later
        passes.append(RUN.sub(_shorter, "".join(pieces)))
    return "$".join(passes)


def _stretches(row: str) -> Iterator[tuple[int, str]]:
    """Where a colour is in a band, and its sixels there."""
    painted = row.lstrip("?")
    column = len(row) - len(painted)
    for text in GAP.split(painted.rstrip("?")):
        if text[0] != "?":
            yield column, text
        column += len(text)


def _shorter(run: re.Match[str]) -> str:
    return f"!{run.end() - run.start()}{run.group(1)}"
