"""Pictures without labels and masks: what is looked for is said, where it is nobody knows."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cliploc.core.datasets import Dataset, open_dataset, problems_of
from cliploc.core.datasets.spec import Options, lasting, parsed, written
from cliploc.core.datasets.statistics import statistics
from cliploc.core.errors import DatasetError


@pytest.fixture
def photographs(tmp_path: Path) -> Path:
    folder = tmp_path / "photographs"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for name in ("street.jpg", "garden.png", "UPPER.PNG"):
        Image.fromarray(rng.integers(0, 256, (30, 40, 3), dtype=np.uint8)).save(folder / name)
    (folder / "notes.txt").write_text("not a picture")
    return folder


def ids(dataset: Dataset) -> list[str]:
    return [sample.id for sample in dataset.samples]


def test_a_picture_is_a_dataset_of_one(photographs: Path) -> None:
    dataset = open_dataset(f"{photographs / 'street.jpg'}?prompt=a red car")
    assert dataset.name == "street.jpg"
    assert [(sample.id, sample.label) for sample in dataset.samples] == [("street", "a red car")]
    assert dataset.samples[0].image().shape == (30, 40, 3)


def test_a_folder_is_its_pictures_with_each_prompt(photographs: Path) -> None:
    dataset = open_dataset(f"{photographs}?prompt=a tree ; a cat;;a tree")
    assert dataset.labels == ("a cat", "a tree")
    assert ids(dataset) == [
        "a tree_UPPER", "a tree_garden", "a tree_street", "a cat_UPPER", "a cat_garden", "a cat_street",
    ]  # fmt: skip
    assert len(set(dataset.sources.values())) == 3


def test_alike_names_get_their_endings(photographs: Path) -> None:
    Image.new("RGB", (8, 8)).save(photographs / "street.png")
    assert ids(open_dataset(str(photographs))) == ["UPPER", "garden", "street.jpg", "street.png"]


def test_without_a_prompt_it_is_said_what_is_looked_for(photographs: Path) -> None:
    dataset = open_dataset(str(photographs))
    assert dataset.labels == ("object",)
    assert "--prompt" in dataset.notes[0]
    assert open_dataset(f"{photographs}?prompt=cat").notes == ()


def test_no_sample_has_a_true_mask(photographs: Path) -> None:
    dataset = open_dataset(str(photographs))
    assert dataset.without_truth == {"UPPER", "garden", "street"}
    assert dataset.empty == dataset.left_out == frozenset()
    with pytest.raises(DatasetError, match="nobody has marked where 'object' is"):
        dataset.samples[0].true_mask()
    with pytest.raises(DatasetError, match=r"photographs has no true masks.*cliploc look"):
        _ = dataset.scorable


def test_the_pictures_key_heatmaps_and_the_prompts_too(photographs: Path) -> None:
    digest = open_dataset(f"{photographs}?prompt=cat").pictures
    assert open_dataset(f"{photographs}?prompt=cat").pictures == digest
    assert open_dataset(f"{photographs}?prompt=dog").pictures != digest
    Image.new("RGB", (8, 8)).save(photographs / "garden.png")
    assert open_dataset(f"{photographs}?prompt=cat").pictures != digest


@pytest.mark.parametrize("prompt", ["is it 100% & more?", "a=b", "a?b=c&d=e", "Zoë's Hund", "%41"])
def test_any_words_survive_in_a_spec(photographs: Path, prompt: str) -> None:
    spec = written(str(photographs), Options(prompt=prompt))
    assert parsed(spec) == (str(photographs), Options(prompt=prompt))
    assert parsed(lasting(spec)) == (str(photographs.resolve()), Options(prompt=prompt))
    assert open_dataset(spec).labels == (prompt,)


def test_a_phones_picture_is_shown_upright(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    path = tmp_path / "phone.png"
    Image.new("RGB", (40, 30)).save(path, exif=exif)
    assert open_dataset(str(path)).samples[0].image().shape == (40, 30, 3)
    assert open_dataset(f"{path}?orientation=stored").samples[0].image().shape == (30, 40, 3)


def test_a_file_that_is_no_picture_is_said(photographs: Path) -> None:
    (photographs / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nnothing")
    dataset = open_dataset(str(photographs))
    assert any("1 of 4 pictures cannot be read: broken.png" in note for note in dataset.notes)
    assert len(problems_of(str(photographs))) == 1
    with pytest.raises(DatasetError, match="broken"):
        dataset.by_id("broken").image()


def test_options_of_masks_do_not_fit(photographs: Path) -> None:
    with pytest.raises(DatasetError, match="pictures alone"):
        open_dataset(f"{photographs}?mask-value=1")


def test_prompts_are_for_pictures_without_labels(make_folder: Callable[..., Path]) -> None:
    with pytest.raises(DatasetError, match=r"table\.csv has its own"):
        open_dataset(f"{make_folder()}?prompt=cat")


def test_statistics_are_of_what_is_known(photographs: Path) -> None:
    found = statistics(open_dataset(str(photographs)))
    assert (found.samples, found.images, found.without_truth, found.empty) == (3, 3, 3, 0)
    assert found.mask_area == {}
