"""Tiny datasets in other programs' layouts, and by hand what is true of them.

Every file is written by Pillow, json or plain text; nothing of ours is asked.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow
import pyarrow.parquet
from PIL import Image
from pycocotools import mask as rle

HEIGHT, WIDTH = 6, 8

# Maps of numbers as one sees them; 9 stands for a pixel that does not count.
FIRST = """
    11100000
    11100000
    11100222
    00000222
    99900222
    00000000
"""
SECOND = """
    00000000
    02222000
    02222000
    00000000
    00000099
    00000099
"""


def drawn(picture: str) -> np.ndarray:
    """The digits of a drawing as (H, W) uint8."""
    return np.array([[int(digit) for digit in line] for line in picture.split()], np.uint8)


def where(picture: str, digit: int) -> np.ndarray:
    """Where a drawing holds a digit, (H, W) bool."""
    return drawn(picture) == digit


def photograph(path: Path, seed: int = 0, size: tuple[int, int] = (WIDTH, HEIGHT)) -> Path:
    """A picture of noise. size: width, height."""
    pixels = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)
    return path


def grey(path: Path, values: np.ndarray) -> Path:
    """A grey picture of these values (H, W)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(values.astype(np.uint8)).save(path)
    return path


def coloured(path: Path, numbers: np.ndarray) -> Path:
    """A picture whose colours hold numbers: R + 256 G + 65536 B."""
    planes = [numbers.astype(np.int64) >> shift & 255 for shift in (0, 8, 16)]
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.stack(planes, axis=-1).astype(np.uint8)).save(path)
    return path


def indexed(path: Path, values: np.ndarray, palette: Sequence[int]) -> Path:
    """A picture with a palette, of these indices (H, W)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(values.astype(np.uint8), mode="P")
    image.putpalette(list(palette))
    image.save(path)
    return path


def text(path: Path, content: str) -> Path:
    """A text file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8")
    return path


def void_as(number: int, picture: str, **numbers: int) -> np.ndarray:
    """A drawing's values with 9 written as `number`; numbers: others to be changed, as _1=7."""
    found = drawn(picture).astype(np.int64)
    changed = found.copy()
    changed[found == 9] = number
    for name, value in numbers.items():
        changed[found == int(name[1:])] = value
    return changed


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


def images_of(*names: str) -> list[dict[str, object]]:
    return [
        {"id": number, "file_name": name, "height": HEIGHT, "width": WIDTH}
        for number, name in enumerate(names, 1)
    ]


CATEGORIES = [{"id": 17, "name": "cat"}, {"id": 18, "name": "dog"}]


def annotated(image: int, category: int, mask: np.ndarray, crowd: int = 0) -> dict[str, object]:
    """An annotation by run lengths, encoded by pycocotools."""
    runs = rle.encode(np.asfortranarray(mask, np.uint8))
    segmentation = {"size": runs["size"], "counts": runs["counts"].decode()}
    number = 100 * image + 10 * crowd + category
    return {"id": number, "image_id": image, "category_id": category, "segmentation": segmentation,
            "iscrowd": crowd}  # fmt: skip


def coco(root: Path) -> Truth:
    for number, name in enumerate(("a", "b")):
        photograph(root / f"val2017/{name}.jpg", number)
    content = {
        "images": images_of("a.jpg", "b.jpg"),
        "annotations": [
            annotated(1, 17, CAT), annotated(1, 17, VOID, crowd=1), annotated(1, 18, DOG),
            annotated(2, 18, OTHER_DOG),
        ],
        "categories": CATEGORIES,
    }  # fmt: skip
    text(root / "annotations/instances_val2017.json", json.dumps(content))
    text(root / "annotations/captions_val2017.json", json.dumps(content))
    return {
        "cat_a": ("cat", CAT, VOID), "dog_a": ("dog", DOG, None), "dog_b": ("dog", OTHER_DOG, None),
    }  # fmt: skip


def stuff(root: Path) -> Truth:
    truth = coco(root)
    (root / "annotations/instances_val2017.json").rename(root / "annotations/stuff_val2017.json")
    return truth


def lvis(root: Path) -> Truth:
    for number, name in enumerate(("train2017/a.jpg", "val2017/b.jpg")):
        photograph(root / name, number)
    images = [
        {"id": number, "coco_url": f"http://images.example/{name}", "height": HEIGHT, "width": WIDTH,
         "neg_category_ids": [], "not_exhaustive_category_ids": []}
        for number, name in enumerate(("train2017/a.jpg", "val2017/b.jpg"), 1)
    ]  # fmt: skip
    content = {
        "annotations": [annotated(1, 17, CAT), annotated(2, 18, OTHER_DOG)],
        "images": images,
        "categories": [{**each, "frequency": "r"} for each in CATEGORIES],
    }
    text(root / "annotations/lvis_v1_val.json", json.dumps(content))
    return {"cat_a": ("cat", CAT, None), "dog_b": ("dog", OTHER_DOG, None)}


