"""A dataset written anew in another layout: as CocoGlide's table, COCO's annotations, or VOC's folders.

Pictures keep their bytes, except where an EXIF tag turns them: then they are written as they are
shown. What was written is opened and compared before it gets its name: labels, true masks, ignored
pixels, sources and pictures are those of the original, or nothing is left behind.
"""

from __future__ import annotations

import os
import shutil
from collections import Counter
from pathlib import Path

from cliploc.core.datasets import Dataset, open_dataset
from cliploc.core.datasets.copies import Copies, Facts, Report, facts_of
from cliploc.core.datasets.written_layouts import ANNOTATIONS, IMAGES, WRITERS
from cliploc.core.errors import DatasetError, ParameterError, StoreError, clean
from cliploc.core.paths import make_folder


def convert(dataset: Dataset, out: Path, to: str, report: Report = lambda done, total: None) -> int:
    """Write a dataset to the folder `out`, which must not be there. Returns how many samples.

    to: `table`, `coco` or `voc`. Samples without a true mask are left out. DatasetError where there is none,
    or where the layout cannot say what the dataset does; StoreError where it cannot be written.
    """
    if to not in WRITERS:
        raise ParameterError(f"to: found {clean(to)!r}, expected {', '.join(WRITERS)}")
    if os.path.lexists(out):
        raise StoreError(f"{out} is there already; give a folder that is not")
    samples = [sample for sample in dataset.samples if sample.id not in dataset.without_truth]
    if not samples:
        raise DatasetError(f"{clean(dataset.name)} has no true masks to write")
    partial = out.with_name(f".{out.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)  # of a writer that was killed
    try:
        make_folder(partial)
        copies = Copies(dataset, samples, partial, report)
        WRITERS[to](copies)
        _check_same(copies.seen, open_dataset(opened_as(partial, to)))
        os.replace(partial, out)
    except UnicodeEncodeError as error:
        raise DatasetError(
            f"{clean(dataset.name)} has a label or source that is no text: {clean(error.object)[:60]!r}"
        ) from error
    except OSError as error:
        raise StoreError(f"cannot write {out}: {error.strerror or error}") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return len(samples)


def opened_as(out: Path, to: str) -> str:
    """The spec that opens what was written."""
    return f"coco:{out / IMAGES}:{out / ANNOTATIONS}" if to == "coco" else str(out)


def _check_same(seen: Counter[Facts], copy: Dataset) -> None:
    """StoreError where the copy reads as anything else."""
    found = Counter(
        facts_of(sample.label, copy.sources[sample.id], sample.true_mask(), sample.ignored(), sample.image())
        for sample in copy.samples
    )
    if found != seen:
        lost = sorted({facts[:2] for facts in (seen - found) + (found - seen)})
        label, source = lost[0]
        raise StoreError(
            f"{len(lost)} samples would read otherwise in this layout, such as {clean(label)!r} in "
            f"{clean(source)}; nothing was written: choose another layout"
        )
