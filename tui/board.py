"""The scores of a whole dataset under one config, held as arrays and handed out as plain numbers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from core.metrics import SCORES, Counts
from core.postprocess import THRESHOLDS, PostProcess
from tui.browsing import Facts
from tui.curves import Curves
from tui.state import Source

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Board:
    """Every score of every sample that has a heatmap, at all thresholds.

    scores: name -> (n, T), rows in the order of `ids`. area: (n,) the fraction of
    the image that the true mask covers. config: the one scored; its threshold does not matter.
    """

    source: Source
    config: PostProcess
    ids: tuple[str, ...]
    labels: tuple[str, ...]
    scores: dict[str, Array]
    area: Array

    def curves(self, label: str | None = None) -> Curves | None:
        """Mean scores over one class, or over all samples; None where nothing is scored."""
        rows = slice(None) if label is None else [n for n, name in enumerate(self.labels) if name == label]
        chosen = {name: values[rows] for name, values in self.scores.items()}
        images = len(chosen["mean_iou"])
        if not images:
            return None
        return Curves(images, {name: tuple(values.mean(axis=0).tolist()) for name, values in chosen.items()})

    def of_sample(self, id_: str) -> Curves | None:
        """The scores of one sample; None where it has no heatmap."""
        if id_ not in self.ids:
            return None
        row = self.ids.index(id_)
        return Curves(1, {name: tuple(values[row].tolist()) for name, values in self.scores.items()})

    def by_sample(self, score: str, index: int) -> dict[str, float]:
        """One score at one threshold index, by sample id."""
        return dict(zip(self.ids, self.scores[score][:, index].tolist(), strict=True))

    def by_class(self, score: str, index: int) -> dict[str, float]:
        """One score at one threshold index, averaged over each class."""
        totals: dict[str, list[float]] = {}
        for label, value in zip(self.labels, self.scores[score][:, index].tolist(), strict=True):
            totals.setdefault(label, []).append(value)
        return {label: sum(values) / len(values) for label, values in totals.items()}

    def facts(self, index: int) -> Facts:
        """What sorting and facets need, at one threshold index."""
        iou = self.scores["mean_iou"]
        thresholds = np.asarray(THRESHOLDS)[iou.argmax(axis=1)] if len(iou) else np.zeros(0)
        columns = (iou[:, index], iou.max(axis=1) if len(iou) else np.zeros(0), thresholds, self.area)
        return Facts(*(dict(zip(self.ids, column.tolist(), strict=True)) for column in columns))


def board_of(
    source: Source, config: PostProcess, ids: tuple[str, ...], labels: tuple[str, ...], counts: Counts
) -> Board:
    """Score counts (n, T) of the samples `ids`."""
    scores = {name: np.atleast_2d(of(counts)) for name, of in SCORES.items()}
    area = (counts.area / np.maximum(counts.pixels, 1)).reshape(-1)
    return Board(source, config, ids, labels, scores, area)


def curves_of(counts: Counts) -> Curves:
    """The scores of one sample, from its counts (T,)."""
    return Curves(1, {name: tuple(of(counts).tolist()) for name, of in SCORES.items()})
