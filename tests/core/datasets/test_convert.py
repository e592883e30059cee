"""`dataset convert`: whatever layout it came from and goes to, nothing of it is lost."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pycocotools.coco import COCO

from cliploc.core.datasets import Dataset, open_dataset, problems_of
from cliploc.core.datasets.convert import convert, opened_as
from cliploc.core.errors import ClipLocError
from tests.core.datasets.layouts import FIRST, LAYOUT, grey, photograph, text, where

WRITABLE = ("table", "coco", "voc")


def told(dataset: Dataset) -> Counter[tuple[object, ...]]:
    """What a conversion must not lose, without the code that looks after it."""
    found: Counter[tuple[object, ...]] = Counter()
    for sample in dataset.samples:
        ignored = sample.ignored()
        mask = sample.true_mask()
        void = np.zeros_like(mask) if ignored is None else ignored
        arrays = [mask.tolist(), void.tolist(), sample.image().tolist()]
        found[(sample.label, dataset.sources[sample.id], json.dumps(arrays))] += 1
    return found


@pytest.mark.parametrize("to", WRITABLE)
@pytest.mark.parametrize("name", LAYOUT)
def test_every_layout_becomes_every_writable_one(name: str, to: str, tmp_path: Path) -> None:
    LAYOUT[name][1](tmp_path / "made")
    dataset = open_dataset(str(tmp_path / "made"))
    assert convert(dataset, tmp_path / "out", to) == len(dataset.samples)
    spec = opened_as(tmp_path / "out", to)
    assert told(open_dataset(spec)) == told(dataset)
    assert problems_of(spec) == []


@pytest.mark.parametrize("way", [(a, b, c) for a in WRITABLE for b in WRITABLE for c in WRITABLE])
def test_there_and_back_loses_nothing(way: tuple[str, ...], tmp_path: Path) -> None:
    tangled(tmp_path / "made")
    first = open_dataset(str(tmp_path / "made"))
    found = first
    for number, to in enumerate(way):
        convert(found, tmp_path / f"out{number}", to)
        found = open_dataset(opened_as(tmp_path / f"out{number}", to))
    assert told(found) == told(first)


def tangled(root: Path) -> None:
    """Masks that overlap, a label twice in a picture, one picture under two sources, names that clash."""
    for folder, name in (("x", "a"), ("y", "a"), ("x", "b")):
        photograph(root / f"real/{folder}/{name}.png", len(folder + name))
    photograph(root / "real/x/b.png", 7)
    palette = [0, 0, 0, 128, 0, 0] + [0] * 759 + [224, 224, 192]
    for name, mask, void in (
        ("cat", where(FIRST, 1), where(FIRST, 9)),
        ("dog", where(FIRST, 1) | where(FIRST, 2), where(FIRST, 9)),
        ("other", where(FIRST, 2), where(FIRST, 0)),
        ("plain", where(FIRST, 9), where(FIRST, 8)),
    ):
        image = Image.fromarray((mask + np.uint8(255) * void).astype(np.uint8), mode="P")
        image.putpalette(palette)
        (root / "mask").mkdir(exist_ok=True)
        image.save(root / f"mask/{name}.png")
    text(
        root / "table.csv",
        "real,mask,prompt,source\n"
        "real/x/a.png,mask/cat.png,cat,1\n"
        "real/x/a.png,mask/dog.png,dog,1\n"
        "real/x/a.png,mask/other.png,cat,1\n"
        "real/x/a.png,mask/plain.png,\"a 'red', car\",another\n"
        "real/y/a.png,mask/other.png,cat,the second\n"
        "real/x/b.png,mask/plain.png,7 up,1\n",
    )


def test_an_empty_true_mask_survives_where_the_layout_can_say_it(make_folder: Callable[..., Path]) -> None:
    root = make_folder()
    grey(root / "mask/cat_1_mask.png", np.zeros((48, 64), np.uint8))
    dataset = open_dataset(str(root))
    for to in ("table", "coco"):
        convert(dataset, root.parent / to, to)
        assert told(open_dataset(opened_as(root.parent / to, to))) == told(dataset)
    with pytest.raises(ClipLocError, match="cat_1 has an empty true mask, which VOC cannot say"):
        convert(dataset, root.parent / "voc", "voc")
    assert sorted(path.name for path in root.parent.glob("*voc*")) == []


def test_pictures_keep_their_bytes_unless_a_tag_turns_them(tmp_path: Path) -> None:
    photograph(tmp_path / "made/images/a.jpg")
    turned = Image.open(photograph(tmp_path / "made/images/b.jpg", 1, (6, 8)))
    exif = Image.Exif()
    exif[274] = 6
    turned.save(tmp_path / "made/images/b.jpg", exif=exif, quality=95)
    for name in "ab":
        grey(tmp_path / f"made/masks/{name}.png", where(FIRST, 1))
    dataset = open_dataset(str(tmp_path / "made"))
    convert(dataset, tmp_path / "out", "table")
    kept = (tmp_path / "out/real/a.jpg").read_bytes()
    assert kept == (tmp_path / "made/images/a.jpg").read_bytes()
    assert (tmp_path / "out/real/b.png").exists()


def test_others_read_what_is_written(tmp_path: Path, make_folder: Callable[..., Path]) -> None:
    dataset = open_dataset(str(make_folder()))
    convert(dataset, tmp_path / "out", "coco")
    theirs = COCO(str(tmp_path / "out/annotations.json"))
    masks = [theirs.annToMask(each).sum() for each in theirs.loadAnns(theirs.getAnnIds())]
    assert sorted(masks) == sorted(sample.true_mask().sum() for sample in dataset.samples)


def test_the_palette_is_the_development_kits(tmp_path: Path, make_folder: Callable[..., Path]) -> None:
    convert(open_dataset(str(make_folder())), tmp_path / "out", "voc")
    with Image.open(next((tmp_path / "out/SegmentationClass").iterdir())) as image:
        flat = image.getpalette() or []
    colours = [tuple(flat[3 * index : 3 * index + 3]) for index in (0, 1, 2, 3, 15, 20, 255)]
    assert colours == [
        (0, 0, 0), (128, 0, 0), (0, 128, 0), (128, 128, 0), (192, 128, 128), (0, 64, 128), (224, 224, 192),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("prepare", "to", "said"),
    [
        (lambda out: out.mkdir(), "table", "is there already"),
        (lambda out: None, "yolo", "to: found 'yolo', expected table, coco, voc"),
    ],
)
def test_what_cannot_be_written_is_told(
    prepare: Callable[[Path], object], to: str, said: str, tmp_path: Path, make_folder: Callable[..., Path]
) -> None:
    prepare(tmp_path / "out")
    with pytest.raises(ClipLocError, match=said):
        convert(open_dataset(str(make_folder())), tmp_path / "out", to)


def test_pictures_alone_have_nothing_to_write(tmp_path: Path) -> None:
    photograph(tmp_path / "made/a.png")
    with pytest.raises(ClipLocError, match="has no true masks to write"):
        convert(open_dataset(str(tmp_path / "made")), tmp_path / "out", "coco")


def test_labels_that_mean_nothing_in_voc_are_refused(
    tmp_path: Path, make_folder: Callable[..., Path]
) -> None:
    dataset = open_dataset(str(make_folder({"background": 1, "cat": 1})))
    with pytest.raises(ClipLocError, match="VOC's labels cannot be called background"):
        convert(dataset, tmp_path / "out", "voc")
