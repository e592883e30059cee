"""Palettes: no worse than the octree they start from."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from PIL import Image

from cliploc.core.terminal.palette import held, quantize
from tests.tui.graphics.jobs import picture


@pytest.mark.parametrize("colours", [8, 40, 96, 256])
def test_the_k_means_step_pays(colours: int) -> None:
    rgb = picture(4, 96, 96)
    indices, palette = quantize(rgb, colours)
    octree = Image.fromarray(rgb).quantize(
        colours, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE
    )
    assert len(palette) <= colours
    assert cv2.PSNR(palette[indices], rgb) >= cv2.PSNR(np.asarray(octree.convert("RGB")), rgb) - 0.05


def test_a_picture_of_one_colour_keeps_it() -> None:
    rgb = np.full((8, 8, 3), (12, 200, 99), np.uint8)
    indices, palette = quantize(rgb, 16)
    assert (palette[indices] == rgb).all()


@pytest.mark.parametrize("tolerance", [0, 4, 12])
def test_held_colours_stay_within_the_tolerance(tolerance: int) -> None:
    rgb = picture(5, 64, 64)
    indices, palette = quantize(rgb, 64)
    runs = held(rgb, indices, palette, tolerance)
    error = ((palette[runs].astype(int) - rgb) ** 2).sum(axis=2)
    assert (error[runs != indices] <= 3 * tolerance**2).all()
    assert (runs[:, 1:] != runs[:, :-1]).sum() <= (indices[:, 1:] != indices[:, :-1]).sum()
