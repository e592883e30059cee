"""Every layout, opened without options: labels, true masks and ignored pixels are those drawn by hand."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cliploc.core.datasets import Dataset, open_dataset, problems_of
from cliploc.core.datasets.formats import LAYOUTS
from cliploc.core.errors import ClipLocError
from tests.core.datasets.layouts import (
    FIRST,
    SECOND,
    coloured,
    drawn,
    grey,
    indexed,
    photograph,
    text,
    void_as,
    where,
)

Truth = Mapping[str, tuple[str, np.ndarray, np.ndarray | None]]  # id -> label, mask, ignored

CAT, DOG = where(FIRST, 1), where(FIRST, 2)
VOID = where(FIRST, 9)
OTHER_DOG, OTHER_VOID = where(SECOND, 2), where(SECOND, 9)
# What VOC's palette begins with, and its colour of 255.
PALETTE = [0, 0, 0, 128, 0, 0, 0, 128, 0] + [0] * 756 + [224, 224, 192]


def voc(root: Path) -> Truth:
    for number, name in enumerate(("a", "b")):
        photograph(root / f"JPEGImages/{name}.jpg", number)
    indexed(root / "SegmentationClass/a.png", void_as(255, FIRST, _1=8, _2=12), PALETTE)
    indexed(root / "SegmentationClass/b.png", void_as(255, SECOND, _2=12), PALETTE)
    indexed(root / "SegmentationObject/a.png", drawn(FIRST), PALETTE)
    text(root / "ImageSets/Segmentation/train.txt", "a\n")
    text(root / "ImageSets/Segmentation/val.txt", "b\n")
    return {
        "cat_a": ("cat", CAT, VOID), "dog_a": ("dog", DOG, VOID), "dog_b": ("dog", OTHER_DOG, OTHER_VOID),
    }  # fmt: skip


def pairs(root: Path) -> Truth:
    photograph(root / "images/a.jpg", 0)
    photograph(root / "images/b.jpeg", 1)
    grey(root / "masks/a_mask.png", CAT * 255)
    Image.fromarray(OTHER_DOG).save(root / "masks/b_mask.tif")
    return {"a": ("object", CAT, None), "b": ("object", OTHER_DOG, None)}


def class_folders(root: Path) -> Truth:
    photograph(root / "images/train/cat/a.jpg", 0)
    photograph(root / "images/val/dog/a.png", 1)
    grey(root / "masks/train/cat/a.png", CAT)
    grey(root / "masks/val/dog/a.png", OTHER_DOG)
    return {"cat_a": ("cat", CAT, None), "dog_a": ("dog", OTHER_DOG, None)}


LAYOUT: dict[str, tuple[str, Callable[[Path], Truth]]] = {
    "voc": ("voc", voc),
    "pairs": ("pairs", pairs),
    "class folders": ("pairs", class_folders),
}


def agrees(dataset: Dataset, truth: Truth) -> None:
    assert {sample.id: sample.label for sample in dataset.samples} == {
        id_: label for id_, (label, _, _) in truth.items()
    }
    for sample in dataset.samples:
        _, mask, ignored = truth[sample.id]
        np.testing.assert_array_equal(sample.true_mask(), mask)
        found = sample.ignored()
        assert (found is None or not found.any()) == (ignored is None)
        if ignored is not None:
            np.testing.assert_array_equal(found, ignored)
        assert sample.image().shape == (*mask.shape, 3)


@pytest.mark.parametrize("name", LAYOUT)
def test_it_opens_as_what_it_is_without_options(name: str, tmp_path: Path) -> None:
    layout, make = LAYOUT[name]
    truth = make(tmp_path / "made")
    dataset = open_dataset(str(tmp_path / "made"))
    agrees(dataset, truth)
    assert dataset.taken_for.startswith(f"{layout}: ")
    assert f"taken for {dataset.taken_for}" in dataset.notes[0]
    assert not dataset.empty
    assert not dataset.left_out
    assert len(dataset.truth) == len(dataset.pictures) == 64
    assert problems_of(str(tmp_path / "made")) == []


@pytest.mark.parametrize("name", LAYOUT)
def test_it_opens_as_what_it_is_said_to_be(name: str, tmp_path: Path) -> None:
    layout, make = LAYOUT[name]
    truth = make(tmp_path / "made")
    dataset = open_dataset(f"{tmp_path / 'made'}?layout={layout}")
    agrees(dataset, truth)
    assert not dataset.taken_for
    assert dataset.spec.endswith(f"?layout={layout}")
    agrees(open_dataset(dataset.spec), truth)


def two_sizes(root: Path) -> None:
    photograph(next(root.glob("*/a.jpg")), 0, (5, 5))


DAMAGED: list[tuple[str, Callable[[Path], object], str]] = [
    ("voc", two_sizes, "map SegmentationClass/a.png is 8 x 6, its picture JPEGImages/a.jpg 5 x 5"),
    ("voc", lambda root: (root / "JPEGImages/b.jpg").unlink(), "1 files are missing: JPEGImages/b.jpg"),
    ("voc", lambda root: (root / "SegmentationClass/b.png").write_bytes(b"\x89PNG"), "is not a picture"),
    (
        "voc",
        lambda root: indexed(root / "SegmentationClass/b.png", drawn(FIRST) * 25, PALETTE),
        "VOC's list does not name: 25",
    ),
    ("pairs", two_sizes, "mask masks/a_mask.png is 8 x 6, its image 5 x 5"),
    ("pairs", lambda root: (root / "masks/b_mask.tif").unlink(), "b.jpeg has no mask"),
    ("pairs", lambda root: grey(root / "masks/c_mask.png", CAT), "mask c_mask.png belongs to no picture"),
    ("pairs", lambda root: grey(root / "masks/a_mask.gif", CAT), "a.jpg has 2 masks: a_mask.gif, a_mask.png"),
    ("class folders", lambda root: shutil.rmtree(root / "masks/val"), "val/dog/a.png has no mask"),
    (
        "class folders",
        lambda root: photograph(root / "images/val/dog/a.jpg"),
        "another picture has the same name but for its ending",
    ),
    (
        "class folders",
        lambda root: grey(root / "masks/val/dog/a.png", drawn(FIRST)),
        "1 of 2 masks hold several values besides 0",
    ),
]


@pytest.mark.parametrize(("name", "damage", "said"), DAMAGED)
def test_damage_is_told_in_a_sentence(
    name: str, damage: Callable[[Path], object], said: str, tmp_path: Path
) -> None:
    LAYOUT[name][1](tmp_path / "made")
    damage(tmp_path / "made")
    assert said in all_that_is_said(str(tmp_path / "made"))


def all_that_is_said(spec: str) -> str:
    """Every sentence about a dataset: of its check, and of using its samples."""
    said: list[str] = []
    try:
        said += problems_of(spec)
        dataset = open_dataset(spec)
        for sample in dataset.samples:
            sample.image()
            sample.true_mask()
    except ClipLocError as error:
        said.append(str(error))
    return "\n".join(said)


def test_every_layout_has_three_damages() -> None:
    assert {name for name, _ in LAYOUT.items()} == {name for name, _, _ in DAMAGED}
    for name in LAYOUT:
        assert sum(name == each for each, _, _ in DAMAGED) >= 3


def test_a_place_that_is_nothing_hears_what_each_layout_lacks(tmp_path: Path) -> None:
    text(tmp_path / "notes.txt", "nothing")
    with pytest.raises(ClipLocError, match="is no dataset of a layout that is known") as error:
        open_dataset(str(tmp_path))
    lines = str(error.value).split("\n")[1:]
    assert [line.split(":")[0].strip() for line in lines] == list(LAYOUTS)


def test_a_table_comes_before_everything(tmp_path: Path) -> None:
    voc(tmp_path)
    text(tmp_path / "table.csv", "real,mask,prompt\nJPEGImages/a.jpg,SegmentationClass/a.png,thing\n")
    assert open_dataset(f"{tmp_path}?mask-value=8").labels == ("thing",)
    assert open_dataset(f"{tmp_path}?layout=voc").labels == ("cat", "dog")


def test_an_image_set_is_a_subset(tmp_path: Path) -> None:
    voc(tmp_path)
    assert [sample.id for sample in open_dataset(f"{tmp_path}?subset=val").samples] == ["dog_b"]
    assert "2 image sets together" in " ".join(open_dataset(str(tmp_path)).notes)
    with pytest.raises(ClipLocError, match="no image set 'test'; found train, val"):
        open_dataset(f"{tmp_path}?subset=test")


def test_folders_are_subsets(tmp_path: Path) -> None:
    class_folders(tmp_path)
    assert open_dataset(f"{tmp_path}?subset=val").labels == ("dog",)
    with pytest.raises(ClipLocError, match="has no subset 'test'; found cat, dog, train, val"):
        open_dataset(f"{tmp_path}?subset=test")


def test_a_prompt_says_the_label_of_pairs(tmp_path: Path) -> None:
    pairs(tmp_path)
    assert open_dataset(f"{tmp_path}?prompt=a red car").labels == ("a red car",)
    with pytest.raises(ClipLocError, match="one mask a picture has one label"):
        open_dataset(f"{tmp_path}?prompt=a car;a tree")


def test_pictures_without_a_mask_can_be_left_out(tmp_path: Path) -> None:
    pairs(tmp_path)
    photograph(tmp_path / "images/c.png", 2)
    dataset = open_dataset(f"{tmp_path}?skip-missing=yes")
    assert [sample.id for sample in dataset.samples] == ["a", "b"]
    assert "1 pictures have no mask and are left out" in dataset.notes


@pytest.mark.parametrize(
    ("picture", "mask"),
    [("x.jpg", "x.png"), ("x.jpg", "x_mask.png"), ("x.jpg", "gt-x.png"), ("x_sat.jpg", "x_mask.png"),
     ("x y.jpg", "x y (mask).png"), ("x.jpg", "x.mask.png")],
)  # fmt: skip
def test_names_match_but_for_one_affix(picture: str, mask: str, tmp_path: Path) -> None:
    for number, letter in enumerate("xzw"):
        photograph(tmp_path / "imgs" / picture.replace("x", letter, 1), number)
        name = "/".join(("gt", mask[::-1].replace("x", letter, 1)[::-1]))
        grey(tmp_path / name, CAT * 255)
    assert len(open_dataset(str(tmp_path)).samples) == 3


def test_an_option_that_says_nothing_is_refused(tmp_path: Path) -> None:
    voc(tmp_path)
    with pytest.raises(ClipLocError, match="mask-value says nothing of VOC"):
        open_dataset(f"{tmp_path}?mask-value=1")


_ = coloured
