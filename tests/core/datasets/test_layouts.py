"""Every layout, opened without options: labels, true masks and ignored pixels are those drawn by hand."""

from __future__ import annotations

import json
import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest
from PIL import Image

from cliploc.core.datasets import Dataset, open_dataset, problems_of
from cliploc.core.datasets.formats import LAYOUTS
from cliploc.core.errors import ClipLocError
from tests.conftest import REPOSITORY
from tests.core.datasets.layouts import (
    CAT,
    DOG,
    FIRST,
    LAYOUT,
    PALETTE,
    SECOND,
    VOID,
    Truth,
    box_lists,
    class_folders,
    coloured,
    cub,
    drawn,
    grey,
    indexed,
    pairs,
    photograph,
    text,
    voc,
)


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


def test_boxes_are_what_the_lists_say(tmp_path: Path) -> None:
    cub(tmp_path / "cub")
    box_lists(tmp_path / "lists")
    for name, labels, boxes in (
        ("cub", ("Black footed Albatross", "Crow"), [((1, 2, 3, 5),), ((0, 0, 7, 5),)]),
        ("lists", ("cat", "dog"), [((0, 0, 2, 2), (5, 2, 7, 4)), ((1, 1, 4, 2),)]),
    ):
        dataset = open_dataset(str(tmp_path / name))
        assert dataset.taken_for.startswith("boxes: ")
        assert dataset.labels == labels
        assert [sample.boxes for sample in dataset.samples] == boxes
        assert dataset.without_truth == {"a", "b"}
        assert problems_of(str(tmp_path / name)) == []
        with pytest.raises(ClipLocError, match="has boxes and no true masks"):
            _ = dataset.scorable
    assert open_dataset(f"{tmp_path / 'cub'}?subset=test").labels == ("Crow",)


@pytest.mark.parametrize(
    ("make", "name", "content", "said"),
    [
        (cub, "bounding_boxes.txt", "1 1.0 2.0 3.0\n", "line 1 is '1 1.0 2.0 3.0'; expected 5 cells"),
        (cub, "bounding_boxes.txt", "1 nan 2.0 3.0 4.0\n", "expected four numbers of pixels"),
        (cub, "image_class_labels.txt", "1 1\n2 3\n", "2 has the class 3, which classes.txt does not name"),
        (cub, "images.txt", "1 ../a.jpg\n", "'../a.jpg' leads out of the dataset's folder"),
        (box_lists, "localization.txt", "val/a.jpg,5,5,2,2\n", "a box (5, 5, 2, 2) that holds no pixel"),
        (box_lists, "localization.txt", "val/a.jpg,0,0,8,2\n", "box (0, 0, 8, 2) is not inside its 8 x 6"),
        (box_lists, "localization.txt", "val/c.jpg,0,0,2,2\n", "val/c.jpg has no class"),
    ],
)  # fmt: skip
def test_damaged_lists_of_boxes_are_told(
    make: Callable[[Path], None], name: str, content: str, said: str, tmp_path: Path
) -> None:
    make(tmp_path)
    text(tmp_path / name, content)
    found: list[str] = []
    try:
        found += problems_of(str(tmp_path))
    except ClipLocError as error:
        found.append(str(error))
    assert said in "\n".join(found)


def edited(pattern: str, change: Callable[[Any], object]) -> Callable[[Path], object]:
    """Damage to a JSON file."""

    def damage(root: Path) -> None:
        (path,) = root.glob(pattern)
        content = json.loads(path.read_text())
        change(content)
        path.write_text(json.dumps(content))

    return damage


def cut(pattern: str) -> Callable[[Path], object]:
    """Damage: the second half of a file is not there."""

    def damage(root: Path) -> None:
        (path,) = root.glob(pattern)
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])

    return damage


INSTANCES, STUFF, LVIS = (
    f"annotations/{name}.json" for name in ("instances_val2017", "stuff_val2017", "lvis_v1_val")
)
PANOPTIC = "annotations/panoptic_val2017.json"


def columns(change: Callable[[dict[str, list[Any]]], object]) -> Callable[[Path], object]:
    """Damage to the columns of a parquet file."""

    def damage(root: Path) -> None:
        (path,) = root.glob("data/*.parquet")
        content = pyarrow.parquet.read_table(path).to_pydict()
        change(content)
        pyarrow.parquet.write_table(pyarrow.table(content), path)

    return damage


