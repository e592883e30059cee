"""An annotation file that was read once is the same dataset ever after, and never a stale one."""

from __future__ import annotations

import json
import pickle
from array import array
from pathlib import Path

import numpy as np
import pytest

from cliploc.core import paths
from cliploc.core.datasets import Dataset, coco_columns, coco_index, open_dataset
from cliploc.core.errors import DatasetError
from tests.conftest import write_picture

SIDE = 40


@pytest.fixture(autouse=True)
def settled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files that were written just now are taken for old ones."""
    monkeypatch.setattr("cliploc.core.datasets.files.SETTLED_SECONDS", -60.0)


@pytest.fixture
def spec(tmp_path: Path) -> str:
    images = tmp_path / "images"
    for number in (1, 2, 3):
        write_picture(images / f"{number}.png", np.full((SIDE, SIDE, 3), 10 * number, np.uint8))
    write_annotations(tmp_path / "instances.json", 8)
    return f"coco:{images}:{tmp_path / 'instances.json'}"


def write_annotations(path: Path, side: int) -> None:
    """Two categories; a crowd beside an instance; one outline that covers no pixel."""
    shapes = [
        (1, 1, box(2, side), 0),
        (1, 1, box(15, side), 1),
        (2, 1, box(5, side), 0),
        (2, 2, box(5, 12), 0),
    ]
    shapes.append((3, 2, [[0, 0, 0.1, 0, 0, 0.1]], 0))
    content = {
        "images": [{"id": n, "file_name": f"{n}.png", "height": SIDE, "width": SIDE} for n in (1, 2, 3)],
        "categories": [{"id": 1, "name": "cat"}, {"id": 2, "name": "Hund\n"}],
        "annotations": [
            {"id": n, "image_id": image, "category_id": category, "segmentation": shape, "iscrowd": crowd}
            for n, (image, category, shape, crowd) in enumerate(shapes)
        ],
    }
    path.write_text(json.dumps(content))


def box(at: int, side: int) -> list[list[int]]:
    return [[at, at, at + side, at, at + side, at + side, at, at + side]]


def all_of(dataset: Dataset) -> list[object]:
    """Everything that a dataset says."""
    masks = [
        (
            sample.id,
            sample.label,
            sample.source,
            sample.true_mask().tolist(),
            None if (ignored := sample.ignored()) is None else ignored.tolist(),
        )
        for sample in dataset.samples
    ]
    return [masks, dataset.truth, dataset.pictures, dataset.empty, dataset.left_out, dataset.notes]


def only_index() -> Path:
    (found,) = (paths.cache_dir() / "coco").glob("*.index")
    return found


def test_the_second_time_nothing_is_read_and_everything_is_the_same(
    spec: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr("cliploc.core.datasets.files.state_of", lambda _: None)
        plain = all_of(open_dataset(spec))
    assert all_of(open_dataset(spec)) == plain
    monkeypatch.setattr(coco_index, "read_annotations", None)
    assert all_of(open_dataset(spec)) == plain
    travelled = pickle.loads(pickle.dumps(open_dataset(spec).samples))
    assert [each.true_mask().sum() for each in travelled] == [
        each.true_mask().sum() for each in open_dataset(spec).samples
    ]


def test_a_large_file_is_read_by_a_process_of_its_own_which_says_so(
    spec: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    plain = all_of(open_dataset(spec))
    only_index().unlink()
    monkeypatch.setattr(coco_index, "LARGE", 0)
    monkeypatch.setattr(coco_index, "read_annotations", None)
    assert all_of(open_dataset(spec)) == plain
    assert capfd.readouterr().err == "reading instances.json (0 MB), the first time only\n"
    only_index()


def test_what_that_process_refuses_is_said_in_the_same_words(
    spec: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    (tmp_path / "instances.json").rename(tmp_path / "été.json")
    spec = spec.replace("instances.json", "été.json")
    (tmp_path / "été.json").write_text('{"images": [}')
    with pytest.raises(DatasetError) as here:
        open_dataset(spec)
    monkeypatch.setattr(coco_index, "LARGE", 0)
    monkeypatch.setattr(coco_index, "read_annotations", None)
    with pytest.raises(DatasetError) as elsewhere:
        open_dataset(spec)
    assert str(elsewhere.value) == str(here.value)


def test_where_that_process_cannot_do_it_the_annotations_are_read_here(
    spec: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = all_of(open_dataset(spec))
    only_index().unlink()
    monkeypatch.setattr(coco_index, "LARGE", 0)
    for command in ("false", "/no/such/program"):
        monkeypatch.setattr("cliploc.core.child.module", lambda *_, command=command: (command,))
        assert all_of(open_dataset(spec)) == plain
        only_index().unlink()


def test_annotations_that_changed_are_read_again(spec: str, tmp_path: Path) -> None:
    before = open_dataset(spec).by_id("cat_1").true_mask().sum()
    write_annotations(tmp_path / "instances.json", 9)
    assert open_dataset(spec).by_id("cat_1").true_mask().sum() > before
    only_index()


@pytest.mark.parametrize("keep", [0, 10, -1, -30])
def test_an_index_that_is_not_whole_is_made_again(spec: str, keep: int) -> None:
    plain = all_of(open_dataset(spec))
    whole = only_index().read_bytes()
    only_index().write_bytes(whole[:keep])
    assert all_of(open_dataset(spec)) == plain
    assert only_index().read_bytes() == whole


def test_an_index_that_is_no_list_is_made_again(spec: str) -> None:
    plain = all_of(open_dataset(spec))
    only_index().write_bytes(b"[1, 2]" + b"%016d" % 6)
    assert all_of(open_dataset(spec)) == plain


@pytest.mark.parametrize("name", ["labels", "picture"])
def test_an_index_whose_columns_name_what_is_not_there_is_made_again(spec: str, name: str) -> None:
    plain = all_of(open_dataset(spec))
    whole, code = only_index().read_bytes(), array("i", [99])
    columns, _ = coco_columns.read(only_index(), Path())
    at = whole.rindex(columns.column[name].tobytes())
    only_index().write_bytes(whole[:at] + code.tobytes() + whole[at + code.itemsize :])
    assert all_of(open_dataset(spec)) == plain
    assert only_index().read_bytes() == whole


def test_without_its_index_an_open_dataset_says_what_to_do(spec: str) -> None:
    sample = open_dataset(spec).by_id("cat_1")
    only_index().unlink()
    with pytest.raises(DatasetError, match="open the dataset again"):
        sample.true_mask()


def test_without_a_place_for_an_index_everything_is_read(spec: str, tmp_path: Path) -> None:
    plain = all_of(open_dataset(spec))
    only_index().unlink()
    (paths.cache_dir() / "coco").rmdir()
    (paths.cache_dir() / "coco").write_text("in the way")
    assert all_of(open_dataset(spec)) == plain


def test_skipping_missing_pictures_names_the_rest_as_if_they_were_alone(spec: str, tmp_path: Path) -> None:
    open_dataset(spec)
    (tmp_path / "images/1.png").unlink()
    found = open_dataset(f"{spec}?skip-missing=yes")
    assert [sample.id for sample in found.samples] == ["Hund_2", "Hund_3", "cat_2"]


def test_lvis_pictures_are_looked_for_where_they_are_now(spec: str, tmp_path: Path) -> None:
    path = tmp_path / "instances.json"
    content = json.loads(path.read_text())
    for image in content["images"]:
        image["coco_url"] = f"http://there/train/{image.pop('file_name')}"
    path.write_text(json.dumps(content))
    assert len(open_dataset(spec).samples) == 4
    (tmp_path / "images/train").mkdir()
    for picture in (tmp_path / "images").glob("*.png"):
        picture.rename(tmp_path / "images/train" / picture.name)
    assert open_dataset(spec).by_id("cat_1").image().shape == (SIDE, SIDE, 3)


def test_numbers_that_no_mask_can_have_do_not_stop_the_reading(spec: str, tmp_path: Path) -> None:
    path = tmp_path / "instances.json"
    content = json.loads(path.read_text())
    content["annotations"][0]["segmentation"] = [[1, 2], [5], [0, 0, 10**400, 0, 0, 9]]
    path.write_text(json.dumps(content))
    with pytest.raises(DatasetError):
        open_dataset(spec).by_id("cat_1").true_mask()
