"""What leaves the program as files: pictures as PNG, scores as CSV. Runs on a thread."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

from cliploc.core import paths
from cliploc.core.compose import png
from cliploc.core.errors import StoreError
from cliploc.core.postprocess import THRESHOLDS, PostProcess
from cliploc.core.sweep.grid import computation_of
from cliploc.tui.curves import SCORES
from cliploc.tui.state import PICTURES, Source
from cliploc.tui.studio.captions import captioned
from cliploc.tui.studio.drawing import Image
from cliploc.tui.studio.scorer import Scored
from cliploc.tui.studio.scoring import column


def write_pictures(pictures: Mapping[str, Image], about: Sequence[str], outlines: bool, path: Path) -> None:
    """Write the pictures side by side as one PNG, with their names, a legend and what is said about them.

    outlines: masks are outlines. StoreError when it cannot be written.
    """
    shown = {name: pictures[name] for name in PICTURES if name in pictures}
    paths.write_whole(path, png(captioned(shown, about, outlines)))


def of_state(scored: Scored | None, source: Source, config: PostProcess) -> Scored:
    """The scores, if they are those of this state; StoreError for others."""
    if scored is None or (scored.source, scored.computation) != (source, computation_of(config)):
        raise StoreError("the scores of this config are being computed; once more when they are there")
    return scored


def write_samples(scored: Scored, config: PostProcess, path: Path) -> None:
    """Write every sample's scores at the config's threshold as CSV, with the config in each row."""
    columns = [column(scored.counts, name, config.threshold_index).tolist() for name in SCORES]
    settings = config.to_dict()
    labels = [scored.classes.names[number] for number in scored.classes.of_sample]
    rows = [[*row, *settings.values()] for row in zip(scored.ids, labels, *columns, strict=True)]
    _write_csv(path, ["id", "label", *SCORES, *settings], rows)


def write_classes(scored: Scored, config: PostProcess, path: Path) -> None:
    """Write every class's mean scores at the config's threshold as CSV."""
    settings = config.to_dict()
    rows = [
        [label, mean.images, *(mean.at(name, config.threshold_index) for name in SCORES), *settings.values()]
        for label, mean in scored.means.curves().items()
        if label is not None
    ]
    _write_csv(path, ["label", "images", *SCORES, *settings], rows)


def write_curve(scored: Scored, path: Path) -> None:
    """Write the dataset's mean scores at all 100 thresholds as CSV."""
    mean = scored.means.curves()[None]
    rows = [[t, *(mean.at(name, index) for name in SCORES)] for index, t in enumerate(THRESHOLDS)]
    _write_csv(path, ["threshold", *SCORES], rows)


def write_scores(what: str, scored: Scored, config: PostProcess, path: Path) -> None:
    """Write scores as CSV: those of `samples` or `classes` at the config's threshold, or the `curve`."""
    if what == "curve":
        write_curve(scored, path)
    else:
        {"samples": write_samples, "classes": write_classes}[what](scored, config, path)


def _write_csv(path: Path, header: list[str], rows: Sequence[Sequence[object]]) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    with paths.atomic_write(path) as file:
        file.write(text.getvalue().encode())
