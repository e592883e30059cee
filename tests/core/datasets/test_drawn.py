"""True masks that the user drew: kept by the picture's content, used like any others."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cliploc.core.datasets import Dataset, open_dataset
from cliploc.core.datasets.drawn import Drawing
from cliploc.core.errors import DatasetError, ParameterError, StoreError

SIZE = (40, 30)
BOX = [[5, 6, 15, 6, 15, 16, 5, 16]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "photographs"
    place.mkdir()
    for number in range(2):
        pixels = np.random.default_rng(number).integers(0, 256, (30, 40, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(place / f"{number}.png")
    return place


def opened(place: Path) -> Dataset:
    return open_dataset(f"{place}?prompt=a car ; a tree")


def drawing_of(dataset: Dataset) -> Drawing:
    assert dataset.drawing is not None
    return dataset.drawing


def test_what_is_drawn_is_the_true_mask_of_that_label_alone(folder: Path) -> None:
    before = opened(folder)
    drawing_of(before).add("a car_0", BOX, SIZE)
    dataset = opened(folder)
    expected = np.zeros((30, 40), bool)
    expected[6:16, 5:15] = True
    assert (dataset.by_id("a car_0").true_mask() == expected).all()
    assert dataset.without_truth == {"a car_1", "a tree_0", "a tree_1"}
    assert [sample.id for sample in dataset.scorable] == ["a car_0"]
    with pytest.raises(DatasetError, match="nobody has marked where 'a tree' is"):
        dataset.by_id("a tree_0").true_mask()


def test_shapes_add_up_and_are_undone_one_by_one(folder: Path) -> None:
    dataset = opened(folder)
    drawing = drawing_of(dataset)
    drawing.add("a car_0", BOX, SIZE)
    drawing.add("a tree_0", [[0, 0, 3, 0, 3, 3, 0, 3]], SIZE)
    drawing.add("a car_0", [[20, 6, 30, 6, 30, 16, 20, 16]], SIZE)
    assert dataset.by_id("a car_0").true_mask().sum() == 200
    drawing.undo("a car_0")
    assert dataset.by_id("a car_0").true_mask().sum() == 100
    drawing.clear("a car_0")
    drawing.undo("a car_0")
    assert (drawing.count("a car_0"), drawing.count("a tree_0")) == (0, 1)
    drawing.undo("a tree_0")
    assert opened(folder).without_truth == {sample.id for sample in dataset.samples}


def test_the_truth_goes_with_the_picture_and_the_users_files_stay(folder: Path, tmp_path: Path) -> None:
    drawing_of(opened(folder)).add("a car_0", BOX, SIZE)
    assert sorted(path.name for path in folder.iterdir()) == ["0.png", "1.png"]
    (folder / "0.png").rename(tmp_path / "elsewhere.png")
    moved = open_dataset(f"{tmp_path / 'elsewhere.png'}?prompt=a car")
    assert moved.samples[0].true_mask().sum() == 100


def test_drawing_keeps_heatmaps_valid_and_scores_not(folder: Path) -> None:
    before = opened(folder)
    pictures, truth = before.pictures, before.truth
    drawing_of(before).add("a car_0", BOX, SIZE)
    before.forget_truth()
    assert (before.pictures, before.truth != truth) == (pictures, True)
    assert opened(folder).truth == before.truth


def test_it_is_exported_as_coco(folder: Path, tmp_path: Path) -> None:
    drawing = drawing_of(opened(folder))
    with pytest.raises(ParameterError, match="nothing is drawn"):
        drawing.coco()
    drawing.add("a car_0", BOX, SIZE)
    drawing.add("a tree_1", BOX, SIZE)
    (tmp_path / "truth.json").write_text(json.dumps(drawing.coco()))
    again = open_dataset(f"coco:{folder}:{tmp_path / 'truth.json'}")
    assert [sample.id for sample in again.samples] == ["a car_0", "a tree_1"]
    assert all(sample.true_mask().sum() == 100 for sample in again.samples)


def test_a_damaged_file_is_a_sentence(folder: Path, home: Path) -> None:
    dataset = opened(folder)
    drawing_of(dataset).add("a car_0", BOX, SIZE)
    (file,) = (home / "data" / "drawn").glob("*.json")
    file.write_text("{}")
    with pytest.raises(StoreError, match="damaged"):
        opened(folder).by_id("a car_0").true_mask()
    content = {"images": [{"width": 40, "height": 30}], "categories": [{"id": 1, "name": "a car"}]}
    bad = {"category_id": 1, "segmentation": [[1, 2, 3]]}
    file.write_text(json.dumps({**content, "annotations": [bad]}))
    with pytest.raises(StoreError, match="damaged"):
        opened(folder).by_id("a car_0").true_mask()


DRAWS_ON = """
import sys
from cliploc.core.datasets import open_dataset
drawing = open_dataset(sys.argv[1]).drawing
for number in range(1000):
    drawing.add("a car_0", [[number % 30, 6, number % 30 + 5, 6, number % 30 + 5, 16]], (40, 30))
    print(number + 1, flush=True)
"""


def test_a_kill_loses_at_most_the_shape_under_way(folder: Path) -> None:
    spec = f"{folder}?prompt=a car ; a tree"
    child = subprocess.Popen([sys.executable, "-c", DRAWS_ON, spec], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    for _ in range(7):
        child.stdout.readline()
    child.kill()
    said = 7 + len(child.stdout.read().split())
    child.wait()
    drawing = drawing_of(opened(folder))
    assert drawing.count("a car_0") in (said, said + 1)
    drawing.add("a car_0", BOX, SIZE)
    assert drawing.count("a car_0") in (said + 1, said + 2)
