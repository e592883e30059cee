"""Other programs' predictions, from a folder of masks or from COCO results, against the true masks."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from cliploc.core.codes import Mask
from cliploc.core.datasets import Dataset, Sample
from cliploc.core.datasets.annotations import encloses, key_of
from cliploc.core.datasets.files import read
from cliploc.core.datasets.ids import file_name
from cliploc.core.datasets.masks import MaskFiles
from cliploc.core.datasets.pictures import headers_of
from cliploc.core.datasets.segmentations import drawn
from cliploc.core.datasets.spec import Options
from cliploc.core.errors import ParameterError, StoreError, clean
from cliploc.core.metrics import Counts, stacked
from cliploc.core.predictions.write import mask_name

PICTURE_ENDINGS = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp", ".gif")


def read_masks(
    folder: Path, dataset: Dataset, mask_value: str = ""
) -> tuple[dict[str, Mask], tuple[str, ...]]:
    """Masks of a folder by sample id (`ID.png`, `ID_mask.png`, another picture's ending); how they were read.

    What is foreground is decided for all of them together, as for true masks
    (`cliploc.core.datasets.masks`); mask_value says it where they leave a choice. StoreError when no
    file belongs to a sample, two do, or a mask is not of its image's size; DatasetError when a
    file cannot be read.
    """
    if not folder.is_dir():
        raise StoreError(f"no folder {folder}; expected one with a mask per sample, ID.png")
    paths = _mask_files(folder, dataset)
    samples, files = [dataset.by_id(id_) for id_ in paths], list(paths.values())
    _check_headers(files, samples)
    options = Options(mask_value=mask_value, allow_empty=True)
    names = [path.name for path in files]
    masks = MaskFiles(files, names, options, what="predicted masks", option="--predicted-mask-value")
    read = {
        sample.id: _fitting(masks.mask(place), sample, names[place]) for place, sample in enumerate(samples)
    }
    return read, masks.reading.notes


def _check_headers(files: list[Path], samples: list[Sample]) -> None:
    """Of no use is a mask of another size; what says that it is a huge one is not decoded to find out."""
    for head, path, sample in zip(headers_of(files), files, samples, strict=True):
        if not head.problem:
            _check_size({head.size, head.upright}, sample, path.name)


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
    path: Path,
    dataset: Dataset,
    *,
    annotations: Path | None = None,
    least_score: float = 0.0,
    notice: Callable[[str], None] = lambda text: None,
) -> dict[str, Mask]:
    """Masks of a COCO results file by sample id; several entries of one sample are merged.

    Entries say which sample they mean by `sample`, or through the COCO annotation file
    that they were made for: its category's name and its image name or number
    (`dining table` in 114871 is the sample `dining table_114871`). Entries of other
    samples, which `notice` is told of, and those scored below `least_score` are passed over.
    StoreError for a file that holds no results, or none of this dataset.
    """
    entries = _read_json(path)
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise StoreError(f"{path} holds no COCO results; expected a JSON list of objects with segmentation")
    names = _names(annotations) if annotations else _Names()
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
    if strangers and strangers.total() == len(entries):
        raise StoreError(
            f"{path}: none of {len(entries)} results belongs to {clean(dataset.name)}, such as "
            f"{next(iter(strangers))}; give the COCO file they were made for, --annotations FILE"
        )
    if strangers:
        notice(
            f"{strangers.total()} of {len(entries)} results belong to no sample of {clean(dataset.name)} and "
            f"are passed over, such as {next(iter(strangers))}"
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
    _check_size({mask.shape[1::-1]}, sample, where)
    return mask


def _check_size(found: set[tuple[int, ...]], sample: Sample, where: str) -> None:
    """found: the (width, height) that it may have."""
    expected = sample.true_mask().shape[1::-1]
    if expected not in found:
        width, height = found.pop()
        raise StoreError(
            f"{clean(where)}: found a mask of {width} x {height}, "
            f"expected {expected[0]} x {expected[1]} like the image of {clean(sample.id)}"
        )


@dataclass(frozen=True)
class _Names:
    """What an annotation file calls its numbers. shared: names of files that, without their folder and
    ending, are those of several images.
    """

    images: Mapping[str, str] = field(default_factory=dict)
    categories: Mapping[str, str] = field(default_factory=dict)
    shared: frozenset[str] = frozenset()


def _names(path: Path) -> _Names:
    content: Any = _read_json(path)
    try:
        images = {key_of(each["id"]): str(each["file_name"]) for each in content["images"]}
        stems = Counter(_without_ending(name).rpartition("/")[2] for name in images.values())
        return _Names(
            images,
            {key_of(each["id"]): str(each["name"]) for each in content["categories"]},
            frozenset(stem for stem, count in stems.items() if count > 1),
        )
    except (TypeError, KeyError, ValueError) as error:
        raise StoreError(
            f"{path} is no COCO annotation file; expected images and categories: {clean(error)}"
        ) from error


def _without_ending(name: str) -> str:
    """A picture's file name without the ending of pictures; `scene.1` has none."""
    stem, dot, ending = name.rpartition(".")
    return stem if dot and f".{ending.lower()}" in PICTURE_ENDINGS else name


def _name(entry: Mapping[str, object], key: str, names: Mapping[str, str]) -> str | None:
    """The name of an entry's number; None for none, or a strange one."""
    try:
        return names.get(key_of(entry.get(key)))
    except ValueError:
        return None


def _sample_of(entry: Mapping[str, object], dataset: Dataset, names: _Names) -> Sample | None:
    """The sample that an entry says by id, or means by its image and category."""
    own = entry.get("sample")
    if own is not None:
        return _known(dataset, str(own))
    name = _name(entry, "image_id", names.images)
    label = _name(entry, "category_id", names.categories)
    if name is None or label is None:
        return None
    whole = _without_ending(name)
    stem = whole.rpartition("/")[2]
    # The more of its name an id holds, the surer it is this image's.
    number, category = key_of(entry["image_id"]), key_of(entry["category_id"])
    told_apart = [f"{label}_{whole}_{number}", f"{label}_{whole}_{number}_{category}"]
    ids = [name, *map(file_name, told_apart), file_name(f"{label}_{whole}"), file_name(whole)]
    ids += [] if stem in names.shared else [file_name(f"{label}_{stem}"), file_name(stem)]
    for id_ in ids:
        sample = _known(dataset, id_)
        if sample is not None and sample.label == label:
            return sample
    # COCO names images by their numbers, and CocoGlide's ids and sources are these.
    if stem.lstrip("0") != number:
        return None
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
