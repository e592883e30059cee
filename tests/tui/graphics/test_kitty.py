"""Kitty transmissions, decoded by a small parser of the protocol."""

from __future__ import annotations

import base64
import io
import re
import unicodedata

import cv2
import numpy as np
from PIL import Image
from rich.cells import cell_len

from cliploc.core.terminal import PASSTHROUGH, Terminal
from cliploc.tui.graphics.diacritics import DIACRITICS, PLACEHOLDER
from cliploc.tui.graphics.encode import encode
from cliploc.tui.graphics.frame import Detail
from cliploc.tui.graphics.placeholders import deletion, placeholders
from tests.tui.graphics.jobs import job, picture


def commands(data: str) -> list[tuple[dict[str, str], str]]:
    """Keys and payload of each graphics command; the whole text must be commands."""
    found = re.findall(r"\x1b_G([^;\x1b]*)(?:;([^\x1b]*))?\x1b\\", data)
    assert "".join(f"\x1b_G{keys}{';' if text else ''}{text}\x1b\\" for keys, text in found) == data
    return [(dict(pair.split("=") for pair in keys.split(",")), text) for keys, text in found]


def decoded(data: str) -> tuple[dict[str, str], np.ndarray]:
    """The first command's keys and the picture that the chunks make."""
    parts = commands(data)
    assert [keys["m"] for keys, _ in parts] == ["1"] * (len(parts) - 1) + ["0"]
    assert all(len(text) <= 4096 and len(text) % 4 == 0 for _, text in parts)
    png = base64.standard_b64decode("".join(text for _, text in parts))
    return parts[0][0], np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))


def psnr(image: np.ndarray, other: np.ndarray) -> float:
    return float(cv2.PSNR(image, other))


def test_the_picture_survives_at_its_own_resolution() -> None:
    rgb = picture(1, 128, 128)
    keys, image = decoded(encode(rgb, job("kitty")).pixels)
    assert image.shape == rgb.shape
    assert psnr(image, rgb) > 30
    assert (keys["i"], keys["c"], keys["r"]) == (str(0x123456), "24", "12")
    assert (keys["a"], keys["U"], keys["f"], keys["q"]) == ("T", "1", "100", "2")


def test_more_pixels_than_the_screen_has_are_not_sent() -> None:
    _, image = decoded(encode(picture(1, 960, 960), job("kitty")).pixels)
    assert image.shape == (240, 240, 3)


def test_any_picture_of_256_pixels_fits_45_kilobytes() -> None:
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, (256, 256, 3), dtype=np.uint8)
    noisy = cv2.addWeighted(picture(2, 256, 256), 0.7, noise, 0.3, 0)
    for rgb in (picture(1, 256, 256), cv2.GaussianBlur(noisy, (0, 0), 1.0)):
        assert len(encode(rgb, job("kitty", size=(80, 40))).pixels) <= 45_000


def test_a_fast_link_gets_a_finer_picture_than_a_slow_one() -> None:
    noise = np.random.default_rng(3).integers(0, 24, (128, 128, 3), dtype=np.uint8)
    rgb = cv2.add(picture(3, 128, 128), noise)
    slow, fast = (encode(rgb, job("kitty", size=(40, 20), budget=budget)).pixels for budget in (5_000, 10**9))
    assert len(slow) < len(fast) <= 45_000
    assert psnr(decoded(slow)[1], rgb) + 1 < psnr(decoded(fast)[1], rgb)


def test_a_coarse_picture_costs_a_fraction() -> None:
    rgb = picture(3, 256, 256)
    fine, coarse = (
        len(encode(rgb, job("kitty", size=(40, 20), detail=c)).pixels)
        for c in (Detail.COMFORTABLE, Detail.COARSE)
    )
    assert coarse < fine / 2


def test_placeholders_name_the_picture_its_row_and_its_column() -> None:
    frame = encode(picture(1), job("kitty"))
    for row, strip in enumerate(placeholders(0x123456, frame.background, frame.box)):
        assert cell_len(strip.text) == 24
        text = strip.text
        marks = [text[start : start + 3] for start in range(0, len(text), 3)]
        expected = [(PLACEHOLDER, DIACRITICS[row], DIACRITICS[column]) for column in range(24)]
        assert [tuple(mark) for mark in marks] == expected
        colours = {segment.style.color.triplet for segment in strip if segment.style and segment.style.color}
        assert colours == {(0x12, 0x34, 0x56)}


def test_diacritics_are_the_protocol_s_297() -> None:
    assert len(DIACRITICS) == len(set(DIACRITICS)) == 297
    assert DIACRITICS[:3] == "\u0305\u030d\u030e"
    assert DIACRITICS[-1] == "\U0001d244"
    assert {unicodedata.combining(mark) for mark in DIACRITICS} == {230}


def test_inside_tmux_each_command_is_wrapped_by_itself() -> None:
    rgb = picture(1, 128, 128)
    inside = Terminal("kitty", 10, 20, truecolor=True, tmux=PASSTHROUGH)
    plain = encode(rgb, job("kitty")).pixels
    wrapped = encode(rgb, job("kitty", terminal=inside)).pixels
    letters = re.findall(r"\x1bPtmux;((?:\x1b\x1b|[^\x1b])*)\x1b\\", wrapped)
    assert "".join(f"\x1bPtmux;{letter}\x1b\\" for letter in letters) == wrapped
    assert [letter.count("\x1b\x1b_G") for letter in letters] == [1] * plain.count("\x1b_G")
    assert "".join(letters).replace("\x1b\x1b", "\x1b") == plain


def test_deletion_frees_the_data_too() -> None:
    ((keys, _),) = commands(deletion(77))
    assert keys == {"a": "d", "d": "I", "i": "77", "q": "2"}
