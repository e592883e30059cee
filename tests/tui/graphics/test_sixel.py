"""Sixel pictures, as a terminal of the tests decodes them, which shares nothing with the writer."""

from __future__ import annotations

import re

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cliploc.core.terminal.sixel_writer import sixels
from cliploc.tui.graphics.encode import encode
from cliploc.tui.graphics.frame import Detail
from tests.terminal.pixels import CELL, PixelScreen
from tests.tui.graphics.jobs import Image, job, picture


def decoded(data: str, height: int = 240, width: int = 240) -> Image:
    """What a terminal shows of a picture at its corner; each of the pixels was painted."""
    screen = PixelScreen(width // CELL[0] + 1, height // CELL[1] + 1)
    screen.command(data.encode())
    assert screen.painted[:height, :width].all()
    assert screen.painted.sum() == height * width
    return screen.plane[:height, :width]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_picture_survives(seed: int) -> None:
    rgb = picture(seed, 128, 128)
    image = decoded(encode(rgb, job("sixel")).pixels)
    assert cv2.PSNR(image, cv2.resize(rgb, (240, 240), interpolation=cv2.INTER_LINEAR)) >= 30


def test_a_coarse_picture_has_the_same_size_and_fewer_bytes() -> None:
    rgb = picture(1, 256, 256)
    fine, coarse = (encode(rgb, job("sixel", detail=c)) for c in (Detail.COMFORTABLE, Detail.COARSE))
    coarser = encode(rgb, job("sixel", detail=Detail.COARSE, budget=5_000))
    assert len(coarser.pixels) < len(coarse.pixels) < len(fine.pixels)
    for frame in (coarse, coarser):
        decoded(frame.pixels)


def test_smooth_areas_have_no_streaks_where_the_link_is_fast_or_at_rest() -> None:
    rows, columns = np.mgrid[0:240, 0:240]
    rgb = np.stack([40 + columns // 3, 60 + rows // 4, 80 + columns // 4], axis=2).astype(np.uint8)
    off = {}
    for detail in (Detail.COMFORTABLE, Detail.ALL):
        for budget in (1_000_000, 5_000):
            screen = PixelScreen(24, 12)
            screen.command(encode(rgb, job("sixel", budget=budget, detail=detail)).pixels.encode())
            assert screen.painted.all()
            off[budget, detail] = np.abs(screen.plane.astype(int) - rgb).max()
    # A streak is a colour that is held further than that of the nearest of the palette goes.
    assert off.pop((5_000, Detail.COMFORTABLE)) > 9
    assert max(off.values()) <= 9


def test_a_covered_picture_is_half_cells() -> None:
    frame = encode(picture(1), job("sixel", covered=((0, 0, 4, 2),)))
    assert frame.protocol == "halfcell"
    assert not frame.pixels


def test_colours_are_defined_before_any_data() -> None:
    data = encode(picture(1), job("sixel")).pixels
    last_definition = max(match.end() for match in re.finditer(r"#\d+;2;\d+;\d+;\d+", data))
    assert "~" not in data[:last_definition]
    assert "-" not in data[:last_definition]


def test_no_new_line_follows_the_last_band() -> None:
    assert not encode(picture(1), job("sixel")).pixels.endswith("-\x1b\\")


def test_the_last_row_of_the_screen_is_spared() -> None:
    assert encode(picture(1), job("sixel", at_bottom=True)).box.rows == 11


@given(
    shape=st.tuples(st.integers(1, 20), st.integers(1, 40)),
    colours=st.integers(1, 256),
    seed=st.integers(0, 2**32 - 1),
)
def test_every_pixel_has_the_colour_of_its_index(shape: tuple[int, int], colours: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    palette = rng.integers(0, 256, (colours, 3)).astype(np.uint8)
    indices = np.repeat(rng.integers(0, colours, shape), rng.integers(1, 13), axis=1).astype(np.uint8)
    shown = decoded(sixels(indices, palette), *indices.shape)
    # Sixel colours are percents.
    assert np.abs(shown.astype(int) - palette[indices]).max() <= 2


def test_stretches_of_one_colour_are_short() -> None:
    flat = sixels(np.zeros((60, 1000), np.uint8), np.zeros((1, 3), np.uint8))
    assert len(flat) < 200
