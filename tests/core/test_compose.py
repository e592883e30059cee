"""Compositions: each pixel is what its definition says."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from cliploc.core import compose
from cliploc.core.errors import ParameterError

IMAGES = arrays.arrays(np.uint8, (6, 8, 3))
MASKS = arrays.arrays(np.bool_, (6, 8))


@pytest.mark.parametrize("name", compose.COLOUR_MAPS)
def test_colour_maps_get_lighter_with_the_map(name: str) -> None:
    ramp = np.linspace(0, 1, 256, dtype=np.float32)[None]
    luma = compose.colour_map(ramp, name)[0] @ np.array([0.2126, 0.7152, 0.0722])
    assert (np.diff(luma) > -1.5).all()
    assert luma[-1] - luma[0] > 120


def test_a_map_is_clipped_and_holes_are_zero() -> None:
    heat = np.array([[-1, 0, 1, 2, np.nan]], np.float32)
    low, high = compose.colour_map(np.array([[0, 1]], np.float32), "viridis")[0]
    assert (compose.colour_map(heat, "viridis")[0] == [low, low, high, high, low]).all()


def test_an_unknown_colour_map_names_the_near_ones() -> None:
    with pytest.raises(ParameterError, match="cividis"):
        compose.colour_map(np.zeros((2, 2), np.float32), "cividus")


@given(image=IMAGES)
def test_opacity_goes_from_the_image_to_the_map(image: np.ndarray) -> None:
    heat = np.full((6, 8), 0.5, np.float32)
    assert (compose.overlay(image, heat, "magma", 0.0) == image).all()
    assert (compose.overlay(image, heat, "magma", 1.0) == compose.colour_map(heat, "magma")).all()


def test_a_small_heatmap_is_stretched_to_the_image() -> None:
    image = np.zeros((32, 48, 3), np.uint8)
    assert compose.overlay(image, np.eye(4, dtype=np.float32), "inferno", 0.5).shape == image.shape


@given(image=IMAGES, mask=MASKS, true_mask=MASKS)
def test_outcomes_colour_each_pixel_by_its_case(
    image: np.ndarray, mask: np.ndarray, true_mask: np.ndarray
) -> None:
    painted = compose.outcome(image, mask, true_mask, 1.0)
    colours = compose.OUTCOME_COLOURS
    for y in range(6):
        for x in range(8):
            case = {(True, True): "hit", (False, True): "miss", (True, False): "false"}.get(
                (bool(mask[y, x]), bool(true_mask[y, x]))
            )
            assert tuple(painted[y, x]) == (colours[case] if case else tuple(image[y, x]))
    assert (compose.outcome(image, mask, true_mask, 0.0) == image).all()


def test_outcome_colours_differ_for_red_green_blind_people() -> None:
    """Viénot's 1999 projections for protanopia and deuteranopia keep the three well apart."""
    protan = np.array([[0.11238, 0.88762, 0], [0.11238, 0.88762, 0], [0.00401, -0.00401, 1]])
    deutan = np.array([[0.29275, 0.70725, 0], [0.29275, 0.70725, 0], [-0.02234, 0.02234, 1]])
    linear = np.array([(np.array(c) / 255) ** 2.2 for c in compose.OUTCOME_COLOURS.values()])
    for projection in (protan, deutan):
        seen = 255 * np.clip(linear @ projection.T, 0, 1) ** (1 / 2.2)
        for first, second in ((0, 1), (0, 2), (1, 2)):
            assert np.abs(seen[first] - seen[second]).max() > 40


@given(mask=MASKS)
def test_contours_stay_on_the_mask_and_leave_its_inside(mask: np.ndarray) -> None:
    painted = compose.contours(np.zeros((6, 8, 3), np.uint8), mask, (255, 255, 255), 1)
    drawn = painted.any(axis=2)
    assert not (drawn & ~mask).any()
    padded = np.pad(mask, 1)
    inside = np.all([padded[y : y + 6, x : x + 8] for y in range(3) for x in range(3)], axis=0)
    assert (drawn == (mask & ~inside)).all()


def test_side_by_side_keeps_the_height() -> None:
    images = [np.full((20, 10, 3), value, np.uint8) for value in (10, 20)]
    row = compose.side_by_side([*images, np.full((40, 40, 3), 30, np.uint8)], gap=2)
    assert row.shape == (20, 10 + 2 + 10 + 2 + 20, 3)
    assert row[5, [0, 12, 30]].tolist() == [[10] * 3, [20] * 3, [30] * 3]


@given(zoom=st.floats(1.1, 8), x=st.floats(0, 1), y=st.floats(0, 1))
@settings(max_examples=40)
def test_zoom_shows_only_pixels_of_the_image_as_squares(zoom: float, x: float, y: float) -> None:
    image = np.arange(16 * 24 * 3, dtype=np.uint16).reshape(16, 24, 3).astype(np.uint8)
    window = compose.zoomed(image, zoom, (x, y))
    assert window.shape[0] >= 16
    factor = window.shape[0] // max(1, round(16 / zoom))
    small = window[::factor, ::factor]
    assert (small.repeat(factor, 0).repeat(factor, 1) == window).all()
    source = {tuple(pixel) for pixel in image.reshape(-1, 3)}
    assert {tuple(pixel) for pixel in small.reshape(-1, 3)} <= source


def test_a_contact_sheet_has_a_square_for_each_image() -> None:
    images = [np.full((30, 60, 3), 100 + number, np.uint8) for number in range(5)]
    sheet = compose.contact_sheet(images, columns=3, size=20, gap=2)
    assert sheet.shape == (42, 64, 3)
    assert sheet[10, 10].tolist() == [100] * 3
    assert sheet[32, 32].tolist() == [104] * 3
    assert not sheet[32, 54].any()
