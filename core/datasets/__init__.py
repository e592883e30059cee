"""Datasets by spec: `demo`, `cocoglide`, a folder, or `coco:IMAGES:ANNOTATIONS.json`."""

from __future__ import annotations

from pathlib import Path

from core import paths
from core.datasets.folder import open_folder
from core.datasets.sample import Dataset, Sample
from core.errors import DatasetError

__all__ = ["Dataset", "Sample", "open_dataset", "root_of"]


def open_dataset(spec: str) -> Dataset:
    """Open a dataset by its spec; no picture is decoded. DatasetError says what is missing.

    `demo`: the embedded default. `cocoglide`: what `cliploc fetch cocoglide` put in place.
    `coco:IMAGES:ANNOTATIONS.json`: COCO instances. Anything else: a folder in CocoGlide's layout.

    >>> demo = open_dataset("demo")
    >>> len(demo.samples), demo.labels[:3]
    (120, ('arrow', 'cross', 'fish'))
    >>> sample = demo.by_id("star_0009")
    >>> sample.image().shape, sample.image().dtype, sample.true_mask().dtype
    ((256, 256, 3), dtype('uint8'), dtype('bool'))
    """
    if spec.startswith("coco:"):
        from core.datasets.coco import open_coco

        return open_coco(spec)
    name = spec if spec in ("demo", "cocoglide") else None
    return open_folder(root_of(spec), name)


def root_of(spec: str) -> Path:
    """The folder that a spec of a dataset in CocoGlide's layout stands for."""
    if spec == "demo":
        return paths.embedded_dir() / "demo"
    if spec == "cocoglide":
        root = paths.data_dir() / "cocoglide"
        if not root.is_dir():
            raise DatasetError(
                f"CocoGlide is not at {root}; `cliploc fetch cocoglide` gets it, "
                "or give the folder you have: --dataset PATH"
            )
        return root
    return Path(spec).expanduser()
