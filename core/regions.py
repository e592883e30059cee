"""What can be known of a map and its mask without a true mask: the peak, the area, parts and holes.

Standard library only until something is measured: the screen shows regions, too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cliploc.core.codes import Float32, Mask


@dataclass(frozen=True)
class Region:
    """Where a map is highest, and what its mask is.

    peak: (x, y) in pixels of the image, the middle of all that are highest; None where the map is
    the same everywhere. area: the mask's share of the image, in [0, 1]. parts: connected over sides
    or corners; holes: see `parts_and_holes`.
    """

    peak: tuple[int, int] | None
    area: float
    parts: int
    holes: int


def region_of(map_: Float32, mask: Mask) -> Region:
    """Measure a map (H, W) float32 in [0, 1] and its mask (H, W) bool."""
    return Region(peak_of(map_), float(mask.mean()), *parts_and_holes(mask))


def peak_of(map_: Float32) -> tuple[int, int] | None:
    """Where the map is highest, (x, y): of several such pixels the one nearest to their middle.

    >>> import numpy as np
    >>> peak_of(np.array([[0, 1, 1], [0, 0, 0]], np.float32))
    (1, 0)
    """
    import numpy as np

    highest = map_.max()
    if highest == map_.min():
        return None
    rows, columns = np.nonzero(map_ == highest)
    nearest = int(np.hypot(rows - rows.mean(), columns - columns.mean()).argmin())
    return int(columns[nearest]), int(rows[nearest])


def parts_and_holes(mask: Mask) -> tuple[int, int]:
    """How many parts a mask (H, W) bool has, and how many holes.

    Parts are connected over sides and corners (8 neighbours), the background over sides alone
    (4). A hole is background that touches no border of the image.

    >>> import numpy as np
    >>> ring = np.ones((5, 5), bool)
    >>> ring[2, 2] = False
    >>> parts_and_holes(ring)
    (1, 1)
    """
    import cv2
    import numpy as np

    plane = np.pad(mask.astype(np.uint8), 1)  # so that all background at the border is one
    parts = cv2.connectedComponents(plane, connectivity=8)[0] - 1
    holes = cv2.connectedComponents(1 - plane, connectivity=4)[0] - 2
    return parts, holes
