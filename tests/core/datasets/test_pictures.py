"""Pictures: decoded by content, turned where mask or annotation says so, never guessed."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageOps

from cliploc.core.datasets import open_dataset, problems_of
from cliploc.core.datasets.pictures import oriented, read_image
from cliploc.core.errors import DatasetError
from tests.core.datasets.readers import disc, saved

TAG = 274  # EXIF's orientation


def pixels_of(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


def with_tag(path: Path, pixels: np.ndarray, orientation: int) -> Path:
    """A lossless picture with an EXIF orientation."""
    if path.suffix == ".tif":
        return saved(path, Image.fromarray(pixels), tiffinfo={TAG: orientation})
    exif = Image.Exif()
    exif[TAG] = orientation
    return saved(path, Image.fromarray(pixels), exif=exif.tobytes(), lossless=True)


@given(st.integers(1, 8))
def test_orientations_are_those_of_exif(orientation: int) -> None:
    pixels = pixels_of(4, 6)
    exif = Image.Exif()
    exif[TAG] = orientation
    image = Image.fromarray(pixels)
    image.info["exif"] = exif.tobytes()
    np.testing.assert_array_equal(oriented(pixels, orientation), np.asarray(ImageOps.exif_transpose(image)))


@pytest.mark.parametrize("ending", ["webp", "tif"])
@pytest.mark.parametrize("orientation", [5, 6, 7, 8])
def test_the_size_says_whether_the_tag_is_followed(orientation: int, ending: str, tmp_path: Path) -> None:
    pixels = pixels_of(30, 50)
    path = with_tag(tmp_path / f"a.{ending}", pixels, orientation)
    np.testing.assert_array_equal(read_image(path, (50, 30)), pixels)
    np.testing.assert_array_equal(read_image(path, (30, 50)), oriented(pixels, orientation))
    with pytest.raises(DatasetError, match="is 50 x 30, its mask or annotation 20 x 20"):
        read_image(path, (20, 20))


@pytest.mark.parametrize(("orientation", "shape"), [(3, (30, 50)), (2, (30, 50)), (6, (40, 40))])
def test_where_the_size_cannot_tell_stored_pixels_are_taken_and_said(
    orientation: int, shape: tuple[int, int], tmp_path: Path
) -> None:
    pixels = pixels_of(*shape)
    with_tag(tmp_path / "real/cat_1.webp", pixels, orientation)
    saved(tmp_path / "mask/1.png", Image.fromarray(disc(*shape)))
    (tmp_path / "table.csv").write_text("real,mask,prompt\nreal/cat_1.webp,mask/1.png,cat\n")
    dataset = open_dataset(str(tmp_path))
    np.testing.assert_array_equal(dataset.samples[0].image(), pixels)
    assert "1 of 1 pictures have an EXIF orientation" in dataset.notes[0]
    assert "neither confirms nor refutes" in problems_of(str(tmp_path))[0]
    upright = open_dataset(f"{tmp_path}?orientation=upright")
    np.testing.assert_array_equal(upright.samples[0].image(), oriented(pixels, orientation))
    assert not upright.notes
    assert upright.pictures != dataset.pictures
    assert upright.truth == dataset.truth


@pytest.mark.parametrize("ending", ["webp", "tif", "png"])
@pytest.mark.parametrize("orientation", [2, 3, 4])
def test_pixels_are_stored_ones_unless_something_else_is_said(
    orientation: int, ending: str, tmp_path: Path
) -> None:
    pixels = pixels_of(30, 50)
    path = with_tag(tmp_path / f"a.{ending}", pixels, orientation)
    np.testing.assert_array_equal(read_image(path), pixels)
    np.testing.assert_array_equal(read_image(path, (50, 30), "upright"), oriented(pixels, orientation))


def test_coco_annotations_decide_for_their_pictures(tmp_path: Path) -> None:
    """The same stored pixels, once annotated as stored and once as upright."""
    pixels = pixels_of(30, 50)
    with_tag(tmp_path / "img/a.webp", pixels, 6)
    for width, height, wanted in ((50, 30, pixels), (30, 50, oriented(pixels, 6))):
        annotations = {
            "images": [{"id": 1, "file_name": "a.webp", "width": width, "height": height}],
            "annotations": [
                {"id": 1, "image_id": 1, "category_id": 1, "segmentation": [[2, 2, 20, 2, 20, 20, 2, 20]]}
            ],
            "categories": [{"id": 1, "name": "cat"}],
        }
        (tmp_path / "a.json").write_text(json.dumps(annotations))
        (sample,) = open_dataset(f"coco:{tmp_path}/img:{tmp_path}/a.json").samples
        np.testing.assert_array_equal(sample.image(), wanted)
        assert sample.true_mask().shape == (height, width)


@pytest.mark.parametrize(
    ("name", "form"), [("a.png", "JPEG"), ("a.jpg", "PNG"), ("a", "BMP"), ("a.PNG", "WEBP"), ("a.tif", "GIF")]
)
def test_a_picture_is_what_its_content_says(name: str, form: str, tmp_path: Path) -> None:
    image = Image.fromarray(np.kron(pixels_of(3, 4), np.ones((8, 8, 1), np.uint8)))
    saved(tmp_path / name, image, format=form)
    with Image.open(tmp_path / name) as again:
        wanted = np.asarray(again.convert("RGB"), int)
    assert np.abs(read_image(tmp_path / name).astype(int) - wanted).max() <= 2


def test_bytes_behind_the_end_do_no_harm(tmp_path: Path) -> None:
    pixels = pixels_of(20, 30)
    path = saved(tmp_path / "a.png", Image.fromarray(pixels))
    path.write_bytes(path.read_bytes() + b"appended by some tool")
    np.testing.assert_array_equal(read_image(path), pixels)


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP", "TIFF", "BMP", "GIF"])
@pytest.mark.parametrize("share", [0.02, 0.3, 0.6, 0.9])
def test_a_cut_picture_is_an_error_and_not_half_a_picture(form: str, share: float, tmp_path: Path) -> None:
    path = saved(tmp_path / "a", Image.fromarray(pixels_of(200, 300)), format=form)
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(DatasetError):
        read_image(path)


def test_twelve_bits_in_sixteen_are_no_black_picture(tmp_path: Path) -> None:
    pixels = pixels_of(20, 30)[..., 0]
    saved(tmp_path / "real/cat_1.png", Image.fromarray(pixels.astype(np.uint16) * 16))
    saved(tmp_path / "mask/1.png", Image.fromarray(disc(20, 30)))
    (tmp_path / "table.csv").write_text("real,mask,prompt\nreal/cat_1.png,mask/1.png,cat\n")
    dataset = open_dataset(str(tmp_path))
    np.testing.assert_array_equal(dataset.samples[0].image()[..., 1], pixels)
    assert dataset.notes == ("1 of 1 pictures hold 12-bit values in 16 bits: taken as 12 bits",)


def test_sixteen_bits_are_reduced_to_their_upper_eight(tmp_path: Path) -> None:
    pixels = pixels_of(20, 30)[..., 0]
    path = saved(tmp_path / "a.png", Image.fromarray(pixels.astype(np.uint16) * 257))
    np.testing.assert_array_equal(read_image(path)[..., 0], pixels)


def test_postscript_is_no_picture_and_not_run(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_text("%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(ran) print flush showpage\n%%EOF\n")
    with pytest.raises(DatasetError, match="its format is not known"):
        read_image(path)


def test_floats_are_no_black_picture(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.tif", Image.fromarray(pixels_of(9, 9)[..., 0] / np.float32(255)))
    with pytest.raises(DatasetError, match="32 bits"):
        read_image(path)


def test_a_picture_that_says_it_is_huge_is_not_decoded(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.bmp", Image.fromarray(pixels_of(4, 4)))
    content = bytearray(path.read_bytes())
    content[18:26] = (60_000).to_bytes(4, "little") * 2
    path.write_bytes(content)
    with pytest.raises(DatasetError, match="60000 x 60000, expected at most 200 million"):
        read_image(path)
