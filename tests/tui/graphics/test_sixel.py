"""Sixel pictures, decoded by libsixel's own tool where it is installed."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import cv2
import numpy as np
import pytest

from cliploc.tui.graphics import sixel
from cliploc.tui.graphics.encode import encode
from cliploc.tui.graphics.frame import Detail
from tests.terminal.pixels import PixelScreen
from tests.tui.graphics.jobs import Image, job, picture


def decoded(data: str, folder: Path) -> Image:
    tool = shutil.which("sixel2png")
    if tool is None:
        pytest.skip("libsixel's sixel2png is not installed")
    (folder / "picture.six").write_text(data)
    subprocess.run([tool, "-i", folder / "picture.six", "-o", folder / "picture.png"], check=True)
    return np.ascontiguousarray(cv2.imread(str(folder / "picture.png"))[..., ::-1])


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_picture_survives(seed: int, tmp_path: Path) -> None:
    rgb = picture(seed, 128, 128)
    image = decoded(encode(rgb, job("sixel")).pixels, tmp_path)
    assert image.shape == (240, 240, 3)
    assert cv2.PSNR(image, cv2.resize(rgb, (240, 240), interpolation=cv2.INTER_LINEAR)) >= 30


def test_a_coarse_picture_has_the_same_size_and_fewer_bytes(tmp_path: Path) -> None:
    rgb = picture(1, 256, 256)
    fine, coarse = (encode(rgb, job("sixel", detail=c)) for c in (Detail.COMFORTABLE, Detail.COARSE))
    coarser = encode(rgb, job("sixel", detail=Detail.COARSE, budget=5_000))
    assert len(coarser.pixels) < len(coarse.pixels) < len(fine.pixels)
    for frame in (coarse, coarser):
        assert decoded(frame.pixels, tmp_path).shape == (240, 240, 3)


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


def test_without_the_encoder_pictures_are_half_cells(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sixel, "image_to_sixels", None)
    frame = encode(picture(1), job("sixel"))
    assert frame.protocol == "halfcell"
    assert frame.pixels == ""
