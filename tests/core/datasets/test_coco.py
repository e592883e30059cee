"""COCO annotations: instances merged per category and image, crowds ignored."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pycocotools import mask as rle
from pycocotools.coco import COCO

from cliploc.core.datasets import open_dataset, problems_of
from cliploc.core.datasets.annotations import CocoImage
from cliploc.core.datasets.coco_index import is_small
from cliploc.core.errors import DatasetError
from cliploc.core.metrics import counts_of
from tests.conftest import write_picture

HEIGHT, WIDTH = 30, 40


def runs_of(mask: np.ndarray) -> dict[str, object]:
    found = rle.encode(np.asfortranarray(mask.astype(np.uint8)))
    return {"size": found["size"], "counts": found["counts"].decode()}


def box_polygon(x: int, y: int, width: int, height: int) -> list[list[int]]:
    return [[x, y, x + width, y, x + width, y + height, x, y + height]]


def uncompressed(mask: np.ndarray) -> dict[str, object]:
    flat = mask.T.reshape(-1).astype(int)
    edges = np.flatnonzero(np.diff(flat)) + 1
    lengths = np.diff([0, *edges, flat.size]).tolist()
    return {"size": [HEIGHT, WIDTH], "counts": lengths if not flat[0] else [0, *lengths]}


@pytest.fixture
def crowd() -> np.ndarray:
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[10:25, 20:38] = True
    return mask


@pytest.fixture
def spec(tmp_path: Path, crowd: np.ndarray) -> str:
    images = tmp_path / "images"
    for number in (1, 2, 3):
        write_picture(images / f"{number:012d}.png", np.full((HEIGHT, WIDTH, 3), 10 * number, np.uint8))
    polygons = [box_polygon(2, 3, 10, 8), box_polygon(20, 5, 9, 12)]
    annotations = [
        {"image_id": 1, "category_id": 5, "segmentation": polygons[0], "iscrowd": 0},
        {"image_id": 1, "category_id": 5, "segmentation": polygons[1], "iscrowd": 0},
        {"image_id": 1, "category_id": 5, "segmentation": uncompressed(crowd), "iscrowd": 1},
        {"image_id": 1, "category_id": 7, "segmentation": box_polygon(0, 0, 5, 5), "iscrowd": 0},
        {"image_id": 2, "category_id": 7, "segmentation": runs_of(crowd), "iscrowd": 0},
        {"image_id": 3, "category_id": 7, "segmentation": uncompressed(crowd), "iscrowd": 1},
    ]
    content = {
        "images": [
            {"id": n, "file_name": f"{n:012d}.png", "height": HEIGHT, "width": WIDTH} for n in (1, 2, 3)
        ],
        "annotations": [{"id": i, "area": 1.0, "bbox": [0, 0, 1, 1], **a} for i, a in enumerate(annotations)],
        "categories": [{"id": 5, "name": "dining table"}, {"id": 7, "name": "cat"}],
    }
    path = tmp_path / "instances.json"
    path.write_text(json.dumps(content))
    return f"coco:{images}:{path}"


def test_there_is_a_sample_per_image_and_category(spec: str) -> None:
    dataset = open_dataset(spec)
    assert [sample.id for sample in dataset.samples] == [
        "cat_000000000001",
        "cat_000000000002",
        "dining table_000000000001",
    ]
    assert dataset.by_id("cat_000000000002").image().shape == (HEIGHT, WIDTH, 3)
    assert dataset.name == "coco-instances"
    assert dataset.spec == spec


def test_instances_are_merged_as_pycocotools_draws_them(spec: str) -> None:
    sample = open_dataset(spec).by_id("dining table_000000000001")
    coco = COCO(spec.rsplit(":", 1)[1])
    expected = np.zeros((HEIGHT, WIDTH), bool)
    for annotation in coco.loadAnns(coco.getAnnIds(imgIds=1, catIds=5, iscrowd=False)):
        expected |= coco.annToMask(annotation).astype(bool)
    np.testing.assert_array_equal(sample.true_mask(), expected)
    assert expected.sum() > 100


def test_crowds_are_ignored_but_not_the_instances_in_them(spec: str, crowd: np.ndarray) -> None:
    dataset = open_dataset(spec)
    sample = dataset.by_id("dining table_000000000001")
    ignored = sample.ignored()
    assert ignored is not None
    np.testing.assert_array_equal(ignored, crowd & ~sample.true_mask())
    assert dataset.by_id("cat_000000000001").ignored() is None
    everything = np.full((HEIGHT, WIDTH), 100, np.uint8)
    counts = counts_of(everything, sample.true_mask(), ignored)
    assert counts.pixels.tolist() == [HEIGHT * WIDTH - ignored.sum()]
    assert counts.fp[0] == (~sample.true_mask() & ~ignored).sum()


def changed(spec: str, change: Callable[[dict[str, Any]], None]) -> str:
    """The spec's annotation file, rewritten."""
    path = Path(spec.rpartition(":")[2])
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))
    return spec


def test_crowds_alone_are_no_sample_and_are_counted(spec: str) -> None:
    assert "1 images have nothing but crowds of a category, and no sample of it" in open_dataset(spec).notes
    assert problems_of(spec) == []  # COCO has such images: nothing is wrong with them