def panoptic(root: Path) -> Truth:
    for number, name in enumerate(("a", "b")):
        photograph(root / f"val2017/{name}.jpg", number)
    # Two cats, of which one is segment 5 and one 70,000; a dog in the first picture is a crowd.
    first = void_as(0, FIRST, _1=5, _2=1234567)
    first[0, 0] = 70_000
    first[drawn(FIRST) == 0] = 77
    coloured(root / "annotations/panoptic_val2017/a.png", first)
    coloured(root / "annotations/panoptic_val2017/b.png", void_as(0, SECOND, _2=3))
    segments = [
        [(5, 17, 0), (70_000, 17, 0), (1234567, 18, 1), (77, 200, 0)],
        [(3, 18, 0)],
    ]
    content = {
        "images": images_of("a.jpg", "b.jpg"),
        "annotations": [
            {
                "image_id": number,
                "file_name": name,
                "segments_info": [
                    {"id": id_, "category_id": category, "iscrowd": crowd} for id_, category, crowd in found
                ],
            }
            for number, (name, found) in enumerate(zip(("a.png", "b.png"), segments, strict=True), 1)
        ],
        "categories": [*CATEGORIES, {"id": 200, "name": "grass", "isthing": 0}],
    }
    text(root / "annotations/panoptic_val2017.json", json.dumps(content))
    return {
        "cat_a": ("cat", CAT, VOID),
        "grass_a": ("grass", where(FIRST, 0), VOID),
        "dog_b": ("dog", OTHER_DOG, ~OTHER_DOG),
    }


def cityscapes(root: Path) -> Truth:
    for number, (city, frame) in enumerate((("ulm", "a"), ("bonn", "b"))):
        photograph(root / f"leftImg8bit/val/{city}/{frame}_leftImg8bit.png", number)
    # A car, a bus, and what is not evaluated: the caravan, and everything unlabelled.
    grey(root / "gtFine/val/ulm/a_gtFine_labelIds.png", void_as(29, FIRST, _1=26, _2=28))
    grey(root / "gtFine/val/bonn/b_gtFine_labelIds.png", void_as(255, SECOND, _2=28))
    grey(root / "gtFine/val/bonn/b_gtFine_instanceIds.png", drawn(SECOND))
    return {
        "car_a_leftImg8bit": ("car", CAT, VOID | where(FIRST, 0)),
        "bus_a_leftImg8bit": ("bus", DOG, VOID | where(FIRST, 0)),
        "bus_b_leftImg8bit": ("bus", OTHER_DOG, ~OTHER_DOG),
    }


def ade20k(root: Path) -> Truth:
    for number, name in enumerate(("training/a", "validation/b")):
        photograph(root / f"images/{name}.jpg", number)
    grey(root / "annotations/training/a.png", void_as(0, FIRST, _0=3))
    grey(root / "annotations/validation/b.png", void_as(0, SECOND, _0=3))
    text(
        root / "objectInfo150.txt",
        "Idx\tRatio\tTrain\tVal\tStuff\tName\n1\t.2\t9\t9\t0\tcat, true cat\n"
        "2\t.1\t9\t9\t0\tdog\n3\t.1\t9\t9\t1\tsky\n",
    )
    return {
        "cat_a": ("cat", CAT, VOID), "dog_a": ("dog", DOG, VOID), "sky_a": ("sky", where(FIRST, 0), VOID),
        "dog_b": ("dog", OTHER_DOG, OTHER_VOID), "sky_b": ("sky", where(SECOND, 0), OTHER_VOID),
    }  # fmt: skip


def labelled(root: Path) -> Truth:
    """Sixteen bits and a palette whose colours mean nothing, with names that no list of ours has."""
    photograph(root / "images/a.png", 0)
    photograph(root / "images/b.png", 1)
    Image.fromarray(void_as(7, FIRST, _1=3000).astype(np.uint16)).save(folder(root / "labels") / "a_seg.png")
    indexed(root / "labels/b_seg.png", void_as(7, SECOND), [200, 10, 10, 0, 0, 0] * 128)
    text(root / "labels.txt", "0 background\n3000 red cat\n2: dog\n7,void\n")
    return {
        "red cat_a": ("red cat", CAT, VOID), "dog_a": ("dog", DOG, VOID),
        "dog_b": ("dog", OTHER_DOG, OTHER_VOID),
    }  # fmt: skip


