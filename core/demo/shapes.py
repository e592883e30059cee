"""The classes of the demo set: an outline, a texture family and a usual hue each.

Outlines and textures are plain formulas on coordinate grids, so that a scene is
the same array on every machine.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Grid = NDArray[np.float64]
Region = NDArray[np.bool_]
Rule = Callable[[Grid, Grid], Region]


@dataclass(frozen=True)
class ShapeClass:
    """`outline` takes [-1, 1] squared, `texture` coordinates in texture periods; `hue` is in turns."""

    label: str
    outline: Rule
    texture: Rule
    hue: float


def _polar(u: Grid, v: Grid) -> tuple[Grid, Grid]:
    return np.hypot(u, v), np.arctan2(v, u)


def _cell(a: Grid, b: Grid) -> tuple[Grid, Grid]:
    """Coordinates inside each unit cell, from -0.5 to 0.5."""
    return a - np.floor(a) - 0.5, b - np.floor(b) - 0.5


def _shifted_rows(a: Grid, b: Grid) -> Grid:
    """Every second row of unit cells moved by half a cell, as bricks are."""
    return a + 0.5 * (np.floor(b) % 2)


def star(u: Grid, v: Grid) -> Region:
    radius, angle = _polar(u, v)
    tip = np.abs((angle * 5 / (2 * np.pi)) % 1 * 2 - 1)
    return radius < 0.36 + 0.64 * tip**1.4


def ring(u: Grid, v: Grid) -> Region:
    radius = np.hypot(u, v)
    return (radius > 0.62) & (radius < 1)


def heart(u: Grid, v: Grid) -> Region:
    x, y = 1.2 * u, 0.15 - 1.2 * v
    return (x**2 + y**2 - 1) ** 3 < x**2 * y**3


def cross(u: Grid, v: Grid) -> Region:
    inside = (np.abs(u) < 1) & (np.abs(v) < 1)
    return inside & ((np.abs(u) < 0.27) | (np.abs(v) < 0.27))


def moon(u: Grid, v: Grid) -> Region:
    return (np.hypot(u, v) < 1) & (np.hypot(u - 0.5, v) > 0.72)


def flower(u: Grid, v: Grid) -> Region:
    radius, angle = _polar(u, v)
    return radius < 0.68 + 0.32 * np.cos(6 * angle)


def gear(u: Grid, v: Grid) -> Region:
    radius, angle = _polar(u, v)
    teeth = (radius < 1) & (np.cos(9 * angle) > 0.1)
    return (radius > 0.34) & ((radius < 0.78) | teeth)


def arrow(u: Grid, v: Grid) -> Region:
    shaft = (np.abs(v) < 0.2) & (u > -1) & (u < 0.2)
    head = (u > 0.05) & (np.abs(v) < 0.85 * (1 - u))
    return shaft | head


def fish(u: Grid, v: Grid) -> Region:
    body = ((u - 0.2) / 0.8) ** 2 + (v / 0.5) ** 2 < 1
    tail = (u > -1) & (u < -0.3) & (np.abs(v) < 0.1 - 0.8 * (u + 0.4))
    return body | tail


def paw(u: Grid, v: Grid) -> Region:
    region = (u / 0.62) ** 2 + ((v - 0.42) / 0.5) ** 2 < 1
    for x, y in ((-0.75, -0.12), (-0.28, -0.66), (0.28, -0.66), (0.75, -0.12)):
        region |= ((u - x) / 0.23) ** 2 + ((v - y) / 0.31) ** 2 < 1
    return region


def dots(a: Grid, b: Grid) -> Region:
    return np.hypot(*_cell(a, b)) < 0.3


def stripes(a: Grid, b: Grid) -> Region:
    return _cell(a, b)[0] < 0


def checker(a: Grid, b: Grid) -> Region:
    return (np.floor(1.3 * a) + np.floor(1.3 * b)) % 2 < 1


def lattice(a: Grid, b: Grid) -> Region:
    x, y = _cell(a, b)
    return (np.abs(x) < 0.15) | (np.abs(y) < 0.15)


def circles(a: Grid, b: Grid) -> Region:
    return np.abs(np.hypot(*_cell(0.75 * a, 0.75 * b)) - 0.3) < 0.1


def pluses(a: Grid, b: Grid) -> Region:
    x, y = (np.abs(side) for side in _cell(0.85 * a, 0.85 * b))
    arms: Region = (np.minimum(x, y) < 0.13) & (np.maximum(x, y) < 0.38)
    return arms


def zigzag(a: Grid, b: Grid) -> Region:
    wave = np.abs(_cell(a, b)[0]) * 1.4
    return (b + wave) % 1 < 0.45


def bricks(a: Grid, b: Grid) -> Region:
    rows = 1.4 * b
    x, y = _cell(_shifted_rows(0.7 * a, rows), rows)
    return (np.abs(x) > 0.4) | (np.abs(y) > 0.36)


def scales(a: Grid, b: Grid) -> Region:
    x, y = _cell(_shifted_rows(a, b), b)
    return np.abs(np.hypot(x, y + 0.5) - 0.55) < 0.14


def triangles(a: Grid, b: Grid) -> Region:
    x, y = _cell(a, b)
    return (np.abs(x) < 0.5 * (y + 0.4)) & (y < 0.35)


CLASSES: tuple[ShapeClass, ...] = (
    ShapeClass("arrow", arrow, bricks, 0.05),
    ShapeClass("cross", cross, lattice, 0.35),
    ShapeClass("fish", fish, scales, 0.55),
    ShapeClass("flower", flower, pluses, 0.85),
    ShapeClass("gear", gear, zigzag, 0.65),
    ShapeClass("heart", heart, checker, 0.97),
    ShapeClass("moon", moon, circles, 0.75),
    ShapeClass("paw", paw, triangles, 0.25),
    ShapeClass("ring", ring, stripes, 0.45),
    ShapeClass("star", star, dots, 0.14),
)
LABELS: tuple[str, ...] = tuple(shape.label for shape in CLASSES)
