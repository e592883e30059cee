"""What the ledger tells: a run, its best cell, any cell. Frozen, so that threads may hand them on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from cliploc.core.datasets import READING
from cliploc.core.postprocess import PostProcess

OLD = (
    "scored by release 0.1.0, which took for foreground what is above 127 in a mask, whatever the file was: "
    "masks of 0 and 1 were empty to it; run it again"
)


@dataclass(frozen=True)
class Best:
    """The best cell of a run by mean IoU. images: how many it is the mean of, so far."""

    heatmaps: str
    config: PostProcess
    mean_iou: float
    images: int

    def to_dict(self) -> dict[str, object]:
        """Plain values for JSON."""
        return {**asdict(self), "config": self.config.to_dict()}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Best:
        """The inverse of `to_dict`."""
        return cls(**{**values, "config": PostProcess.from_dict(values["config"])})


@dataclass(frozen=True)
class RunRow:
    """One run as its watchers see it.

    state: waiting, running, paused, interrupted, cancelled, failed or done.
    rate: images per second since it was last resumed; eta: seconds left; None when unknown.
    images counts every heatmap set's images; cells is the number of scores that compete.
    reading: the rule by which true masks were read, see `cliploc.core.datasets.READING`; truth: their
    digest, "" where the run does not say; options: of the dataset, as its spec says them.
    """

    id: str
    created: float
    updated: float
    state: str
    message: str
    dataset: str
    heatmaps: tuple[str, ...]
    configs: int
    cells: int
    images: int
    shards: int
    shards_done: int
    rate: float | None
    eta: float | None
    best: Best | None
    worker: str
    keeps_counts: bool
    reading: int
    truth: str
    options: str

    @property
    def scored(self) -> str:
        """The dataset's name and how it was read, for people."""
        return f"{self.dataset}?{self.options}" if self.options else self.dataset

    @property
    def mark(self) -> str:
        """What people must know before they trust the run; "" for nothing."""
        return OLD if self.reading != READING else ""

    @property
    def progress(self) -> float:
        """The finished fraction of the shards."""
        return self.shards_done / self.shards if self.shards else 1.0


@dataclass(frozen=True)
class Cell:
    """One config x threshold under one heatmap set, with its scores by column name."""

    heatmaps: str
    config: PostProcess
    scores: Mapping[str, float]

    def flat(self) -> dict[str, object]:
        """One row of a table: settings, scores, heatmap set; the stretch, which came later, last."""
        settings = self.config.to_dict()
        stretch = settings.pop("stretch")
        return {**settings, **self.scores, "heatmaps": self.heatmaps, "stretch": stretch}
