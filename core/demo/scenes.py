"""Scenes of the demo set: one target, often other objects, on a cluttered background.

Deterministic: a scene is a function of (seed, index) alone. Objects carry the
texture of their class except for a plain part, and thin bars lie across them,
so that heatmaps come out holey and fragmented although the objects are whole.
"""

from __future__ import annotations

import colorsys
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cliploc.core.demo.shapes import CLASSES, Grid, Region, ShapeClass

SIZE = 256
Image = NDArray[np.uint8]
Canvas = NDArray[np.float32]
Random = np.random.Generator
Window = tuple[slice, slice]


@dataclass(frozen=True)
class Scene:
    """image: (256, 256, 3) uint8 RGB; mask: (256, 256) bool, the target's pixels; labels: target first."""

    image: Image
    mask: Region
    labels: tuple[str, ...]

    @property
    def label(self) -> str:
        """The target's class."""
        return self.labels[0]


@dataclass(frozen=True)
class _Place:
    x: float
    y: float
    radius: float


def scene(seed: int, index: int, alone: float = 0.3) -> Scene:
    """The scene number `index` of the series `seed`.

    The target's class goes round the class list with the index; `alone` is the
    probability that no other object is present.
    """
    random = np.random.default_rng([seed, index])
    canvas = _background(random)
    _clutter(canvas, random)
    target = CLASSES[index % len(CLASSES)]
    others = [shape for shape in CLASSES if shape is not target]
    count = 0 if random.random() < alone else int(random.integers(1, 3))
    places = _places(random, 1 + count)
    chosen = [target, *(others[i] for i in random.permutation(len(others))[: len(places) - 1])]
    regions = [_draw(canvas, random, shape, place) for shape, place in zip(chosen, places, strict=True)]
    _bars(canvas, random, places)
    # 33 levels per channel: unseen at this size, and the shipped PNG files stay small.
    image = (np.rint(np.clip(canvas, 0, 1) * 32) * 255 / 32).astype(np.uint8)
    return Scene(image, regions[0], tuple(shape.label for shape in chosen))


def _colour(
    random: Random, saturation: tuple[float, float], value: tuple[float, float]
) -> NDArray[np.float32]:
    hue = random.random()
    return _rgb(hue, random.uniform(*saturation), random.uniform(*value))


def _rgb(hue: float, saturation: float, value: float) -> NDArray[np.float32]:
    return np.array(colorsys.hsv_to_rgb(hue % 1, saturation, value), np.float32)


def _smooth(random: Random, cells: int) -> NDArray[np.float32]:
    """(256, 256) noise that varies over SIZE / cells pixels, cosine-interpolated, from -1 to 1."""
    knots = random.uniform(-1, 1, (cells + 1, cells + 1))
    position = np.arange(SIZE) * cells / SIZE
    left = position.astype(np.int64)
    weight = (1 - np.cos(np.pi * (position - left))) / 2
    blend = np.zeros((SIZE, cells + 1))
    blend[np.arange(SIZE), left] = 1 - weight
    blend[np.arange(SIZE), left + 1] = weight
    return (blend @ knots @ blend.T).astype(np.float32)


def _background(random: Random) -> Canvas:
    """Two colours mixed by smooth noise, with a fine grain of random direction."""
    first = _colour(random, (0.0, 0.5), (0.25, 0.9))
    second = _colour(random, (0.0, 0.5), (0.25, 0.9))
    mix = np.clip(0.5 + 0.8 * _smooth(random, int(random.integers(2, 5))), 0, 1)[..., None]
    canvas = first * mix + second * (1 - mix)
    along, _ = _rotated(_window(0, 0, SIZE), 0, 0, random.uniform(0, np.pi))
    wave = np.sin(2 * np.pi * along / random.uniform(24, 60) + 3 * _smooth(random, 4))
    grain = random.uniform(0, 0.1) * wave + random.uniform(0.02, 0.12) * _smooth(random, 32)
    background: Canvas = (canvas + grain[..., None]).astype(np.float32)
    return background


def _clutter(canvas: Canvas, random: Random) -> None:
    """Plain blobs and lines of any colour that belong to no class."""
    for _ in range(int(random.integers(2, 7))):
        x, y = random.uniform(0, SIZE, 2)
        long, short = random.uniform(10, 46), random.uniform(6, 26)
        window = _window(x, y, np.hypot(long, short))
        u, v = _rotated(window, x, y, random.uniform(0, np.pi))
        box = np.maximum(np.abs(u) / long, np.abs(v) / short)
        inside = box < 1 if random.random() < 0.5 else np.hypot(u / long, v / short) < 1
        strength = random.uniform(0.5, 1)
        part = canvas[window]
        part[inside] += strength * (_colour(random, (0.1, 0.9), (0.2, 0.95)) - part[inside])
    for _ in range(int(random.integers(2, 8))):
        _line(canvas, random, random.uniform(0, SIZE), random.uniform(0, SIZE), random.uniform(20, 160))