DAMAGED: list[tuple[str, Callable[[Path], object], str]] = [
    ("voc", two_sizes, "map SegmentationClass/a.png is 8 x 6, its picture JPEGImages/a.jpg 5 x 5"),
    ("voc", lambda root: (root / "JPEGImages/b.jpg").unlink(), "1 files are missing: JPEGImages/b.jpg"),
    ("voc", lambda root: (root / "SegmentationClass/b.png").write_bytes(b"\x89PNG"), "is not a picture"),
    (
        "voc",
        lambda root: indexed(root / "SegmentationClass/b.png", drawn(FIRST) * 25, PALETTE),
        "VOC's list does not name: 25",
    ),
    ("coco", cut(INSTANCES), "expected COCO's instances JSON"),
    ("coco", two_sizes, "image a.jpg is 5 x 5, its annotations say 8 x 6"),
    (
        "coco",
        edited(INSTANCES, lambda found: found["annotations"][0]["segmentation"].update(size=[6, 6])),
        "annotation 117 (image a.jpg) has run lengths of size [6, 6], expected [6, 8]",
    ),
    ("stuff", edited(STUFF, lambda found: found.pop("categories")), "no images, annotations and categories"),
    ("stuff", edited(STUFF, lambda found: found["images"][0].pop("width")), "something has no width"),
    (
        "stuff",
        edited(STUFF, lambda found: found["annotations"][3].update(segmentation=[])),
        "1 annotations enclose nothing and are left out",
    ),
    (
        "lvis",
        edited(LVIS, lambda found: found["images"][0].update(coco_url="http://images.example/../a.jpg")),
        "leads out of the folder of images",
    ),
    ("lvis", lambda root: (root / "train2017/a.jpg").unlink(), "a.jpg is missing"),
    (
        "lvis",
        edited(LVIS, lambda found: found["images"][0].pop("coco_url")),
        "neither file_name nor coco_url",
    ),
    (
        "panoptic",
        edited(PANOPTIC, lambda found: found["annotations"][0]["segments_info"].pop(0)),
        "a.png holds segments that panoptic_val2017.json lacks: 5",
    ),
    (
        "panoptic",
        edited(PANOPTIC, lambda found: found["annotations"][1].update(file_name="../b.png")),
        "file_name '../b.png' leads out of the folder",
    ),
    (
        "panoptic",
        lambda root: (root / "annotations/panoptic_val2017/b.png").unlink(),
        "1 files are missing: annotations/panoptic_val2017/b.png",
    ),
    (
        "panoptic",
        edited(PANOPTIC, lambda found: found["annotations"][1]["segments_info"][0].update(category_id=3)),
        "a segment of b.png is of category 3, which the file does not have",
    ),
    (
        "cityscapes",
        lambda root: (root / "gtFine/val/ulm/a_gtFine_labelIds.png").unlink(),
        "1 files are missing: gtFine/val/ulm/a_gtFine_labelIds.png",
    ),
    ("cityscapes", cut("gtFine/val/bonn/b_gtFine_labelIds.png"), "is truncated: a PNG ends with an IEND"),
    (
        "cityscapes",
        lambda root: grey(root / "gtFine/val/bonn/b_gtFine_labelIds.png", drawn(SECOND) + 40),
        "Cityscapes' list does not name: 40 (in 1 maps), 42 (in 1 maps), 49 (in 1 maps)",
    ),
    ("ade20k", lambda root: (root / "annotations/training/a.png").unlink(), "training/a.jpg has no mask"),
    (
        "ade20k",
        lambda root: text(root / "objectInfo150.txt", "Idx\tName\n1\tcat\n2\n"),
        "'2' has fewer columns than its header",
    ),
    (
        "ade20k",
        lambda root: text(root / "objectInfo150.txt", "Idx\tName\n1\tcat\n2\tdog\n"),
        "does not name: 3 (in 2 maps)",
    ),
    (
        "labelled",
        lambda root: text(root / "labels.txt", "cat\ndog\n"),
        "names without numbers do not say whether the first is 0 or 1",
    ),
    ("labelled", lambda root: text(root / "labels.txt", "1 cat\n1 dog\n"), "number 1 has two names"),
    (
        "labelled",
        lambda root: photograph(root / "labels/a_seg.png").rename(root / "labels/c_seg.png"),
        "mask c_seg.png belongs to no picture",
    ),
    (
        "labelled",
        lambda root: Image.fromarray(drawn(SECOND)).save(root / "labels/b_seg.png", "JPEG"),
        "is a JPEG or the like, in which numbers of classes do not survive",
    ),
    (
        "imagenet-s",
        lambda root: coloured(root / "validation-segmentation/n002/b.png", drawn(FIRST) // 9 * 7),
        "the maps of n002 hold 7, not its number 2",
    ),
    (
        "imagenet-s",
        lambda root: (root / "validation-segmentation/n002/b.png").unlink(),
        "n002/b.JPEG has no mask",
    ),
    (
        "imagenet-s",
        lambda root: photograph(root / "validation/n001/a.JPEG", 0, (5, 5)),
        "map validation-segmentation/n001/a.png is 8 x 6, its picture validation/n001/a.JPEG 5 x 5",
    ),
    (
        "yolo",
        lambda root: text(root / "labels/train/a.txt", "0 .5 .5 .2 .2\n"),
        "labels/train/a.txt: line 1 is a box (class, centre, size); expected a polygon",
    ),
    (
        "yolo",
        lambda root: text(root / "labels/val/b.txt", "2 0 0 1 0 1 1"),
        "line 1 is of class 2; known: 0, 1",
    ),
    (
        "yolo",
        lambda root: text(root / "labels/val/b.txt", "1 10 10 20 10 20 30"),
        "line 1 has coordinates outside of 0 to 1",
    ),
    ("yolo", lambda root: text(root / "data.yaml", "names: &a [*a, *a]"), "aliases are not read"),
    ("yolo", cut("images/val/b.jpg"), "images/val/b.jpg is not a picture that can be decoded"),
    ("parquet", cut("data/*.parquet"), "is not sound parquet"),
    ("parquet", columns(lambda found: found.pop("mask")), "has no mask column; found image, label"),
    (
        "parquet",
        columns(lambda found: (found["image"][1].update(bytes=None), found.update(label=["a", "b"]))),
        "row 2, image is empty; it names there/b.jpg, whose bytes are not in the file",
    ),
    ("parquet", columns(lambda found: None), "row 1 has the label 0, which the file has no name for"),
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


def test_a_guess_that_fails_says_what_was_guessed(tmp_path: Path) -> None:
    voc(tmp_path)
    (tmp_path / "JPEGImages/b.jpg").unlink()
    with pytest.raises(ClipLocError, match="files are missing") as error:
        open_dataset(str(tmp_path))
    assert f"{tmp_path} was taken for voc: " in str(error.value)
    with pytest.raises(ClipLocError, match="files are missing") as error:
        open_dataset(f"{tmp_path}?layout=voc")
    assert "taken for" not in str(error.value)


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


def test_the_readme_lists_the_layouts_in_their_order() -> None:
    section = (REPOSITORY / "README.md").read_text().partition("### Layouts")[2].partition("`coco:IMAGES")[0]
    assert re.findall(r"^\| `([\w-]+)` \|", section, re.MULTILINE) == list(LAYOUTS)


def test_a_layout_that_is_not_known_names_the_nearest(tmp_path: Path) -> None:
    voc(tmp_path)
    with pytest.raises(ClipLocError, match="unknown layout 'vocc'; did you mean voc"):
        open_dataset(f"{tmp_path}?layout=vocc")
    with pytest.raises(ClipLocError, match=r"unknown layout of coco:a:b\.json 'voc'; known: coco, panoptic"):
        open_dataset("coco:a:b.json?layout=voc")


def test_a_layout_that_is_said_and_does_not_fit_says_what_it_lacks(tmp_path: Path) -> None:
    voc(tmp_path)
    for layout, lacking in (
        ("pairs", "it has no images/ and masks/"),
        ("cityscapes", "it has no leftImg8bit/ and no gtFine/"),
        ("indexed", "it has no label file"),
        ("imagenet-s", "it has no folder beside one of its name and -segmentation"),
        ("yolo", "it has no images/ and labels/ with .txt files"),
        ("coco", "it has no .json with images, annotations and categories"),
        ("panoptic", "has no panoptic annotations"),
        ("boxes", "it has no localization.txt, class_labels.txt, classes.txt"),
        ("parquet", "it has no .parquet"),
        ("table", "has no table.csv"),
    ):
        with pytest.raises(ClipLocError, match=re.escape(lacking)):
            open_dataset(f"{tmp_path}?layout={layout}")


def test_an_annotation_file_is_a_place_too(tmp_path: Path) -> None:
    truth = LAYOUT["coco"][1](tmp_path)
    agrees(open_dataset(str(tmp_path / "annotations/instances_val2017.json")), truth)
    agrees(open_dataset(f"coco:{tmp_path / 'val2017'}:{tmp_path / INSTANCES}"), truth)


def test_of_several_annotation_files_one_must_be_said(tmp_path: Path) -> None:
    LAYOUT["coco"][1](tmp_path)
    content = (tmp_path / INSTANCES).read_text()
    text(tmp_path / "annotations/instances_train2017.json", content)
    with pytest.raises(ClipLocError, match=r"instances_train2017\.json, instances_val2017\.json; say which"):
        open_dataset(str(tmp_path))
    assert open_dataset(f"{tmp_path}?subset=val2017").labels == ("cat", "dog")
    with pytest.raises(ClipLocError, match="no annotations of subset 'test'"):
        open_dataset(f"{tmp_path}?subset=test")
    with pytest.raises(ClipLocError, match="subset says nothing of COCO's annotations"):
        open_dataset(f"coco:{tmp_path / 'val2017'}:{tmp_path / INSTANCES}?subset=val2017")


def test_panoptic_annotations_are_not_taken_for_instances(tmp_path: Path) -> None:
    truth = LAYOUT["panoptic"][1](tmp_path)
    spec = f"coco:{tmp_path / 'val2017'}:{tmp_path / PANOPTIC}"
    agrees(open_dataset(spec), truth)
    with pytest.raises(ClipLocError, match="is COCO's panoptic format"):
        open_dataset(f"{spec}?layout=coco")


def test_without_pyarrow_the_sentence_says_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    LAYOUT["parquet"][1](tmp_path / "made")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ClipLocError, match=re.escape("pip install 'cliploc[parquet]'")):
        open_dataset(str(tmp_path / "made"))


def test_parquet_is_laid_out_once(tmp_path: Path, home: Path) -> None:
    LAYOUT["parquet"][1](tmp_path / "made")
    for _ in range(2):
        open_dataset(str(tmp_path / "made"))
    assert [path.name for path in (home / "cache/parquet").iterdir() if path.is_dir()] != []
    assert len(list((home / "cache/parquet").glob("*/table.csv"))) == 1


@pytest.mark.parametrize(("limit", "value"), [("_GROUP", 100), ("MOST_ROWS", 1), ("_LARGE", 0)])
def test_parquet_that_says_it_unpacks_to_too_much_is_refused(
    limit: str, value: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    zeros = [bytes(1_000_000), bytes(1_000_000)]
    content = pyarrow.table({"image": zeros, "mask": zeros})
    pyarrow.parquet.write_table(content, tmp_path / "a.parquet", compression="zstd", use_dictionary=False)
    monkeypatch.setattr(f"cliploc.core.datasets.parquet.{limit}", value)
    with pytest.raises(ClipLocError, match="says that it unpacks to"):
        open_dataset(str(tmp_path))


def test_voc_may_have_labels_of_its_own(tmp_path: Path) -> None:
    voc(tmp_path)
    text(tmp_path / "labels.txt", "8 red cat\n12 blue dog\n")
    assert open_dataset(str(tmp_path)).labels == ("blue dog", "red cat")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("labels.json", '{"0": "background", "1": "cat", "2": "dog", "9": "void"}'),
        ("labels.json", '{"background": 0, "cat": 1, "dog": 2, "ignore": 9}'),
        ("classes.json", '["background", "cat", "dog", "a", "b", "c", "d", "e", "f", "void"]'),
        ("labels.csv", "id,name\n1,cat\n2,dog\n9,void\n"),
        ("classes.txt", "_background_\ncat\ndog\na\nb\nc\nd\ne\nf\nvoid\n"),
        ("labels.txt", "# what numbers mean\n1: cat\n2: dog\n\n9: Void\n"),
    ],
)
def test_label_files_are_read_as_they_come(name: str, content: str, tmp_path: Path) -> None:
    photograph(tmp_path / "images/a.png")
    grey(tmp_path / "annotations/a.png", drawn(FIRST))
    text(tmp_path / name, content)
    truth = {"cat_a": ("cat", CAT, VOID), "dog_a": ("dog", DOG, VOID)}
    agrees(open_dataset(str(tmp_path)), truth)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("[1, 2]", "names without numbers do not say"),
        ('{"1": ["cat"]}', "label 1 has no name"),
        ('{"-1": "cat"}', "a number -1 below 0"),
        ('{"cat": "dog"}', "invalid literal for int"),
        ("3", "found int, expected a list or an object"),
        ("{", "expected a line `NUMBER NAME` for each"),
    ],
)
def test_what_is_no_label_file_is_told(content: str, said: str, tmp_path: Path) -> None:
    photograph(tmp_path / "images/a.png")
    grey(tmp_path / "annotations/a.png", drawn(FIRST))
    text(tmp_path / "labels.json", content)
    with pytest.raises(ClipLocError, match=re.escape(said)):
        open_dataset(str(tmp_path))


def test_one_picture_of_several_labels_is_one_source(tmp_path: Path) -> None:
    voc(tmp_path)
    sources = open_dataset(str(tmp_path)).sources
    assert sources["cat_a"] == sources["dog_a"] != sources["dog_b"]
