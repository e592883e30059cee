"""The plan of a run: what is scored, how it is cut into shards and into folds.

A plan is decided once and kept in the ledger; resuming follows it to the letter.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, NotRequired, TypedDict

from cliploc.core.datasets import READING, Dataset
from cliploc.core.postprocess import THRESHOLDS
from cliploc.core.sweep.grid import Grid

FOLDS = 5
GROUPS = 100  # of a streaming run: what the bootstrap resamples instead of images
KEPT_BYTES = 2 << 30  # above this, counts per image are not kept


class SetName(TypedDict):
    """A heatmap set: the key that finds it, the name for people, what it was made of."""

    key: str
    name: str
    identity: NotRequired[dict[str, Any]]


@dataclass(frozen=True)
class Shard:
    """A unit of work: some samples of one group, under one heatmap set. position: its number in the run."""

    position: int
    set_index: int
    group: int
    ids: tuple[str, ...]


@dataclass(frozen=True)
class Plan:
    """Everything that decides the results of a run, and how it is computed.

    truth: the dataset's truth digest, and reading the rule by which its masks are read; of
    reading 1, release 0.1.0, the fingerprint that it gave pictures and masks together.
    groups: sample ids by group; a group lies in one fold. keep: whether counts
    per image are kept (else only sums per group are). engine: `opencv` or `numba`.
    sources: the source image of every sample by id; samples of one lie in one group.
    """

    dataset: str
    dataset_name: str
    truth: str
    reading: int
    sets: tuple[SetName, ...]
    grid: Grid
    groups: tuple[tuple[str, ...], ...]
    keep: bool
    shard_images: int
    seed: int
    engine: str
    executor: str
    workers: int
    sources: Mapping[str, str]

    def scores(self, dataset: Dataset) -> bool:
        """Whether the dataset's true masks are those that the run scores, or scored."""
        return self.truth == (dataset.truth if self.reading == READING else dataset.legacy)

    @property
    def images(self) -> int:
        """How many samples are scored under each heatmap set."""
        return sum(len(group) for group in self.groups)

    @property
    def cells(self) -> int:
        """Configs x thresholds x heatmap sets: how many numbers compete to be the best."""
        return self.grid.cells * len(self.sets)

    def shards(self) -> list[Shard]:
        """All shards, set by set."""
        cuts = (
            (set_index, number, group[first : first + self.shard_images])
            for set_index, (number, group) in itertools.product(range(len(self.sets)), enumerate(self.groups))
            for first in range(0, len(group), self.shard_images)
        )
        return [Shard(position, *cut) for position, cut in enumerate(cuts)]

    def to_dict(self) -> dict[str, object]:
        """Plain values for JSON."""
        return {**asdict(self), "grid": self.grid.to_dict()}

    @classmethod
    def from_dict(cls, values: Mapping[str, object]) -> Plan:
        """The inverse of `to_dict`; what release 0.1.0 wrote is read, too."""
        plain = dict(values)
        if "fingerprint" in plain:
            plain |= {"truth": plain.pop("fingerprint"), "reading": 1}
        plain["grid"] = Grid.from_dict(plain["grid"])  # type: ignore[arg-type]
        groups = tuple(tuple(group) for group in plain["groups"])  # type: ignore[attr-defined]
        plain["groups"] = groups
        plain["sets"] = tuple(plain["sets"])  # type: ignore[arg-type]
        if "sources" not in plain:  # planned when the id alone told them
            plain["sources"] = {id_: id_.rsplit("_", 1)[-1] for group in groups for id_ in group}
        return cls(**plain)  # type: ignore[arg-type]


def fold_of(group: int) -> int:
    """The cross-validation fold that a group lies in."""
    return group % FOLDS


def dealt(
    ids: Sequence[str], sources: Mapping[str, str], groups: int, seed: int
) -> tuple[tuple[str, ...], ...]:
    """Deal samples into groups of nearly equal size, by a seeded shuffle.

    Samples of one source image stay together, so that no fold is tested on an image
    that it was tuned on. sources: the source image of every sample by id. Empty
    groups are left out.
    """
    together: dict[str, list[str]] = {}
    for id_ in sorted(ids):
        together.setdefault(sources[id_], []).append(id_)
    names = sorted(together)
    random.Random(seed).shuffle(names)
    hands: list[list[str]] = [[] for _ in range(groups)]
    for name in names:
        min(hands, key=len).extend(together[name])
    return tuple(tuple(sorted(hand)) for hand in hands if hand)


def kept_bytes(images: int, grid: Grid, sets: int) -> int:
    """Disk that counts per image take: TP and FP in two bytes each (four for images above 65,535 pixels)."""
    return images * len(grid.configs) * len(THRESHOLDS) * 2 * 2 * sets


def streaming_bytes(grid: Grid, labels: int) -> int:
    """Memory of one heatmap set's sums in a run that keeps no counts per image."""
    planes = 9 + labels + GROUPS
    return planes * grid.cells * 8
