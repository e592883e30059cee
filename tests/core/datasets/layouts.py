"""Tiny datasets in other programs' layouts, and by hand what is true of them.

Every file is written by Pillow, json or plain text; nothing of ours is asked.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

HEIGHT, WIDTH = 6, 8

# Maps of numbers as one sees them; 9 stands for a pixel that does not count.
FIRST = """
    11100000
    11100000
    11100222
    00000222
    99900222
    00000000
"""
SECOND = """
    00000000
    02222000
    02222000
    00000000
    00000099
    00000099
"""


def drawn(picture: str) -> np.ndarray:
    """The digits of a drawing as (H, W) uint8."""
    return np.array([[int(digit) for digit in line] for line in picture.split()], np.uint8)


def where(picture: str, digit: int) -> np.ndarray:
    """Where a drawing holds a digit, (H, W) bool."""
    return drawn(picture) == digit


def photograph(path: Path, seed: int = 0, size: tuple[int, int] = (WIDTH, HEIGHT)) -> Path:
    """A picture of noise. size: width, height."""
    pixels = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)
    return path


def grey(path: Path, values: np.ndarray) -> Path:
    """A grey picture of these values (H, W)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(values.astype(np.uint8)).save(path)
    return path


def coloured(path: Path, numbers: np.ndarray) -> Path:
    """A picture whose colours hold numbers: R + 256 G + 65536 B."""
    planes = [numbers.astype(np.int64) >> shift & 255 for shift in (0, 8, 16)]
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.stack(planes, axis=-1).astype(np.uint8)).save(path)
    return path


def indexed(path: Path, values: np.ndarray, palette: Sequence[int]) -> Path:
    """A picture with a palette, of these indices (H, W)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(values.astype(np.uint8), mode="P")
    image.putpalette(list(palette))
    image.save(path)
    return path


def text(path: Path, content: str) -> Path:
    """A text file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8")
    return path


def void_as(number: int, picture: str, **numbers: int) -> np.ndarray:
    """A drawing's values with 9 written as `number`; numbers: others to be changed, as _1=7."""
    found = drawn(picture).astype(np.int64)
    changed = found.copy()
    changed[found == 9] = number
    for name, value in numbers.items():
        changed[found == int(name[1:])] = value
    return changed