def imagenet_s(root: Path) -> Truth:
    photograph(root / "validation/n001/a.JPEG", 0)
    photograph(root / "validation/n002/b.JPEG", 1)
    coloured(root / "validation-segmentation/n001/a.png", void_as(1000, FIRST))
    coloured(root / "validation-segmentation/n002/b.png", void_as(1000, SECOND))
    text(root / "LOC_synset_mapping.txt", "n001 cat, true cat\nn002 dog\n")
    return {
        "cat_a": ("cat", CAT, VOID), "dog_a": ("dog", DOG, VOID), "dog_b": ("dog", OTHER_DOG, OTHER_VOID),
    }  # fmt: skip


def yolo(root: Path) -> Truth:
    for number, name in enumerate(("train/a", "val/b")):
        photograph(root / f"images/{name}.jpg", number)
    # Boxes as polygons, in parts of 8 columns and 6 rows; a third of a cat is a second cat.
    cats = f"0 0 0 .25 0 .25 .5 0 .5\n0 .25 0 .375 0 .375 {1 / 2} .25 .5"
    text(root / "labels/train/a.txt", f"{cats}\n1 .625 {2 / 6} 1 {2 / 6} 1 {5 / 6} .625 {5 / 6}\n\n")
    text(root / "labels/val/b.txt", f"1 .125 {1 / 6} .625 {1 / 6} .625 .5 .125 .5\n")
    photograph(root / "images/train/nothing.jpg", 3)
    text(root / "data.yaml", "path: .\ntrain: images/train\nnames:\n  0: cat\n  1: dog\n")
    return {"cat_a": ("cat", CAT, None), "dog_a": ("dog", DOG, None), "dog_b": ("dog", OTHER_DOG, None)}


def parquet(root: Path) -> Truth:
    rows = [("a.jpg", CAT * 255, 0), ("b.jpg", OTHER_DOG * 255, 1)]
    content: dict[str, list[object]] = {"image": [], "mask": [], "label": []}
    for number, (name, mask, label) in enumerate(rows):
        picture = photograph(root.parent / f"loose/{name}", number)
        content["image"].append({"bytes": picture.read_bytes(), "path": f"there/{name}"})
        content["mask"].append(
            {"bytes": grey(root.parent / "loose/mask.png", mask).read_bytes(), "path": None}
        )
        content["label"].append(label)
    features = {"info": {"features": {"label": {"names": ["cat", "dog"], "_type": "ClassLabel"}}}}
    table = pyarrow.table(content).replace_schema_metadata({"huggingface": json.dumps(features)})
    pyarrow.parquet.write_table(table, folder(root / "data") / "train-00000-of-00001.parquet")
    return {"a": ("cat", CAT, None), "b": ("dog", OTHER_DOG, None)}


def folder(path: Path) -> Path:
    path.mkdir(parents=True, exist_ok=True)
    return path


LAYOUT: dict[str, tuple[str, Callable[[Path], Truth]]] = {
    "voc": ("voc", voc),
    "cityscapes": ("cityscapes", cityscapes),
    "ade20k": ("indexed", ade20k),
    "labelled": ("indexed", labelled),
    "imagenet-s": ("imagenet-s", imagenet_s),
    "yolo": ("yolo", yolo),
    "coco": ("coco", coco),
    "stuff": ("coco", stuff),
    "lvis": ("coco", lvis),
    "panoptic": ("panoptic", panoptic),
    "parquet": ("parquet", parquet),
    "pairs": ("pairs", pairs),
    "class folders": ("pairs", class_folders),
}


def cub(root: Path) -> None:
    for number, name in enumerate(("001.Black_footed_Albatross/a.jpg", "002.Crow/b.jpg"), 1):
        photograph(root / "images" / name, number)
    text(root / "images.txt", "1 001.Black_footed_Albatross/a.jpg\n2 002.Crow/b.jpg\n")
    text(root / "image_class_labels.txt", "1 1\n2 2\n")
    text(root / "classes.txt", "1 001.Black_footed_Albatross\n2 002.Crow\n")
    text(root / "bounding_boxes.txt", "1 1.0 2.0 3.0 4.0\n2 0.0 0.0 8.0 6.0\n")
    text(root / "train_test_split.txt", "1 1\n2 0\n")


def box_lists(root: Path) -> None:
    photograph(root / "val/a.jpg", 0)
    photograph(root / "val/b.jpg", 1)
    text(root / "classes.txt", "0 cat\n1 dog\n")
    text(root / "class_labels.txt", "val/a.jpg,0\nval/b.jpg,1\n")
    text(root / "localization.txt", "val/a.jpg,0,0,2,2\nval/a.jpg,5,2,7,4\nval/b.jpg,1,1,4,2\n")
    text(root / "image_ids.txt", "val/a.jpg\nval/b.jpg\n")
