"""The layouts that can be written: CocoGlide's table, COCO's annotations, VOC's folders."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from io import StringIO
from itertools import chain, count, groupby
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from cliploc.core.datasets import Sample, label_files, voc
from cliploc.core.datasets.copies import Copies, Copy
from cliploc.core.datasets.segmentations import encoded
from cliploc.core.datasets.table import TABLE
from cliploc.core.errors import DatasetError, clean, few
from cliploc.core.paths import make_folder

if TYPE_CHECKING:
    from cliploc.core.datasets.sample import Mask

Numbers = npt.NDArray[np.uint8]

VOID = 255
_BITS = 8  # of an index, which VOC's palette spreads over the colours
ANNOTATIONS, IMAGES = "annotations.json", "images"


def _write_table(copies: Copies) -> None:
    """CocoGlide's table: 0 and 255, or a palette whose 255 is void where anything is ignored."""
    lines = StringIO()
    table = csv.writer(lines, lineterminator="\n")
    table.writerow(["real", "mask", "prompt", "source"])
    make_folder(copies.root / "mask")
    void = any(_has_ignored(sample) for sample in copies.samples)
    for copy in copies.each("real"):
        name = f"mask/{copy.sample.id}.png"
        if void:
            _save_map(copies.root / name, _with_void(copy.mask.astype(np.uint8), copy.ignored))
        else:
            Image.fromarray(copy.mask.astype(np.uint8) * 255).save(copies.root / name)
        table.writerow([f"real/{copy.picture}", name, copy.sample.label, copy.source])
    (copies.root / TABLE).write_text(lines.getvalue(), encoding="utf-8")


def _has_ignored(sample: Sample) -> bool:
    ignored = sample.ignored()
    return ignored is not None and bool(ignored.any())


def _write_coco(copies: Copies) -> None:
    """COCO's annotations by run lengths. Ignored pixels: a crowd. A label twice in a picture: two images."""
    numbers = {label: number for number, label in enumerate(copies.labels, 1)}
    images: list[dict[str, object]] = []
    annotations: list[dict[str, object]] = []
    layers: dict[tuple[str, str], list[set[str]]] = {}
    ids_: dict[tuple[str, str, int], int] = {}
    for copy in copies.each(IMAGES):
        picture = (copy.picture, copy.source)
        used = layers.setdefault(picture, [])
        layer = next((at for at, labels in enumerate(used) if copy.sample.label not in labels), len(used))
        if layer == len(used):
            used.append(set())
            ids_[*picture, layer] = len(images) + 1
            height, width = copy.mask.shape
            images.append(
                {
                    "id": len(images) + 1, "file_name": copy.picture, "width": width, "height": height,
                    "source": copy.source,
                }
            )  # fmt: skip
        used[layer].add(copy.sample.label)
        for crowd, mask in enumerate([copy.mask] if copy.ignored is None else [copy.mask, copy.ignored]):
            annotations.append(
                {
                    "id": len(annotations) + 1, "image_id": ids_[*picture, layer],
                    "category_id": numbers[copy.sample.label], "segmentation": encoded(mask),
                    "area": int(mask.sum()), "bbox": _box(mask), "iscrowd": crowd,
                }
            )  # fmt: skip
    categories = [{"id": number, "name": label} for label, number in numbers.items()]
    content = {"images": images, "annotations": annotations, "categories": categories}
    (copies.root / ANNOTATIONS).write_text(json.dumps(content), encoding="utf-8")


def _box(mask: Mask) -> list[float]:
    return [float(side) for side in cv2.boundingRect(mask.astype(np.uint8))]