def test_the_same_picture_under_two_names_and_numbers_is_one_source(spec: str) -> None:
    first, second = sorted(Path(spec.split(":")[1]).glob("*.png"))[:2]
    assert len(set(open_dataset(spec).sources.values())) == 2
    second.write_bytes(first.read_bytes())
    assert set(open_dataset(spec).sources.values()) == {"1"}


def test_a_picture_under_two_numbers_is_one_source_and_is_named(spec: str) -> None:
    def change(content: dict[str, Any]) -> None:
        content["images"][1]["file_name"] = content["images"][0]["file_name"]

    dataset = open_dataset(changed(spec, change))
    assert set(dataset.sources.values()) == {"1"}
    assert any("1 pictures stand under several numbers: 000000000001.png" in note for note in dataset.notes)


def test_a_bare_polygon_and_counts_with_a_point_are_what_they_mean(spec: str, crowd: np.ndarray) -> None:
    expected = [sample.true_mask() for sample in open_dataset(spec).samples]

    def change(content: dict[str, Any]) -> None:
        for annotation in content["annotations"]:
            found = annotation["segmentation"]
            if isinstance(found, list):
                annotation["segmentation"] = found[0]
            elif isinstance(found["counts"], list):
                found["counts"] = [float(count) for count in found["counts"]]

    dataset = open_dataset(changed(spec, change))
    for sample, mask in zip(dataset.samples, expected, strict=True):
        np.testing.assert_array_equal(sample.true_mask(), mask)
    ignored = dataset.by_id("dining table_000000000001").ignored()
    assert ignored is not None
    assert ignored.any()


@pytest.mark.parametrize("corners", [[1, 10.6, 39, 10.6, 39, 10.9, 1, 10.9], [3, 3, 3.2, 3, 3, 3.2]])
def test_slivers_between_pixels_are_counted_as_empty(spec: str, corners: list[float]) -> None:
    def change(content: dict[str, Any]) -> None:
        content["annotations"][4]["segmentation"] = [corners]

    dataset = open_dataset(changed(spec, change))
    oracle = COCO(spec.rpartition(":")[2])
    drawn = oracle.annToMask(oracle.loadAnns([4])[0])
    assert (not drawn.any()) == ("cat_000000000002" in dataset.empty)


@given(st.lists(st.tuples(st.floats(0, 40), st.floats(0, 30)), min_size=3, max_size=8))
def test_what_counts_as_large_covers_a_pixel(corners: list[tuple[float, float]]) -> None:
    ring = [each for corner in corners for each in corner]
    if not is_small([ring], CocoImage("1", Path("a"), "a", HEIGHT, WIDTH)):
        assert rle.decode(rle.merge(rle.frPyObjects([ring], HEIGHT, WIDTH))).any()


def test_pictures_that_are_not_there_are_counted_and_the_way_is_said(spec: str) -> None:
    images = Path(spec.split(":")[1])
    (images / "000000000002.png").unlink()
    with pytest.raises(
        DatasetError, match=r"1 of 2 pictures are not in .*: 000000000002\.png; .*--skip-missing"
    ):
        _ = open_dataset(spec).pictures
    assert len(open_dataset(f"{spec}?skip-missing=yes").pictures) == 64


def test_run_lengths_are_read(spec: str, crowd: np.ndarray) -> None:
    np.testing.assert_array_equal(open_dataset(spec).by_id("cat_000000000002").true_mask(), crowd)


def test_samples_travel_to_other_processes(spec: str) -> None:
    sample = open_dataset(spec).samples[-1]
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(sample)).true_mask(), sample.true_mask())


def test_the_truth_digest_follows_the_annotations(spec: str) -> None:
    before = open_dataset(spec).truth
    path = Path(spec.rsplit(":", 1)[1])
    path.write_text(path.read_text().replace("dining table", "desk"))
    assert open_dataset(spec).truth != before


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "{}",
        '{"images": 1, "annotations": [{"segmentation": [1]}], "categories": []}',
        '{"images": [], "annotations": [], "categories": []}',
        '{"images": [{"id": 1, "file_name": "../x.png", "height": 1, "width": 1}], "annotations": [], '
        '"categories": []}',
    ],
)
def test_other_files_are_explained(spec: str, content: str) -> None:
    Path(spec.rsplit(":", 1)[1]).write_text(content)
    with pytest.raises(DatasetError):
        open_dataset(spec)


@pytest.mark.parametrize("wrong", ["coco:", "coco:/nowhere", "coco:/nowhere:/nothing.json"])
def test_bad_specs_are_explained(wrong: str) -> None:
    with pytest.raises(DatasetError, match="coco:IMAGES"):
        open_dataset(wrong)


def test_missing_annotations_are_explained(spec: str) -> None:
    with pytest.raises(DatasetError, match="no annotations"):
        open_dataset(f"{spec}x")


def test_an_outline_that_is_drawn_twice_covers_nothing_and_is_counted(spec: str) -> None:
    """pycocotools fills between the two, which is nothing."""
    ring = [2, 2, 30, 2, 30, 20, 2, 20]

    def change(content: dict[str, Any]) -> None:
        for annotation, twice in zip(
            content["annotations"][3:5], (ring + ring, [*ring, 2, 2] * 2), strict=True
        ):
            annotation |= {"segmentation": [twice]}
            assert rle.decode(rle.frPyObjects([twice], HEIGHT, WIDTH)).sum() == 0

    dataset = open_dataset(changed(spec, change))
    assert dataset.empty == {"cat_000000000001", "cat_000000000002"}