def _line(canvas: Canvas, random: Random, x: float, y: float, length: float) -> None:
    window = _window(x, y, length / 2 + 4)
    u, v = _rotated(window, x, y, random.uniform(0, np.pi))
    width = random.uniform(1, 4)
    canvas[window][(np.abs(v) < width) & (np.abs(u) < length / 2)] = _colour(random, (0.0, 0.9), (0.1, 0.95))


def _window(x: float, y: float, reach: float) -> Window:
    """The rows and columns within `reach` of (x, y)."""
    rows, columns = (slice(max(0, int(c - reach)), min(SIZE, int(c + reach) + 2)) for c in (y, x))
    return rows, columns


def _rotated(window: Window, x: float, y: float, angle: float) -> tuple[Grid, Grid]:
    """Coordinates of the window's pixels around (x, y), turned by `angle`."""
    dy = np.arange(window[0].start, window[0].stop, dtype=np.float64)[:, None] - y
    dx = np.arange(window[1].start, window[1].stop, dtype=np.float64)[None, :] - x
    return dx * np.cos(angle) + dy * np.sin(angle), dy * np.cos(angle) - dx * np.sin(angle)


def _places(random: Random, count: int) -> list[_Place]:
    """Where the objects go: the target first, the others clear of it; one without room is left out."""
    places: list[_Place] = []
    for position in range(count):
        for _ in range(30):
            radius = random.uniform(46, 92) if position == 0 else random.uniform(30, 58)
            x, y = random.uniform(0.85 * radius, SIZE - 0.85 * radius, 2)
            gaps = [np.hypot(x - p.x, y - p.y) - radius - p.radius for p in places]
            if all(gap > -8 for gap in gaps):
                places.append(_Place(x, y, radius))
                break
    return places


def _draw(canvas: Canvas, random: Random, shape: ShapeClass, place: _Place) -> Region:
    """Paint one object; returns its pixels, (256, 256) bool."""
    window = _window(place.x, place.y, 1.45 * place.radius)
    u, v = _rotated(window, place.x, place.y, random.uniform(-0.6, 0.6))
    inside = shape.outline(u / place.radius, v / place.radius)
    shade = 1 + 0.15 * _smooth(random, 3)[window][..., None]
    part = canvas[window]
    part[inside] = (_textured(random, shape, u, v) * shade)[inside]
    for _ in range(int(random.integers(0, 3))):
        plain = inside & _plain_part(random, u / place.radius, v / place.radius)
        part[plain] = (_colour(random, (0.0, 0.35), (0.3, 0.95)) * shade)[plain]
    region = np.zeros((SIZE, SIZE), np.bool_)
    region[window] = inside
    return region


def _textured(random: Random, shape: ShapeClass, u: Grid, v: Grid) -> Canvas:
    """The class's texture in two tones of (mostly) its usual hue, on the coordinates (u, v) in pixels."""
    hue = shape.hue + random.normal(0, 0.06) if random.random() < 0.85 else random.random()
    base = _rgb(hue, random.uniform(0.5, 0.95), random.uniform(0.55, 0.95))
    mark = _rgb(hue + random.normal(0, 0.05), random.uniform(0.2, 0.9), random.uniform(0.05, 0.3))
    if random.random() < 0.5:
        mark = 1 - random.uniform(0.02, 0.25) * (1 - mark)
    angle, period = random.uniform(-0.4, 0.4), random.uniform(13, 20)
    a = (u * np.cos(angle) + v * np.sin(angle)) / period + random.random()
    b = (v * np.cos(angle) - u * np.sin(angle)) / period + random.random()
    return np.where(shape.texture(a, b)[..., None], mark, base)


def _plain_part(random: Random, u: Grid, v: Grid) -> Region:
    """A patch or a band of the object that has no texture."""
    x, y = random.uniform(-0.6, 0.6, 2)
    if random.random() < 0.6:
        distance, reach = np.hypot(u - x, v - y), random.uniform(0.25, 0.45)
    else:
        angle = random.uniform(0, np.pi)
        distance = np.abs((u - x) * np.cos(angle) + (v - y) * np.sin(angle))
        reach = random.uniform(0.12, 0.24)
    part: Region = distance < reach
    return part


def _bars(canvas: Canvas, random: Random, places: list[_Place]) -> None:
    """Thin bars across the objects; they cover the object but do not end it."""
    for place in places:
        for _ in range(int(random.integers(0, 3))):
            offset = random.uniform(-0.5, 0.5, 2) * place.radius
            _line(
                canvas,
                random,
                place.x + offset[0],
                place.y + offset[1],
                random.uniform(40, 2.4 * place.radius),
            )