def _write_voc(copies: Copies) -> None:
    """VOC's folders. Labels that overlap in a picture, or ignore other pixels, lie on a copy of it each."""
    _check_sayable(copies)
    numbers = {label: number for number, label in enumerate(copies.labels, 1)}
    for folder in (voc.CLASSES, voc.SETS):
        make_folder(copies.root / folder)
    names: list[tuple[str, str]] = []
    taken: set[str] = set()
    for (picture, source), group in groupby(
        copies.each(voc.PICTURES), lambda copy: (copy.picture, copy.source)
    ):
        for layer in _layers(group, numbers):
            name, folder = _free_name(Path(picture).stem, copies.stems, taken), copies.root / voc.PICTURES
            if name != Path(picture).stem:
                shutil.copyfile(folder / picture, folder / f"{name}{Path(picture).suffix}")
            _save_map(copies.root / voc.CLASSES / f"{name}.png", _with_void(layer.values, layer.ignored))
            names.append((name, source))
    for path, lines in (
        (voc.SETS / "trainval.txt", [name for name, _ in names]),
        (Path(voc.SOURCES), [f"{name}\t{source}" for name, source in names]),
        (Path(label_files.NAMES[0]), [f"{number} {label}" for label, number in numbers.items()]),
    ):
        (copies.root / path).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def _layers(group: Iterator[Copy], numbers: Mapping[str, int]) -> list[_Layer]:
    """The maps that one picture needs. DatasetError for an empty true mask."""
    layers: list[_Layer] = []
    for copy in group:
        if not copy.mask.any():
            raise DatasetError(
                f"{clean(copy.sample.id)} has an empty true mask, which VOC cannot say; choose table or coco"
            )
        fitting = next((layer for layer in layers if layer.has_room(copy)), None)
        if fitting is None:
            fitting = _Layer(np.zeros(copy.mask.shape, np.uint8), copy.ignored, set())
            layers.append(fitting)
        fitting.labels.add(copy.sample.label)
        fitting.values[copy.mask] = numbers[copy.sample.label]
    return layers


@dataclass(frozen=True)
class _Layer:
    """A map of VOC's: numbers (H, W) uint8, what is ignored in it, the labels that it holds."""

    values: Numbers
    ignored: Mask | None
    labels: set[str]

    def has_room(self, copy: Copy) -> bool:
        """Whether a sample can lie on it beside the others without changing one."""
        alike = (
            copy.ignored is self.ignored
            if copy.ignored is None or self.ignored is None
            else np.array_equal(copy.ignored, self.ignored)
        )
        return alike and copy.sample.label not in self.labels and not self.values[copy.mask].any()


def _check_sayable(copies: Copies) -> None:
    taken = [label for label in copies.labels if label.lower() in label_files.GROUND + label_files.VOID]
    if taken:
        raise DatasetError(f"VOC's labels cannot be called {few(taken)}; choose table or coco")
    if len(copies.labels) >= VOID:
        raise DatasetError(f"VOC has 254 labels at most, found {len(copies.labels)}; choose table or coco")


def _free_name(stem: str, stems: Collection[str], taken: set[str]) -> str:
    """A picture's own stem for its first map, another for each other: `a`, `a~2`."""
    names = chain([stem], (f"{stem}~{number}" for number in count(2)))
    name = next(each for each in names if each not in taken and (each == stem or each not in stems))
    taken.add(name)
    return name


def _with_void(values: Numbers, ignored: Mask | None) -> Numbers:
    return values if ignored is None else np.where(ignored, np.uint8(VOID), values)


def _save_map(path: Path, values: Numbers) -> None:
    """Save indices (H, W) uint8 with VOC's palette."""
    image = Image.fromarray(values, mode="P")
    image.putpalette(_palette())
    image.save(path, format="PNG")


def _palette() -> list[int]:
    """VOC's colours by index, flat: bit 3 k + c of the index is bit 7 - k of channel c."""
    return [
        sum((index >> 3 * bit + channel & 1) << _BITS - 1 - bit for bit in range(_BITS))
        for index in range(1 << _BITS)
        for channel in range(3)
    ]


WRITERS: Mapping[str, Callable[[Copies], None]] = {
    "table": _write_table, "coco": _write_coco, "voc": _write_voc,
}  # fmt: skip
