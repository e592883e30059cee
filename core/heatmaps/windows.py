"""Pictures seen through windows: squares one by one, their maps averaged where they overlap.

As SCLIP, NACLIP and ClearCLIP show networks of 224 pixels larger pictures: every window is of the network's
own size, and its maps are enlarged before they are averaged.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor
from torch.nn import functional as F


def windowed(
    maps_of: Callable[[Tensor], dict[str, Tensor]], images: Tensor, window: int, stride: int
) -> dict[str, Tensor]:
    """The maps (B, T, S, S) of images (B, 3, S, S), a pixel of the map for each of theirs.

    maps_of: the maps (B, T, gh, gw) of what one window shows, by name.
    """
    height, width = images.shape[2:]
    totals: dict[str, Tensor] = {}
    counts = torch.zeros(height, width, device=images.device)
    for top in _starts(height, window, stride):
        for left in _starts(width, window, stride):
            rows, columns = slice(top, top + window), slice(left, left + window)
            seen = images[:, :, rows, columns]
            counts[rows, columns] += 1
            for name, maps in maps_of(seen).items():
                total = totals.setdefault(name, maps.new_zeros(*maps.shape[:2], height, width))
                total[:, :, rows, columns] += F.interpolate(maps, size=seen.shape[2:], mode="bilinear")
    return {name: total / counts for name, total in totals.items()}


def _starts(side: int, window: int, stride: int) -> Iterator[int]:
    """Where windows begin along a side; the last one ends with it."""
    for index in range(max(side - window + stride - 1, 0) // stride + 1):
        yield max(min(index * stride, side - window), 0)
