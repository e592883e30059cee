"""Our predictions for other programs: masks as PNG, COCO results, and the true masks in the same terms."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from cliploc.core.codes import Mask, map_of, mask_of
from cliploc.core.datasets import Dataset, Sample
from cliploc.core.datasets.ids import file_name
from cliploc.core.datasets.segmentations import encoded
from cliploc.core.errors import StoreError, clean
from cliploc.core.paths import write_whole
from cliploc.core.postprocess import PostProcess
from cliploc.core.stretch import AnyHeatmap

Entry = dict[str, object]


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
    heatmaps: Mapping[str, AnyHeatmap], dataset: Dataset, config: PostProcess
) -> Iterator[Prediction]:
    """Predict a mask for every sample that has a heatmap (h, w) float32 in [0, 1], in the dataset's order."""
    for sample in dataset.samples:
        if sample.id in heatmaps:
            yield predicted(sample, heatmaps[sample.id], sample.true_mask().shape, config)


def predicted(sample: Sample, heatmap: AnyHeatmap, shape: tuple[int, int], config: PostProcess) -> Prediction:
    """Predict the mask of one sample. heatmap: (h, w) float32 in [0, 1]; shape: (H, W) of its image."""
    mask = mask_of(heatmap, shape, config)
    map_ = map_of(heatmap, shape, config)
    return Prediction(sample, mask, float(map_[mask].mean(dtype=np.float64)) if mask.any() else 0.0)


def write_masks(found: Iterable[Prediction], folder: Path) -> int:
    """Write each mask as `ID.png` (0 and 255) into a folder. Returns how many.

    StoreError, before anything is written, for a folder that holds masks of other samples: whoever reads
    it would take them for these.
    """
    found = list(found)
    names = {mask_name(prediction.sample.id) for prediction in found}
    others = sorted(path.name for path in folder.glob("*.png") if path.name not in names)
    if others:
        raise StoreError(
            f"{folder} holds {len(others)} masks that are not of this export, such as {clean(others[0])}; "
            "empty it, or give another folder"
        )
    count = 0
    for prediction in found:
        _, content = cv2.imencode(".png", prediction.mask.astype(np.uint8) * 255)
        write_whole(folder / mask_name(prediction.sample.id), content.tobytes())
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
            "segmentation": encoded(one.mask),
            "bbox": [float(side) for side in one.box],
            "score": one.score,
            "sample": one.sample.id,
        }
        for one in found
    ]


def ground_truth(dataset: Dataset) -> Entry:
    """The dataset's true masks as a COCO annotation file, in the terms of `results`.

    Ignored pixels are a crowd of their own, which is COCO's way to say that they do not count. Samples
    in which nothing counts are left out.
    """
    images, categories = _numbers(dataset)
    pictures: list[Entry] = []
    annotations: list[Entry] = []
    for sample in dataset.scorable:
        true_mask, ignored = sample.true_mask(), sample.ignored()
        height, width = true_mask.shape
        number = images[sample.id]
        pictures.append({"id": number, "file_name": sample.id, "height": height, "width": width})
        masks = [true_mask] if ignored is None or not ignored.any() else [true_mask, ignored]
        for crowd, mask in enumerate(masks):
            annotations.append(
                {
                    "id": number + crowd * len(images),
                    "image_id": number,
                    "category_id": categories[sample.label],
                    "segmentation": encoded(mask),
                    "area": int(mask.sum()),
                    "bbox": [float(side) for side in cv2.boundingRect(mask.astype(np.uint8))],
                    "iscrowd": crowd,
                }
            )
    named = [{"id": number, "name": label} for label, number in categories.items()]
    return {"images": pictures, "annotations": annotations, "categories": named}


def predicted_annotations(found: Iterable[Prediction], names: Mapping[str, str]) -> Entry:
    """Predicted masks as a COCO annotation file of their own: a picture is one image with all its labels.

    names: the picture's file of each sample, by id. Empty masks are no annotations.
    """
    categories: dict[str, int] = {}
    pictures: dict[str, Entry] = {}
    marked: list[Entry] = []
    for one in found:
        height, width = one.mask.shape
        name = names[one.sample.id]
        picture = pictures.setdefault(
            name, {"id": len(pictures) + 1, "file_name": name, "height": height, "width": width}
        )
        category = categories.setdefault(one.sample.label, len(categories) + 1)
        if one.mask.any():
            marked.append(
                {
                    "id": len(marked) + 1,
                    "image_id": picture["id"],
                    "category_id": category,
                    "segmentation": encoded(one.mask),
                    "area": int(one.mask.sum()),
                    "bbox": [float(side) for side in one.box],
                    "iscrowd": 0,
                    "score": one.score,
                }
            )
    named = [{"id": number, "name": label} for label, number in categories.items()]
    return {"images": list(pictures.values()), "annotations": marked, "categories": named}


def write_json(content: object, path: Path) -> None:
    """Write a JSON file, whole or not at all."""
    write_whole(path, json.dumps(content).encode())


def _numbers(dataset: Dataset) -> tuple[dict[str, int], dict[str, int]]:
    images = {sample.id: number for number, sample in enumerate(dataset.samples, start=1)}
    return images, {label: number for number, label in enumerate(dataset.labels, start=1)}
