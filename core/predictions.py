"""Predictions out and in: masks as PNG, COCO results JSON, and somebody else's of either, scored.

A prediction is one mask per sample. In COCO's terms every sample is an image of
its own (`image_id` counts from 1 in the dataset's order, `file_name` is the
sample's id) with one category, its label; `ground_truth` writes the true masks in
the same terms, so that pycocotools can judge the results without this program.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from pycocotools import mask as coco_mask

from cliploc.core.codes import Float32, Mask, map_of, mask_of
from cliploc.core.datasets import Dataset, Sample
from cliploc.core.datasets.annotations import encloses, key_of
from cliploc.core.datasets.files import read
from cliploc.core.datasets.ids import file_name
from cliploc.core.datasets.masks import MaskFiles
from cliploc.core.datasets.segmentations import drawn
from cliploc.core.datasets.spec import Options
from cliploc.core.errors import ParameterError, StoreError, clean
from cliploc.core.metrics import Counts, stacked
from cliploc.core.paths import atomic_write
from cliploc.core.postprocess import PostProcess

Entry = dict[str, object]

PICTURE_ENDINGS = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp", ".gif")


@dataclass(frozen=True)
class Prediction:
    """The mask (H, W) bool predicted for a sample, and how sure the heatmap is of it.

    score: mean of the map (interpolated, before morphology) inside the mask, in [0, 1];
    0 for an empty mask.
    """

    sample: Sample
    mask: Mask
    score: float

    @property
    def box(self) -> tuple[int, int, int, int]:
        """The box around the mask: x, y, width, height in pixels; all 0 for an empty mask."""
        x, y, width, height = cv2.boundingRect(self.mask.astype(np.uint8))
        return x, y, width, height


def predictions(
    heatmaps: Mapping[str, Float32], dataset: Dataset, config: PostProcess
) -> Iterator[Prediction]:
    """Predict a mask for every sample that has a heatmap (h, w) float32 in [0, 1], in the dataset's order."""
    for sample in dataset.samples:
        if sample.id in heatmaps:
            shape = sample.true_mask().shape
            mask = mask_of(heatmaps[sample.id], shape, config)
            map_ = map_of(heatmaps[sample.id], shape, config)
            yield Prediction(sample, mask, float(map_[mask].mean(dtype=np.float64)) if mask.any() else 0.0)


# Out.


def write_masks(found: Iterable[Prediction], folder: Path) -> int:
    """Write each mask as `ID.png` (0 and 255) into a folder. Returns how many."""
    count = 0
    for prediction in found:
        _, content = cv2.imencode(".png", prediction.mask.astype(np.uint8) * 255)
        with atomic_write(folder / mask_name(prediction.sample.id)) as file:
            file.write(content.tobytes())
        count += 1
    return count


def mask_name(id_: str) -> str:
    """The file name of a sample's mask."""
    return f"{file_name(id_)}.png"


def results(found: Iterable[Prediction], dataset: Dataset) -> list[Entry]:
    """COCO results: one entry per prediction, with RLE segmentation, box and score.

    `sample` is our own addition: the sample's id; readers of COCO results pass over it.
    """
    images, categories = _numbers(dataset)
    return [
        {
            "image_id": images[one.sample.id],
            "category_id": categories[one.sample.label],
            "segmentation": _encoded(one.mask),
            "bbox": [float(side) for side in one.box],
            "score": one.score,
            "sample": one.sample.id,
        }
        for one in found
    ]


def ground_truth(dataset: Dataset) -> Entry:
    """The dataset's true masks as a COCO annotation file, in the terms of `results`."""
    images, categories = _numbers(dataset)
    pictures, annotations = [], []
    for sample in dataset.samples:
        true_mask = sample.true_mask()
        height, width = true_mask.shape
        number = images[sample.id]
        pictures.append({"id": number, "file_name": sample.id, "height": height, "width": width})
        annotations.append(
            {
                "id": number,
                "image_id": number,
                "category_id": categories[sample.label],
                "segmentation": _encoded(true_mask),
                "area": int(true_mask.sum()),
                "bbox": [float(side) for side in cv2.boundingRect(true_mask.astype(np.uint8))],
                "iscrowd": 0,
            }
        )
    named = [{"id": number, "name": label} for label, number in categories.items()]
    return {"images": pictures, "annotations": annotations, "categories": named}


def write_json(content: object, path: Path) -> None:
    """Write a JSON file, whole or not at all."""
    with atomic_write(path) as file:
        file.write(json.dumps(content, ensure_ascii=False).encode())


