"""What leaves the program as files: pictures as PNG, scores as CSV. Runs on a thread."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

from cliploc.core import paths
from cliploc.core.compose import png
from cliploc.core.postprocess import THRESHOLDS, PostProcess
from cliploc.tui.curves import SCORES
from cliploc.tui.dataset_scores import DatasetScores
from cliploc.tui.state import PICTURES
from cliploc.tui.studio.captions import captioned
from cliploc.tui.studio.drawing import Image


def write_pictures(pictures: Mapping[str, Image], about: Sequence[str], outlines: bool, path: Path) -> None:
    """Write the pictures side by side as one PNG, with their names, a legend and what is said about them.

    outlines: masks are outlines. StoreError when it cannot be written.
    """
    shown = {name: pictures[name] for name in PICTURES if name in pictures}
    paths.write_whole(path, png(captioned(shown, about, outlines)))


def write_samples(board: DatasetScores, config: PostProcess, path: Path) -> None:
    """Write every sample's scores at the config's threshold as CSV, with the config in each row."""
    index = config.threshold_index
    columns = {name: board.by_sample(name, index) for name in SCORES}
    settings = config.to_dict()
    rows = [
        [id_, label, *(columns[name][id_] for name in SCORES), *settings.values()]
        for id_, label in zip(board.ids, board.labels, strict=True)
    ]
    _write_csv(path, ["id", "label", *SCORES, *settings], rows)


def write_classes(board: DatasetScores, config: PostProcess, path: Path) -> None:
    """Write every class's mean scores at the config's threshold as CSV."""
    index = config.threshold_index
    columns = {name: board.by_class(name, index) for name in SCORES}
    settings = config.to_dict()
    rows = [
        [label, board.labels.count(label), *(columns[name][label] for name in SCORES), *settings.values()]
        for label in sorted(set(board.labels))
    ]
    _write_csv(path, ["label", "images", *SCORES, *settings], rows)


def write_curve(board: DatasetScores, path: Path) -> None:
    """Write the dataset's mean scores at all 100 thresholds as CSV."""
    curves = board.curves()
    rows: list[list[float]] = []
    if curves is not None:
        rows = [[t, *(curves.at(name, index) for name in SCORES)] for index, t in enumerate(THRESHOLDS)]
    _write_csv(path, ["threshold", *SCORES], rows)


def write_scores(what: str, board: DatasetScores, config: PostProcess, path: Path) -> None:
    """Write a board as CSV: its `samples` or `classes` at the config's threshold, or its `curve`."""
    if what == "curve":
        write_curve(board, path)
    else:
        {"samples": write_samples, "classes": write_classes}[what](board, config, path)


def _write_csv(path: Path, header: list[str], rows: Sequence[Sequence[object]]) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    with paths.atomic_write(path) as file:
        file.write(text.getvalue().encode())
