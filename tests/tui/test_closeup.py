"""Close-ups and outlines."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from cliploc.core.compose import OUTCOME_COLOURS
from cliploc.core.postprocess import PostProcess
from cliploc.tui.app import ExplorerApp
from cliploc.tui.state import ZOOMS, ExplorerState, Source, View
from cliploc.tui.studio.drawing import Decoded, drawn
from cliploc.tui.widgets.pictures import PictureGrid
from tests.tui.conftest import settled, until

Make = Callable[..., ExplorerApp]
SIDE = 96


def test_zooming_goes_through_steps_and_ends_at_the_ends() -> None:
    assert View().zoomed(2).zoom == ZOOMS[2]
    assert View().zoomed(99).zoom == ZOOMS[-1]
    assert View().zoomed(-1) == View()


def test_the_window_stays_inside_the_picture() -> None:
    close = View().zoomed(2)
    assert close.moved(99, -99) == View(zoom=2.0, x=0.75, y=0.25)
    assert close.moved(99, 0).zoomed(-2) == View()


def test_a_move_is_a_quarter_of_what_is_shown() -> None:
    assert View(zoom=4.0).moved(1, 0).x == pytest.approx(0.5 + 0.25 / 4)


def test_a_session_with_an_unknown_zoom_shows_the_whole_picture() -> None:
    fallback = ExplorerState("a", Source())
    state = fallback.with_(view=View(zoom=2.0, x=0.75))
    assert ExplorerState.from_dict(state.to_dict(), fallback).view == state.view
    broken = state.to_dict() | {"view": {"zoom": 0.0, "x": 7.0, "y": float("nan")}}
    assert ExplorerState.from_dict(broken, fallback).view == View()


def scene() -> tuple[Decoded, np.ndarray]:
    """A grey image, a true mask on its left half, and a heatmap that is high in its upper half."""
    true_mask = np.zeros((SIDE, SIDE), bool)
    true_mask[:, : SIDE // 2] = True
    heatmap = np.zeros((8, 8), np.float32)
    heatmap[:4] = 1
    return Decoded(np.full((SIDE, SIDE, 3), 90, np.uint8), true_mask, None), heatmap


def test_the_scores_of_a_sample_leave_out_what_is_ignored() -> None:
    decoded, heatmap = scene()
    ignored = np.zeros((SIDE, SIDE), bool)
    ignored[: SIDE // 2, SIDE // 2 :] = True  # the false alarm
    counts = drawn(replace(decoded, ignored=ignored), heatmap, PostProcess("nearest"), View(), False).counts
    assert counts is not None
    assert counts.pixels.tolist() == [SIDE * SIDE * 3 // 4]
    assert counts.fp[50] == 0


def test_a_close_up_shows_a_part_of_every_picture_with_crisp_pixels() -> None:
    whole = drawn(*scene(), PostProcess(interpolation="nearest"), View(), False).pictures
    close = drawn(
        *scene(), PostProcess(interpolation="nearest"), View(zoom=2.0, x=0.25, y=0.25), False
    ).pictures
    for name, picture in whole.items():
        window = picture[: SIDE // 2, : SIDE // 2]
        assert np.array_equal(close[name], window.repeat(2, axis=0).repeat(2, axis=1))


def test_outlines_leave_what_is_inside_to_be_seen() -> None:
    pictures = drawn(*scene(), PostProcess(interpolation="nearest"), View(outlines=True), False).pictures
    assert tuple(pictures["mask"][20, 20]) == (90, 90, 90)
    assert tuple(pictures["mask"][0, SIDE - 10]) == (255, 255, 255)
    assert tuple(pictures["mask"][SIDE - 1, 10]) == OUTCOME_COLOURS["hit"]
    assert tuple(pictures["truth"][20, 20]) == (90, 90, 90)


async def test_the_wheel_over_the_pictures_zooms_too(make_app: Make) -> None:
    app = make_app()
    async with app.run_test(size=(120, 40)) as pilot:
        await settled(pilot)
        grid = app.explorer.query_one(PictureGrid)
        await grid.on_mouse_scroll_up()
        await until(lambda: app.explorer.now.view.zoom == 1.5, pilot)
        await grid.on_mouse_scroll_down()
        await until(lambda: app.explorer.now.view.zoom == 1.0, pilot)
