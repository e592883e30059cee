"""An exported picture says what it shows."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from cliploc.core.compose import OUTCOME_COLOURS
from cliploc.core.heatmaps.recipe import Recipe
from cliploc.tui.app import ExplorerApp
from cliploc.tui.screens.exporting import about_pictures
from cliploc.tui.state import Source
from cliploc.tui.studio.captions import BACKGROUND, captioned
from tests.tui.conftest import settled, until

SIDE = 64


async def test_it_carries_sample_source_config_scores_and_a_legend(
    make_app: Callable[..., ExplorerApp], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    app = make_app(sample="star_0001")
    async with app.run_test(size=(120, 40)) as pilot:
        await settled(pilot)
        about = about_pictures(app.explorer.scores)
        assert about[0] == "star_0001 · class star"
        assert about[1] == "good"
        assert "dilate 1, erode 1, threshold 0.50" in about[2]
        curves = app.explorer.scores.curves("sample")
        assert curves is not None
        iou = curves.at("mean_iou", app.explorer.now.config.threshold_index)
        assert f"mean IoU {iou:.3f}".replace(" 0.", " .") in about[3]
        await pilot.press("ctrl+e", "enter")
        await until(lambda: (tmp_path / "star_0001.png").exists(), pilot)
    picture = cv2.cvtColor(cv2.imread(str(tmp_path / "star_0001.png")), cv2.COLOR_BGR2RGB)
    below = picture[SIDE:]
    for colour in OUTCOME_COLOURS.values():
        assert (below == colour).all(axis=2).sum() > 50
    assert len(below) > 5 * 15, "a line each for names, legend, sample, source, config and scores"


async def test_a_prompt_is_said_where_a_network_was_asked(
    make_app: Callable[..., ExplorerApp], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cliploc.tui.studio.heatmaps.Worker.request", lambda *_, **__: None)
    monkeypatch.setattr("cliploc.tui.studio.heatmaps.Worker.request_text", lambda *_: None)
    app = make_app(sample="star_0000", source=Source(Recipe("gem").completed("toy")), prompt="a zebra")
    async with app.run_test(size=(120, 40)) as pilot:
        await until(lambda: app.explorer._generation > 0, pilot)
        assert "“a zebra”" in about_pictures(app.explorer.scores)[1]
        app.explorer.change(app.explorer.now.with_(prompt=""))
        assert "“An image of a star”" in about_pictures(app.explorer.scores)[1]


def test_long_lines_make_the_picture_wider_and_not_shorter() -> None:
    pictures = {"image": np.zeros((8, 8, 3), np.uint8)}
    narrow, wide = captioned(pictures, ["a"], False), captioned(pictures, ["a" * 200], False)
    assert wide.shape[1] > 800
    assert wide.shape[0] == narrow.shape[0]
    assert (wide[-1] == BACKGROUND).all()
