"""Datasets by spec: a name, a place of any layout, `coco:IMAGES:ANNOTATIONS.json`; with options behind it."""

from __future__ import annotations

from dataclasses import replace

from cliploc.core.datasets.formats import format_of, recognized
from cliploc.core.datasets.sample import READING, Content, Dataset, Sample
from cliploc.core.datasets.spec import parsed
from cliploc.core.errors import DatasetError

__all__ = ["READING", "Content", "Dataset", "Sample", "open_dataset", "problems_of"]


def open_dataset(spec: str) -> Dataset:
    """Open a dataset by its spec; no picture is decoded. DatasetError says what is missing.

    `demo`: the embedded default. `cocoglide`: what `cliploc fetch cocoglide` put in place.
    `coco:IMAGES:ANNOTATIONS.json`: COCO's files. Any other place is looked at: the first layout of
    `cliploc.core.datasets.formats.FORMATS` that it lacks nothing of is taken, and `Dataset.taken_for`
    and its notes say which; `layout=NAME` in the spec decides otherwise. Where maps of class numbers say
    which labels a picture has (VOC and its like), these are decoded, once. Options behind a question
    mark say how files are read, see `cliploc.core.datasets.spec`.

    >>> demo = open_dataset("demo")
    >>> len(demo.samples), demo.labels[:3]
    (120, ('arrow', 'cross', 'fish'))
    >>> sample = demo.by_id("star_0009")
    >>> sample.image().shape, sample.image().dtype, sample.true_mask().dtype
    ((256, 256, 3), dtype('uint8'), dtype('bool'))
    """
    place, options = parsed(spec)
    found = recognized(place, options.layout)
    if options.layout or format_of(place).prefix or found.name in ("table", "pictures"):
        return found.reader.open_place(place, options)
    try:
        dataset = found.reader.open_place(place, options)
    except DatasetError as error:
        taken = f"{place} was taken for {found.name}: {found.what} (layout= says another)"
        raise DatasetError(f"{error}\n{taken}") from error
    return replace(dataset, taken_for=f"{found.name}: {found.what}")


def problems_of(spec: str) -> list[str]:
    """Every problem of a dataset, one sentence with file and row each; [] for a sound one.

    Decodes every picture and mask. DatasetError only when there is nothing to check.
    """
    place, options = parsed(spec)
    return list(recognized(place, options.layout).reader.problems(place, options))