def _numbers(dataset: Dataset) -> tuple[dict[str, int], dict[str, int]]:
    images = {sample.id: number for number, sample in enumerate(dataset.samples, start=1)}
    return images, {label: number for number, label in enumerate(dataset.labels, start=1)}


def _encoded(mask: Mask) -> Entry:
    rle = coco_mask.encode(np.asfortranarray(mask, dtype=np.uint8))
    return {"size": [int(side) for side in rle["size"]], "counts": rle["counts"].decode("ascii")}


# In.


def read_masks(folder: Path, dataset: Dataset, mask_value: str = "") -> dict[str, Mask]:
    """Masks of a folder by sample id: `ID.png` or `ID_mask.png`, or another picture's ending.

    What is foreground is decided for all of them together, as for true masks
    (`cliploc.core.datasets.masks`); mask_value says it where they leave a choice. StoreError when no
    file belongs to a sample, two do, or a mask is not of its image's size; DatasetError when a
    file cannot be read.
    """
    paths, masks = _opened(folder, dataset, mask_value)
    return {
        id_: _fitting(masks.mask(place), dataset.by_id(id_), path.name)
        for place, (id_, path) in enumerate(paths.items())
    }


def notes_on_masks(folder: Path, dataset: Dataset, mask_value: str = "") -> tuple[str, ...]:
    """Sentences about how `read_masks` reads the folder. Its errors."""
    return _opened(folder, dataset, mask_value)[1].reading.notes


def _opened(folder: Path, dataset: Dataset, mask_value: str) -> tuple[dict[str, Path], MaskFiles]:
    if not folder.is_dir():
        raise StoreError(f"no folder {folder}; expected one with a mask per sample, ID.png")
    paths = _mask_files(folder, dataset)
    names = [path.name for path in paths.values()]
    options = Options(mask_value=mask_value, allow_empty=True)
    files = list(paths.values())
    return paths, MaskFiles(files, names, options, what="predicted masks", option="--predicted-mask-value")


def _mask_files(folder: Path, dataset: Dataset) -> dict[str, Path]:
    known = {mask_name(sample.id).removesuffix(".png"): sample.id for sample in dataset.samples}
    found: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        stem = file_name(path.stem)
        id_ = known.get(stem) or known.get(stem.removesuffix("_mask"))
        if id_ is None or path.suffix.lower() not in PICTURE_ENDINGS or not path.is_file():
            continue
        if id_ in found:
            raise StoreError(
                f"{folder} has two masks of {clean(id_)}: {clean(found[id_].name)} and {clean(path.name)}; "
                "expected one"
            )
        found[id_] = path
    if not found:
        raise StoreError(
            f"{folder} has no mask of {clean(dataset.name)}; expected names like "
            f"{clean(mask_name(dataset.samples[0].id))}"
        )
    return found


def read_results(
    path: Path, dataset: Dataset, *, annotations: Path | None = None, least_score: float = 0.0
) -> dict[str, Mask]:
    """Masks of a COCO results file by sample id; several entries of one sample are merged.

    Entries say which sample they mean by `sample`, or through the COCO annotation file
    that they were made for: its category's name and its image name or number
    (`dining table` in 114871 is the sample `dining table_114871`). Entries of other
    samples and those scored below `least_score` are passed over. StoreError for a file
    that holds no results, or none of this dataset.
    """
    entries = _read_json(path)
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise StoreError(f"{path} holds no COCO results; expected a JSON list of objects with segmentation")
    names = _CocoNames.read(annotations) if annotations else _CocoNames({}, {})
    found: dict[str, Mask] = {}
    strangers: Counter[str] = Counter()
    for number, entry in enumerate(entries):
        sample = _sample_of(entry, dataset, names)
        if sample is None:
            strangers[
                f"image {clean(entry.get('image_id'))}, category {clean(entry.get('category_id'))}"
            ] += 1
        elif _score(entry, f"{path}, entry {number}") >= least_score:
            mask = _fitting(_decoded(entry, sample, f"{path}, entry {number}"), sample, f"entry {number}")
            found[sample.id] = mask | found[sample.id] if sample.id in found else mask
    if strangers and len(strangers) == len(entries):
        raise StoreError(
            f"{path}: none of {len(entries)} results belongs to {clean(dataset.name)}, such as "
            f"{next(iter(strangers))}; give the COCO file they were made for, --annotations FILE"
        )
    return found


