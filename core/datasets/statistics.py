"""What a dataset holds, in numbers: the poster's table of section 3."""

from __future__ import annotations

from dataclasses import dataclass

from cliploc.core.datasets.sample import Dataset

QUANTILES = (0.0, 0.25, 0.5, 0.75, 1.0)


@dataclass(frozen=True)
class Statistics:
    """samples, images that they were made from, classes; min, max, mean, population std of samples per class.

    mask_area: quantile (0 to 1) -> fraction of the image that the true mask covers; {} without true masks.
    empty: how many true masks are. without_truth: how many samples have none.
    """

    samples: int
    images: int
    classes: int
    min: int
    max: int
    mean: float
    std: float
    mask_area: dict[float, float]
    empty: int
    without_truth: int
    per_class: dict[str, int]


def statistics(dataset: Dataset) -> Statistics:
    """Count classes and measure true masks; decodes every mask."""
    import numpy as np  # whoever is only shown the numbers needs no arrays

    per_class = np.array(list(dataset.label_counts.values()))
    marked = [sample for sample in dataset.samples if sample.id not in dataset.without_truth]
    areas = [sample.true_mask().mean() for sample in marked]
    return Statistics(
        samples=len(dataset.samples),
        images=len(set(dataset.sources.values())),
        classes=len(per_class),
        min=int(per_class.min()),
        max=int(per_class.max()),
        mean=float(per_class.mean()),
        std=float(per_class.std()),
        mask_area={q: float(np.quantile(areas, q)) for q in QUANTILES} if areas else {},
        empty=int(sum(area == 0 for area in areas)),
        without_truth=len(dataset.without_truth),
        per_class=dataset.label_counts,
    )
