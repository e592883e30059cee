"""Folders in CocoGlide's layout: what opens, and what is said about what does not."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from cliploc.core.datasets import open_dataset, problems_of
from cliploc.core.datasets.statistics import statistics
from cliploc.core.errors import DatasetError, ParameterError
from tests.conftest import write_picture

MakeFolder = Callable[..., Path]


def table(root: Path, *lines: str, header: str = "real,fake,mask,prompt", encoding: str = "utf-8") -> None:
    (root / "table.csv").write_text("\n".join([header, *lines]) + "\n", encoding=encoding)


def test_samples_come_in_table_order_with_ids_labels_and_pictures(make_folder: MakeFolder) -> None:
    dataset = open_dataset(str(make_folder({"red car": 2, "cat": 1}, size=(48, 64))))
    assert [(s.id, s.label) for s in dataset.samples] == [
        ("red car_0", "red car"),
        ("red car_1", "red car"),
        ("cat_0", "cat"),
    ]
    assert dataset.labels == ("cat", "red car")
    assert dataset.label_counts == {"cat": 1, "red car": 2}
    sample = dataset.by_id("red car_1")
    assert sample.image().shape == (48, 64, 3)
    assert sample.true_mask().dtype == np.bool_
    assert sample.true_mask().sum() == (30 - 9) * 31


def test_images_are_rgb(make_folder: MakeFolder) -> None:
    root = make_folder({"cat": 1}, size=(2, 3))
    write_picture(root / "real/cat_0.png", np.full((2, 3, 3), (30, 20, 10), np.uint8))  # cv2 writes BGR
    write_picture(root / "mask/cat_0_mask.png", np.array([[0, 0, 255], [255, 0, 255]], np.uint8))
    sample = open_dataset(str(root)).samples[0]
    assert sample.image()[0, 0].tolist() == [10, 20, 30]
    assert sample.true_mask().tolist() == [[False, False, True], [True, False, True]]


def test_a_byte_order_mark_other_columns_and_a_missing_fake_folder_are_fine(make_folder: MakeFolder) -> None:
    root = make_folder({"cat": 1})
    table(
        root,
        "7,mask/cat_0_mask.png,cat,real/cat_0.png",
        header="score,mask,prompt,real",
        encoding="utf-8-sig",
    )
    assert open_dataset(str(root)).samples[0].id == "cat_0"


def test_samples_travel_to_other_processes(make_folder: MakeFolder) -> None:
    dataset = open_dataset(str(make_folder()))
    again = pickle.loads(pickle.dumps(dataset))
    assert (again.pictures, again.truth) == (dataset.pictures, dataset.truth)
    assert np.array_equal(again.samples[0].image(), dataset.samples[0].image())


def test_digests_follow_content_alone_pictures_apart_from_truth(make_folder: MakeFolder) -> None:
    one, same = make_folder(name="one"), make_folder(name="same")
    first, second = open_dataset(str(one)), open_dataset(str(same))
    assert (first.pictures, first.truth) == (second.pictures, second.truth)
    write_picture(same / "mask/cat_0_mask.png", np.full((48, 64), 255, np.uint8))
    other_truth = open_dataset(str(same))
    assert other_truth.pictures == first.pictures
    assert other_truth.truth != first.truth
    write_picture(same / "real/cat_0.png", np.full((48, 64, 3), 255, np.uint8))
    other_picture = open_dataset(str(same))
    assert other_picture.pictures != first.pictures
    assert other_picture.truth == other_truth.truth


def test_every_problem_is_reported_in_one_go_with_file_and_row(make_folder: MakeFolder) -> None:
    root = make_folder({"cat": 5})
    write_picture(root / "mask/cat_1_mask.png", np.full((10, 12), 255, np.uint8))
    write_picture(root / "mask/cat_2_mask.png", np.zeros((48, 64), np.uint8))
    whole = (root / "real/cat_3.png").read_bytes()
    (root / "real/cat_3.png").write_bytes(whole[: len(whole) // 2])
    (root / "real/cat_4.png").write_bytes(b"not a picture")
    with open(root / "table.csv", "a") as file:
        file.write("real/cat_0.png,,mask/cat_0_mask.png,cat\n")
        file.write("real/gone.png,,mask/cat_0_mask.png,cat\n")
        file.write("../outside.png,,mask/cat_0_mask.png,cat\n")
        file.write("real/cat_0.png,,mask/cat_0_mask.png,\n")
    problems = "\n".join(problems_of(str(root)))
    assert "row 3: mask mask/cat_1_mask.png is 12 x 10, its image 64 x 48" in problems
    assert "row 4: mask mask/cat_2_mask.png is empty" in problems
    assert "row 5: real/cat_3.png is truncated" in problems
    assert "row 6: real/cat_4.png" in problems
    assert "row 7: the same image, mask and label stand in row 2" in problems
    assert "row 8: file real/gone.png is missing" in problems
    assert "row 9: ../outside.png leads out of the dataset's folder" in problems
    assert "row 10: no prompt" in problems
    assert len(problems_of(str(root))) == 8


def test_a_sound_folder_has_no_problems(make_folder: MakeFolder) -> None:
    assert problems_of(str(make_folder())) == []


def test_opening_refuses_missing_files_and_doubled_ids_before_anything_is_shown(
    make_folder: MakeFolder,
) -> None:
    root = make_folder({"cat": 2})
    (root / "real/cat_0.png").unlink()
    with open(root / "table.csv", "a") as file:
        file.write("real/cat_1.png,,mask/cat_1_mask.png,cat\n")
    with pytest.raises(DatasetError, match=r"2 problems(.|\n)*row 4(.|\n)*row 2") as caught:
        open_dataset(str(root))
    assert "real/cat_0.png is missing" in str(caught.value)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda root: (root / "table.csv").unlink(), "has no table.csv"),
        (lambda root: table(root), "no rows"),
        (
            lambda root: table(root, "a,b", header="image,label"),
            "no column real, mask, prompt; found image, label",
        ),
        (
            lambda root: (root / "table.csv").write_bytes(b"real,mask,prompt\n\xff\xfe,x,y\n"),
            "expected UTF-8",
        ),
    ],
)
def test_a_table_that_cannot_be_used_says_why(
    make_folder: MakeFolder, spoil: Callable[[Path], object], words: str
) -> None:
    root = make_folder()
    spoil(root)
    with pytest.raises(DatasetError, match=words):
        open_dataset(str(root))


def test_no_folder_names_the_way_out(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="cliploc fetch cocoglide"):
        open_dataset(str(tmp_path / "nowhere"))
    with pytest.raises(DatasetError, match="cliploc fetch cocoglide"):
        open_dataset("cocoglide")


def test_an_unknown_id_names_the_nearest(make_folder: MakeFolder) -> None:
    with pytest.raises(ParameterError, match="did you mean cat_1"):
        open_dataset(str(make_folder())).by_id("cat_11")


def test_control_characters_of_a_table_do_not_reach_the_terminal(make_folder: MakeFolder) -> None:
    root = make_folder({"cat": 1})
    table(root, "real/\x1b[31mcat.png,,mask/cat_0_mask.png,cat")
    assert "\x1b" not in "\n".join(problems_of(str(root)))


def test_rows_of_one_picture_have_one_source_whatever_their_numbers(make_folder: MakeFolder) -> None:
    root = make_folder({"cat": 3})
    assert set(open_dataset(str(root)).sources.values()) == {"0", "1", "2"}
    (root / "real/cat_2.png").write_bytes((root / "real/cat_0.png").read_bytes())
    assert list(open_dataset(str(root)).sources.values()) == ["0", "1", "0"]


def test_a_source_that_the_table_says_wins(make_folder: MakeFolder) -> None:
    root = make_folder({"cat": 3})
    lines = [
        f"real/cat_{n}.png,mask/cat_{n}_mask.png,cat,{source}" for n, source in enumerate(("s", "s", ""))
    ]
    (root / "table.csv").write_text("\n".join(["real,mask,prompt,source", *lines]))
    first, second, third = open_dataset(str(root)).sources.values()
    assert (first, second) == ("s", "s")
    assert third not in ("s", "")


def test_statistics_count_classes_and_measure_masks(make_folder: MakeFolder) -> None:
    root = make_folder({"cat": 3, "red car": 1}, size=(10, 10))
    for path in (root / "mask").iterdir():
        cv2.imwrite(
            str(path), np.repeat(np.array([[255], [0]], np.uint8), 5, axis=0) * np.ones((1, 10), np.uint8)
        )
    found = statistics(open_dataset(str(root)))
    assert (found.images, found.classes, found.min, found.max) == (4, 2, 1, 3)
    assert (found.mean, found.std) == (2.0, 1.0)  # population std of 3 and 1
    assert set(found.mask_area.values()) == {0.5}
    assert found.per_class == {"cat": 3, "red car": 1}


def test_cocoglide_is_the_posters_dataset(cocoglide: Path) -> None:
    found = statistics(open_dataset(str(cocoglide)))
    assert (found.images, found.classes, found.min, found.max) == (512, 73, 1, 17)
    assert found.mean == pytest.approx(7.0137, abs=5e-5)
    assert found.std == pytest.approx(4.4460, abs=5e-5)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('real,mask,prompt\nREAL,MASK,"cat\nREAL,MASK,dog\n', "cannot read"),
        ("real,mask,prompt\nREAL,MASK,cat, black\n", "row 2: 'black' stands behind the last column"),
        ("real,mask,mask,prompt\nREAL,MASK,MASK,cat\n", "the column mask twice"),
        ("real,mask,prompt\nREAL,MASK,cat\n./REAL,real/../MASK,cat\n", "row 3: the same image"),
    ],
)
def test_a_table_that_is_not_what_it_seems_is_explained(
    make_folder: MakeFolder, text: str, words: str
) -> None:
    root = make_folder({"cat": 1})
    text = text.replace("REAL", "real/cat_0.png").replace("MASK", "mask/cat_0_mask.png")
    (root / "table.csv").write_text(text)
    with pytest.raises(DatasetError, match=words):
        open_dataset(str(root))


def test_empty_cells_behind_the_last_column_are_nothing(make_folder: MakeFolder) -> None:
    root = make_folder({"cat": 1})
    table(root, "real/cat_0.png,,mask/cat_0_mask.png,cat,, ")
    assert len(open_dataset(str(root)).samples) == 1


def test_labels_that_look_alike_are_one_class(make_folder: MakeFolder) -> None:
    labels = ["caf\u00e9 au lait", "cafe\u0301 au lait", "caf\u00e9\u00a0au  lait", "caf\u00e9 au lait\u200b"]
    root = make_folder({"cat": len(labels)})
    rows = [f"real/cat_{n}.png,,mask/cat_{n}_mask.png,{label}" for n, label in enumerate(labels)]
    table(root, *rows)
    assert open_dataset(str(root)).label_counts == {"caf\u00e9 au lait": 4}


def test_a_mistyped_place_is_answered_with_the_nearest(make_folder: Callable[..., Path]) -> None:
    root = make_folder({"cat": 1}, name="flowers")
    for typed, meant in ((root.with_name("flower"), "flowers"), ("cocoglid", "cocoglide"), ("dem", "demo")):
        with pytest.raises(DatasetError, match=f"did you mean .*{meant}"):
            open_dataset(str(typed))
