"""Datasets by spec: `demo`, `cocoglide`, a folder, or `coco:IMAGES:ANNOTATIONS.json`, with options."""

from __future__ import annotations

from cliploc.core.datasets.folder import open_folder
from cliploc.core.datasets.sample import READING, Content, Dataset, Sample
from cliploc.core.datasets.spec import COCO, parsed, root_of, written

__all__ = ["READING", "Content", "Dataset", "Sample", "open_dataset"]


def open_dataset(spec: str) -> Dataset:
    """Open a dataset by its spec; no picture is decoded. DatasetError says what is missing.

    `demo`: the embedded default. `cocoglide`: what `cliploc fetch cocoglide` put in place.
    `coco:IMAGES:ANNOTATIONS.json`: COCO instances. Anything else: a folder in CocoGlide's layout.
    Options behind a question mark say how files are read, see `cliploc.core.datasets.spec`.

    >>> demo = open_dataset("demo")
    >>> len(demo.samples), demo.labels[:3]
    (120, ('arrow', 'cross', 'fish'))
    >>> sample = demo.by_id("star_0009")
    >>> sample.image().shape, sample.image().dtype, sample.true_mask().dtype
    ((256, 256, 3), dtype('uint8'), dtype('bool'))
    """
    place, options = parsed(spec)
    if place.startswith(COCO):
        from cliploc.core.datasets.coco import open_coco

        return open_coco(place, written(place, options), options)
    name = place if place in ("demo", "cocoglide") else None
    root = root_of(place)
    return open_folder(root, written(str(root), options), options, name)
