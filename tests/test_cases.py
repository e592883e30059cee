"""Inputs as real people's tools leave them, each with its right outcome.

They lie beside the repository (`../shared/cases`) and are skipped where they do not; every kind
is also made anew in `tests/core/datasets`. Masks and pictures are read here by Pillow and by
hand: nothing is shared with the readers that are tested.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cliploc.core.cli import main
from cliploc.core.datasets import Dataset, open_dataset, problems_of
from cliploc.core.errors import ClipLocError, DatasetError
from tests.conftest import REPOSITORY

CASES = REPOSITORY.parent / "shared" / "cases"
pytestmark = pytest.mark.skipif(not CASES.is_dir(), reason="the cases are not beside the repository")
# Square with the corners (8, 8) and (24, 24): what most COCO cases hold.
SQUARE = (slice(8, 24), slice(8, 24))


def coco(case: str, options: str = "") -> str:
    return f"coco:{CASES / case / 'img'}:{CASES / case / 'ann.json'}{options}"


def square(height: int = 48, width: int = 64, at: tuple[slice, slice] = SQUARE) -> np.ndarray:
    mask = np.zeros((height, width), bool)
    mask[at] = True
    return mask


def masks_of(dataset: Dataset) -> dict[str, np.ndarray]:
    return {sample.id: sample.true_mask() for sample in dataset.samples}


def base_masks() -> dict[str, np.ndarray]:
    """The sound masks, by Pillow: 0 and 255."""
    folder = CASES / "30-base" / "mask"
    return {path.stem.removesuffix("_mask"): np.asarray(Image.open(path)) == 255 for path in folder.iterdir()}


def base_image(id_: str) -> np.ndarray:
    return np.asarray(Image.open(CASES / "30-base" / "real" / f"{id_}.png").convert("RGB")).astype(int)


# COCO.


def test_01_two_files_of_one_stem_are_two_samples() -> None:
    found = masks_of(open_dataset(coco("01-coco-same-stem")))
    assert sorted(found) == ["cat_day_0001", "cat_night_0001"]
    np.testing.assert_array_equal(found["cat_day_0001"], square())
    np.testing.assert_array_equal(found["cat_night_0001"], square(at=(slice(30, 44), slice(40, 60))))


def test_02_two_points_are_no_box() -> None:
    with pytest.raises(DatasetError, match="1 annotations enclose nothing"):
        open_dataset(coco("02-coco-4-number-polygon"))


@pytest.mark.parametrize("case", ["04-coco-mixed-polygons-rev", "10-coco-str-ids"])
def test_04_10_a_square_is_a_square(case: str) -> None:
    (mask,) = masks_of(open_dataset(coco(case))).values()
    np.testing.assert_array_equal(mask, square())


@pytest.mark.parametrize(
    ("case", "words"),
    [
        ("05-coco-rle-size-swapped", r"annotation 1 .*\[64, 48\], expected \[48, 64\]"),
        ("07-coco-rle-short", "annotation 1 .*cover 150 of 3,072 pixels"),
        ("08-coco-rle-long", "annotation 1 .*cover 5,100 of 3,072 pixels"),
        ("18-coco-wrong-size", "100 x 48, its annotations say 64 x 48"),
    ],
)
def test_05_07_08_18_damaged_annotations_are_named(case: str, words: str) -> None:
    (sample,) = open_dataset(coco(case)).samples
    with pytest.raises(DatasetError, match=words):
        sample.true_mask()
    assert len(problems_of(coco(case))) == 1


def test_06_run_lengths_without_crowd() -> None:
    (mask,) = masks_of(open_dataset(coco("06-coco-rle-list-notcrowd"))).values()
    runs = json.loads((CASES / "06-coco-rle-list-notcrowd" / "ann.json").read_text())["annotations"][0]
    pixels = [place % 2 == 1 for place, run in enumerate(runs["segmentation"]["counts"]) for _ in range(run)]
    np.testing.assert_array_equal(mask, np.array(pixels).reshape(64, 48).T)
    assert mask.sum() == 40


def test_11_polygons_are_clipped_at_the_image() -> None:
    found = masks_of(open_dataset(coco("11-coco-oob")))
    assert {id_: int(mask.sum()) for id_, mask in found.items()} == {"cat_a": 400, "dog_a": 112}


def test_12_an_empty_segmentation_is_left_out_and_said() -> None:
    dataset = open_dataset(coco("12-coco-empty-seg"))
    assert {id_: int(mask.sum()) for id_, mask in masks_of(dataset).items()} == {"dog_a": 256}
    assert dataset.notes == ("1 annotations enclose nothing and are left out",)


def test_15_a_missing_image_is_listed_named_and_may_be_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    assert problems_of(coco("15-coco-missing-image")) == [
        "image gone.png is missing (skip-missing=yes leaves it out)"
    ]
    assert (
        main(["heatmaps", "compute", "--dataset", coco("15-coco-missing-image"), "--backbone", "demo-vit"])
        == 2
    )
    assert "gone.png" in capsys.readouterr().err
    dataset = open_dataset(coco("15-coco-missing-image", "?skip-missing=yes"))
    assert [sample.id for sample in dataset.samples] == ["cat_a"]
    assert dataset.notes == ("1 pictures are not there and are left out: gone.png",)


def test_17_an_upright_annotation_turns_its_picture() -> None:
    (sample,) = open_dataset(coco("17-coco-exif-upright")).samples
    assert sample.image().shape == (64, 48, 3)
    np.testing.assert_array_equal(sample.true_mask(), square(64, 48))


def test_19_labels_with_slashes_give_two_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    dataset = open_dataset(coco("19-coco-slash-label"))
    np.savez(
        tmp_path / "maps.npz",
        ids=np.array([sample.id for sample in dataset.samples]),
        heatmaps=np.stack([sample.true_mask().astype(np.float32) for sample in dataset.samples]),
    )
    spec = coco("19-coco-slash-label")
    assert main(["heatmaps", "import", str(tmp_path / "maps.npz"), "--dataset", spec, "--name", "true"]) == 0
    export = ["predictions", "export", "--heatmaps", "true", "-o", str(tmp_path / "out")]
    assert main(export) == 0
    assert len(list((tmp_path / "out" / "masks").iterdir())) == 2
    capsys.readouterr()
    assert main(["predictions", "score", str(tmp_path / "out" / "masks"), "--dataset", spec, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["scores"]["mean_iou"] == 1.0


def test_20_lvis_names_pictures_by_address() -> None:
    (sample,) = open_dataset(coco("20-coco-lvis")).samples
    assert sample.image().shape == (48, 64, 3)
    np.testing.assert_array_equal(sample.true_mask(), square())


def test_21_an_exif_tag_that_the_annotations_do_not_follow_changes_nothing() -> None:
    (plain,), (tagged,) = (open_dataset(coco(f"21{which}")).samples for which in ("a-exif-none", "b-exif-6"))
    np.testing.assert_array_equal(plain.image(), tagged.image())
    np.testing.assert_array_equal(plain.true_mask(), tagged.true_mask())
    assert plain.image().shape == (256, 512, 3)


# Folders: masks.


@pytest.mark.parametrize(
    "case",
    [
        "30-base",
        "31-mask-0-1",
        "32-mask-16bit-255",
        "33-mask-16bit-full",
        "34-mask-voc-palette",
        "36-mask-1bit",
        "40-img-gray",
        "46-jpeg-named-png",
        "55-img-gif",
    ],
)
def test_30_to_36_masks_are_those_of_the_base(case: str) -> None:
    found = masks_of(open_dataset(str(CASES / case)))
    assert found.keys() == base_masks().keys()
    for id_, mask in base_masks().items():
        np.testing.assert_array_equal(found[id_], mask)


def test_31_computed_and_scored_like_the_base(capsys: pytest.CaptureFixture[str]) -> None:
    def best(case: str) -> float:
        where = ["--dataset", str(CASES / case), "--backbone", "demo-vit", "--json"]
        assert main(["heatmaps", "compute", *where]) == 0
        key = json.loads(capsys.readouterr().out)[0]["key"]
        assert main(["evaluate", "--heatmaps", key, "--dataset", str(CASES / case), "--json"]) == 0
        return float(json.loads(capsys.readouterr().out)["best"]["mean_iou"])

    base = best("30-base")
    assert 0.3 < base < 0.95
    for case in ("31-mask-0-1", "34-mask-voc-palette", "52-img-rgba", "53-img-webp", "56-img-bmp-upper"):
        assert best(case) == base


def test_37_inverted_masks_show_in_the_areas(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["dataset", "stats", "--dataset", str(CASES / "37-mask-inverted"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["mask_area"]["0.5"] > 0.9
    found = masks_of(open_dataset(f"{CASES / '37-mask-inverted'}?invert=yes"))
    for id_, mask in base_masks().items():
        np.testing.assert_array_equal(found[id_], mask)


def test_39_another_aspect_is_said_by_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    folder = str(CASES / "39-mask-half-wide")
    assert len(problems_of(folder)) == 2
    for command in (["dataset", "stats"], ["heatmaps", "compute", "--backbone", "demo-vit"]):
        assert main([*command, "--dataset", folder]) == 2
        assert "180 x 256" in capsys.readouterr().err


def test_51_jpeg_masks_are_within_a_few_pixels() -> None:
    found = masks_of(open_dataset(str(CASES / "51-mask-jpeg")))
    for id_, mask in base_masks().items():
        assert (found[id_] != mask).sum() <= 8


# Folders: pictures.


@pytest.mark.parametrize(
    ("case", "mean_off"),
    [
        ("42-img-16bit", 0),
        ("52-img-rgba", 0),
        ("53-img-webp", 0),
        ("54-img-tiff", 0),
        ("56-img-bmp-upper", 0),
        ("41-img-cmyk", 3),
        ("46-jpeg-named-png", 5),
    ],
)
def test_40_to_56_pictures_are_those_of_the_base(case: str, mean_off: float) -> None:
    for sample in open_dataset(str(CASES / case)).samples:
        difference = np.abs(sample.image().astype(int) - base_image(sample.id))
        assert difference.mean() <= mean_off


@pytest.mark.parametrize(("case", "shift"), [("40-img-gray", 0), ("43-img-12bit", 4)])
def test_40_43_grey_pictures_are_grey(case: str, shift: int) -> None:
    dataset = open_dataset(str(CASES / case))
    for sample in dataset.samples:
        grey = np.asarray(Image.open(CASES / case / "real" / f"{sample.id}.png")).astype(int) >> shift
        np.testing.assert_array_equal(sample.image(), np.repeat(grey[..., None], 3, axis=2))
        assert grey.max() > 100
    assert any("12-bit" in note for note in dataset.notes) == (shift > 0)


def test_44_a_cut_jpeg_is_said() -> None:
    assert all(
        "cut short or damaged" in problem for problem in problems_of(str(CASES / "44-img-jpeg-truncated"))
    )
    assert len(problems_of(str(CASES / "44-img-jpeg-truncated"))) == 2


def test_44b_a_large_cut_jpeg_is_no_half_grey_picture(tmp_path: Path) -> None:
    from cliploc.core.datasets.pictures import read_image

    for path in (CASES / "44b-jpeg-truncated-large").iterdir():
        with pytest.raises(DatasetError):
            read_image(path)


# Tables.


@pytest.mark.parametrize(
    ("case", "words"),
    [
        ("47-table-semicolon", "save it with commas"),
        ("48-table-backslash", "write its path with slashes"),
        ("49-table-utf16", "expected UTF-8"),
        ("50-table-header-case", "real, mask, prompt, in small letters"),
    ],
)
def test_47_to_50_tables_that_cannot_be_read_say_what_to_do(case: str, words: str) -> None:
    with pytest.raises(DatasetError, match=words):
        open_dataset(str(CASES / case))


# Heatmaps and predictions made elsewhere.


@pytest.mark.parametrize("path", sorted(CASES.glob("70-npz/*.npz")), ids=lambda path: path.stem)
def test_70_heatmaps_are_taken_in_or_the_error_says_how_to_convert(
    path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["heatmaps", "import", str(path), "--dataset", "demo", "--name", path.stem]
    code = main(command)
    said = capsys.readouterr().err
    if path.stem in ("float16", "float64"):
        assert code == 0
        return
    if path.stem in ("bool", "cosine", "eps", "filenames", "nchw", "paths", "uint8"):
        assert code == 2
        assert "--normalize takes them" in said
        assert main([*command, "--normalize"]) == 0
        assert_stretched(path, tmp_path / "out.npz")
        return
    words = {
        "arr_0": "np.savez(file, ids=…, heatmaps=…)",
        "fullsize_mixed": "np.savez(file, ids=…, heatmaps=…)",
        "int_ids": "str(id) for id in ids",
        "nan": "NaN or infinity",
        "obj_ids": "pickled objects",
        "object": "pickled objects",
    }
    assert code == 2
    assert words[path.stem] in said


def assert_stretched(file: Path, out: Path) -> None:
    """Exported, each map of the file reaches from 0 to 1."""
    assert main(["heatmaps", "export", file.stem, str(out)]) == 0
    given, written = np.load(file, allow_pickle=False), np.load(out)
    exported = dict(zip(written["ids"].tolist(), written["heatmaps"], strict=True))
    maps = given["heatmaps"].reshape(len(given["ids"]), 14, 14).astype(np.float64)
    assert len(exported) == len(maps) > 100
    for id_, heatmap in zip(given["ids"].tolist(), maps, strict=True):
        low, high = heatmap.min(), heatmap.max()
        found = exported[Path(id_.replace("\\", "/")).name.removesuffix(".png")]
        np.testing.assert_allclose(found, (heatmap - low) / (high - low), atol=1e-6)


@pytest.mark.parametrize(
    "case", ["71-pred-01", "71-pred-255", "71-pred-upper", "71-pred-jpg", "71-pred-partial"]
)
def test_71_the_true_masks_as_predictions(case: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["predictions", "score", str(CASES / case), "--dataset", "demo", "--json"]) == 0
    printed = capsys.readouterr()
    found = json.loads(printed.out)
    files = len(list((CASES / case).iterdir()))
    assert found["masks"] == files
    if files == 120:
        assert found["scores"]["mean_iou"] == pytest.approx(1.0, abs=5e-3 if case == "71-pred-jpg" else 0)
    else:
        assert found["scores"]["mean_iou"] == pytest.approx(files / 120)
        assert f"{120 - files} of 120 samples have no mask" in printed.err


def test_71_masks_of_another_size_are_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["predictions", "score", str(CASES / "71-pred-small"), "--dataset", "demo"]) == 2
    assert "expected 256 x 256" in capsys.readouterr().err


@pytest.mark.parametrize("path", sorted(CASES.glob("72-results/*.json")), ids=lambda path: path.stem)
def test_72_results_give_the_mask_or_an_error(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from cliploc.core.predictions.read import read_results

    demo = open_dataset("demo")
    if path.stem in ("rle", "uncompressed", "scorenan", "scorestr"):
        found = read_results(path, demo)
        truth = np.asarray(Image.open(REPOSITORY / "data/demo/mask/arrow_0000_mask.png")) > 127
        np.testing.assert_array_equal(found["arrow_0000"], truth)
        return
    with pytest.raises(ClipLocError, match="entry 0: no segmentation"):
        read_results(path, demo)


# Every case, by every reader of it.


DATASETS = sorted({path.parent for name in ("table.csv", "ann.json") for path in CASES.glob(f"*/{name}")})


@pytest.mark.parametrize("path", DATASETS, ids=lambda path: path.name)
def test_no_case_ends_in_a_traceback(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spec = coco(path.name) if (path / "ann.json").exists() else str(path)
    for command in ("stats", "check", "list"):
        assert main(["dataset", command, "--dataset", spec]) in (0, 1, 2)
    assert "Traceback" not in capsys.readouterr().err
