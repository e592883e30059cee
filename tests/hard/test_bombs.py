"""Pictures and annotations that ask for all memory: the header is read, and a sentence is said."""

from __future__ import annotations

import json
import shutil
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from cliploc.core.cli import main
from tests.hard.test_special_files import in_time

Make = Callable[..., Path]


def chunk(name: bytes, content: bytes) -> bytes:
    return len(content).to_bytes(4, "big") + name + content + zlib.crc32(name + content).to_bytes(4, "big")


def png(width: int, height: int) -> bytes:
    """A grey picture of this size, of which the first rows are there."""
    head = struct.pack(">2I5B", width, height, 8, 0, 0, 0, 0)
    rows = zlib.compress(bytes(1 + width) * 3)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def bmp(width: int, height: int) -> bytes:
    return (
        b"BM"
        + struct.pack("<IHHI", 54, 0, 0, 54)
        + struct.pack("<IiiHHIIiiII", 40, width, height, 1, 24, *[0] * 6)
    )


def tiff(width: int, height: int) -> bytes:
    tags = [(256, 4, 1, width), (257, 4, 1, height), (258, 3, 1, 8), (259, 3, 1, 1), (262, 3, 1, 1),
            (273, 4, 1, 8), (277, 3, 1, 1), (278, 4, 1, height), (279, 4, 1, 9)]  # fmt: skip
    entries = b"".join(struct.pack("<HHII", *tag) for tag in tags)
    return b"II*\0" + struct.pack("<IH", 8, len(tags)) + entries + bytes(4)


BOMBS = {
    "png": png(60_000, 60_000),
    "wide png": png(1_000_000, 1_000),
    "bmp": bmp(60_000, 60_000),
    "tiff": tiff(60_000, 60_000),
}


@pytest.fixture(params=BOMBS)
def bomb(request: pytest.FixtureRequest) -> bytes:
    return BOMBS[request.param]


def refused(capsys: pytest.CaptureFixture[str], *argv: str, words: str) -> None:
    with in_time():
        code = main(list(argv))
    said = "".join(capsys.readouterr())
    assert code in (1, 2), said
    assert words in said
    assert "Traceback" not in said
    assert "unexpected" not in said


@pytest.mark.parametrize("name", ["real/cat_0.png", "mask/cat_0_mask.png"])
def test_as_a_picture_and_as_a_mask(
    make_folder: Make, bomb: bytes, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = make_folder()
    (folder / name).write_bytes(bomb)
    refused(capsys, "dataset", "check", "--dataset", str(folder), words="200 million pixels")


def test_as_a_prediction(
    make_folder: Make, bomb: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = make_folder()
    masks = tmp_path / "masks"
    masks.mkdir()
    for mask in folder.glob("mask/*.png"):
        shutil.copy(mask, masks / mask.name.replace("_mask", ""))
    (masks / "cat_0.png").write_bytes(bomb)
    refused(capsys, "predictions", "score", str(masks), "--dataset", str(folder), words="200 million pixels")


def jpeg(change: Callable[[bytearray], None]) -> bytes:
    content = bytearray(
        cv2.imencode(".jpg", np.random.default_rng(0).integers(0, 256, (48, 64, 3), np.uint8))[1]
    )
    change(content)
    return bytes(content)


def of_no_height(content: bytearray) -> None:
    place = content.find(b"\xff\xc0")
    content[place + 5 : place + 7] = bytes(2)


def of_odd_sampling(content: bytearray) -> None:
    place = content.find(b"\xff\xc0")
    content[place + 11] = 0xFF


@pytest.mark.parametrize("change", [of_no_height, of_odd_sampling])
def test_what_a_decoder_stumbles_over_is_a_sentence(
    make_folder: Make, change: Callable[[bytearray], None], capsys: pytest.CaptureFixture[str]
) -> None:
    folder = make_folder()
    (folder / "real/cat_0.png").write_bytes(jpeg(change))
    refused(capsys, "dataset", "check", "--dataset", str(folder), words="real/cat_0.png")


@pytest.mark.parametrize(
    "segmentation",
    [
        {"size": [100_000, 100_000], "counts": [0, 10_000_000_000]},
        {"size": [100_000, 100_000], "counts": "0P`e`9"},
        {"size": [48, 64], "counts": [10**18, 10**18]},
        {"size": [48, 64], "counts": [-5, 3077]},
        [[0, 0, 1e7, 0, 1e7, 1e7, 0, 1e7], [1e308, 1e308, -1e308, 5, 1e308, 7]],
    ],
    ids=["large", "large and packed", "long runs", "runs backwards", "far corners"],
)
@pytest.mark.parametrize("size", [(48, 64), (100_000, 100_000)])
def test_sizes_that_annotations_claim_are_not_believed(
    make_folder: Make,
    tmp_path: Path,
    segmentation: object,
    size: tuple[int, int],
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "images").mkdir()
    shutil.copy(make_folder() / "real/cat_0.png", tmp_path / "images/a.png")
    content = {
        "images": [{"id": 1, "file_name": "a.png", "height": size[0], "width": size[1]}],
        "annotations": [
            {"id": 1, "image_id": 1, "category_id": 1, "iscrowd": 0, "segmentation": segmentation}
        ],
        "categories": [{"id": 1, "name": "cat"}],
    }
    (tmp_path / "a.json").write_text(json.dumps(content))
    spec = f"coco:{tmp_path / 'images'}:{tmp_path / 'a.json'}"
    with in_time():
        codes = main(["dataset", "check", "--dataset", spec]), main(["dataset", "stats", "--dataset", spec])
    said = "".join(capsys.readouterr())
    assert "Traceback" not in said
    assert "unexpected" not in said
    assert all(code in (1, 2) for code in codes)
