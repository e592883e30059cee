"""What travels to a worker: all it needs by value, outlines where a dataset has them."""

from __future__ import annotations

import json
import pickle
import shutil
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cliploc.core.datasets import Dataset, open_dataset
from cliploc.core.errors import DatasetError
from cliploc.core.metrics import truth_of
from cliploc.core.sweep.grid import Grid
from cliploc.core.sweep.sums import Sums
from cliploc.core.sweep.work import Outlines, Task, Truth, told, work

STAR = [40.0, 5.0, 55.0, 60.0, 8.0, 22.0, 70.0, 25.0, 12.0, 58.0]


def coco(folder: Path, size: tuple[int, int]) -> Dataset:
    """One picture of this size with two instances and a crowd; annotations say 80 x 64."""
    (folder / "images").mkdir(parents=True)
    Image.fromarray(np.zeros((size[1], size[0], 3), np.uint8)).save(folder / "images/a.png")
    crowd = {"size": [64, 80], "counts": [80 * 64 - 900, 900]}
    shapes = [([STAR], 0), ([[2, 2, 20, 2, 20, 30]], 0), (crowd, 1)]
    content = {
        "images": [{"id": 1, "file_name": "a.png", "height": 64, "width": 80}],
        "categories": [{"id": 1, "name": "star"}],
        "annotations": [
            {"id": n, "image_id": 1, "category_id": 1, "segmentation": shape, "iscrowd": crowded}
            for n, (shape, crowded) in enumerate(shapes)
        ],
    }
    (folder / "instances.json").write_text(json.dumps(content))
    return open_dataset(f"coco:{folder / 'images'}:{folder / 'instances.json'}")


def test_a_worker_draws_outlines_without_any_file(tmp_path: Path) -> None:
    (sample,) = coco(tmp_path / "set", (80, 64)).samples
    expected = truth_of(sample.true_mask(), sample.ignored())
    travelling = pickle.dumps(told(sample))
    shutil.rmtree(tmp_path)  # annotations, pictures, index: all of it
    found = pickle.loads(travelling)
    assert isinstance(found, Outlines)
    assert {0, 128, 255} == set(np.unique(found.plane()))
    np.testing.assert_array_equal(found.plane(), expected)
    assert len(travelling) < expected.size // 4


def test_outlines_are_checked_before_they_travel(tmp_path: Path) -> None:
    (sample,) = coco(tmp_path / "set", (81, 64)).samples
    with pytest.raises(DatasetError, match="81 x 64"):
        told(sample)


def test_a_mask_from_a_file_travels_as_its_pixels(make_folder: Callable[..., Path]) -> None:
    sample = open_dataset(str(make_folder({"cat": 1}))).samples[0]
    found = told(sample)
    assert isinstance(found, Truth)
    np.testing.assert_array_equal(found.plane(), truth_of(sample.true_mask(), sample.ignored()))


@pytest.mark.parametrize("shape", [(1, 1), (3, 5), (16, 16), (256, 256), (300, 260)])
@pytest.mark.parametrize("true", ["nothing", "everything", "something"])
def test_kept_counts_come_back_alone_and_add_up_to_the_sums_that_would_have_come(
    shape: tuple[int, int], true: str
) -> None:
    random = np.random.default_rng(5)
    masks = {"nothing": np.zeros(shape, bool), "everything": np.ones(shape, bool)}
    masks["something"] = random.random(shape) > 0.6
    maps = [random.random((4, 4), dtype=np.float32) for _ in range(2)] + [np.zeros((4, 4), np.float32)]
    truths = tuple(Truth.packed(masks[true], None) for _ in maps)
    grid = Grid(("bilinear",), ("none", "dilate-erode"), dilates=(1, 5), erodes=(1,))
    kept, summed = (work(Task(grid, "opencv", keep, tuple(maps), truths)) for keep in (True, False))
    assert kept.sums is None
    assert summed.counts is None
    for field in fields(Sums):
        ours, theirs = getattr(kept.summed(), field.name), getattr(summed.summed(), field.name)
        np.testing.assert_array_equal(ours, theirs.astype(np.int64))