def scored(masks: Mapping[str, Mask], dataset: Dataset) -> Counts:
    """Count masks (H, W) bool against true masks: (n, 1), one threshold, in the order of `dataset.scorable`.

    A sample without a mask counts as nothing predicted. ParameterError for an unknown id.
    """
    for id_ in masks:
        dataset.by_id(id_)
    if not dataset.scorable:
        raise ParameterError("no sample is left to score: each is ignored all over")
    return stacked(_counted(masks.get(sample.id), sample) for sample in dataset.scorable)


def _counted(mask: Mask | None, sample: Sample) -> Counts:
    true_mask, ignored = sample.true_mask(), sample.ignored()
    counted = np.ones_like(true_mask) if ignored is None else ~ignored
    predicted = np.zeros_like(true_mask) if mask is None else mask
    planes = (true_mask & predicted, predicted, true_mask, np.ones_like(true_mask))
    return Counts(*(np.array([np.count_nonzero(plane & counted)], np.int64) for plane in planes))


def _fitting(mask: Mask, sample: Sample, where: str) -> Mask:
    expected = sample.true_mask().shape
    if mask.shape != expected:
        raise StoreError(
            f"{clean(where)}: found a mask of {mask.shape[1]} x {mask.shape[0]}, "
            f"expected {expected[1]} x {expected[0]} like the image of {clean(sample.id)}"
        )
    return mask


@dataclass(frozen=True)
class _CocoNames:
    """What an annotation file calls its numbers: images by file stem, categories by name."""

    images: Mapping[str, str]
    categories: Mapping[str, str]

    @classmethod
    def read(cls, path: Path) -> _CocoNames:
        content: Any = _read_json(path)
        try:
            images = {key_of(image["id"]): Path(str(image["file_name"])).stem for image in content["images"]}
            categories = {key_of(each["id"]): str(each["name"]) for each in content["categories"]}
        except (TypeError, KeyError, ValueError) as error:
            raise StoreError(
                f"{path} is no COCO annotation file; expected images and categories: {clean(error)}"
            ) from error
        return cls(images, categories)

    def image(self, entry: Mapping[str, object]) -> str | None:
        """The stem of the entry's image file."""
        return self._of(entry, "image_id", self.images)

    def label(self, entry: Mapping[str, object]) -> str | None:
        """The name of the entry's category."""
        return self._of(entry, "category_id", self.categories)

    @staticmethod
    def _of(entry: Mapping[str, object], name: str, known: Mapping[str, str]) -> str | None:
        try:
            return known.get(key_of(entry.get(name)))
        except ValueError:
            return None


def _sample_of(entry: Mapping[str, object], dataset: Dataset, names: _CocoNames) -> Sample | None:
    """The sample that an entry says by id, or means by its image and category."""
    own = entry.get("sample")
    if own is not None:
        return _known(dataset, str(own))
    stem, label = names.image(entry), names.label(entry)
    if stem is None or label is None:
        return None
    for id_ in (file_name(f"{label}_{stem}"), file_name(stem)):
        sample = _known(dataset, id_)
        if sample is not None and sample.label == label:
            return sample
    # Ids that had to be told apart, and CocoGlide's, which are COCO's numbers: the source says which image.
    number = key_of(entry["image_id"])
    found = [each for each in dataset.samples if each.source == number and each.label == label]
    return found[0] if len(found) == 1 else None


def _known(dataset: Dataset, id_: str) -> Sample | None:
    try:
        return dataset.by_id(id_)
    except ParameterError:
        return None


def _decoded(entry: Mapping[str, object], sample: Sample, where: str) -> Mask:
    segmentation = entry.get("segmentation")
    height, width = sample.true_mask().shape
    try:
        if isinstance(segmentation, list) and not encloses(segmentation):
            raise ValueError("polygons of fewer than three points, which enclose nothing")
        return drawn(segmentation, height, width)
    except (TypeError, ValueError, OverflowError) as error:
        raise StoreError(f"{clean(where)}: no segmentation that can be read ({clean(error)})") from error


def _score(entry: Mapping[str, object], where: str) -> float:
    """How sure the entry is; one that does not say is sure."""
    score = entry.get("score")
    try:
        value = 1.0 if score is None else float(score)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        value = math.nan
    if not math.isfinite(value):
        raise StoreError(f"{clean(where)}: found a score of {clean(score)}, expected a number")
    return value


def _read_json(path: Path) -> object:
    if not path.exists():
        raise StoreError(f"no file {path}")
    try:
        return json.loads(read(path))
    except (ValueError, RecursionError) as error:
        raise StoreError(f"cannot read {path} as JSON: {clean(error)}") from error
