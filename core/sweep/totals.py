"""The running totals of one heatmap set: sums, and IoU by group."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from cliploc.core.metrics import Integers
from cliploc.core.postprocess import THRESHOLDS
from cliploc.core.sweep.plan import FOLDS, fold_of
from cliploc.core.sweep.statistics import UNIT as TABLE_UNIT
from cliploc.core.sweep.statistics import IouTable
from cliploc.core.sweep.summary import Scored
from cliploc.core.sweep.sums import UNIT, Sums


@dataclass
class Totals:
    """What is known of a heatmap set so far.

    groups: IoU sums (groups, C, T) in units of 2^-40. label_sizes, group_sizes: how many images each
    label and group will have in the end.
    """

    sums: Sums
    groups: Integers
    label_sizes: dict[str, int]
    group_sizes: tuple[int, ...]

    @classmethod
    def zero(cls, configs: int, label_sizes: Mapping[str, int], group_sizes: tuple[int, ...]) -> Totals:
        """Before the first shard."""
        shape = (configs, len(THRESHOLDS))
        return cls(
            Sums.zero(configs),
            np.zeros((len(group_sizes), *shape), np.int64),
            dict(label_sizes),
            group_sizes,
        )

    def add(self, group: int, sums: Sums) -> None:
        """Add a shard, whose images all lie in one group."""
        self.sums += sums
        self.groups[group] += sums.iou

    def table(self) -> IouTable:
        """The groups as units of statistics, when images are not kept."""
        totals = np.rint(self.groups.reshape(len(self.groups), -1) / UNIT * TABLE_UNIT)
        return IouTable(totals.astype(np.uint64), np.array(self.group_sizes))

    def scored(self, table: IouTable, units: Sequence[str] | None) -> Scored:
        """All of it for a summary; table and units: see `Scored`."""
        return Scored(
            table,
            units,
            self.sums.columns()["mean_iou"].ravel(),
            self.sums.everything.ravel(),
            self.sums.nothing.ravel(),
            self.label_sizes,
        )

    def columns(self) -> dict[str, list[bytes]]:
        """Every score as the ledger keeps it: by name, the bytes of each config's float64 values.

        `folds` (F, T) is float64 too.
        """
        table = {name: [row.tobytes() for row in values] for name, values in self.sums.columns().items()}
        table["folds"] = [row.tobytes() for row in np.moveaxis(self._fold_means(), 1, 0)]
        return table

    def _fold_means(self) -> npt.NDArray[np.float64]:
        sums = np.zeros((min(FOLDS, len(self.groups)), *self.groups.shape[1:]), np.int64)
        sizes = np.zeros(len(sums), np.int64)
        for group, (values, size) in enumerate(zip(self.groups, self.group_sizes, strict=True)):
            sums[fold_of(group)] += values
            sizes[fold_of(group)] += size
        means: npt.NDArray[np.float64] = sums / UNIT / sizes[:, None, None]
        return means

    def arrays(self, prefix: str) -> dict[str, Integers]:
        """All numbers by name, for a checkpoint file."""
        named = {f"{prefix}{field.name}": getattr(self.sums, field.name) for field in fields(Sums)}
        return named | {f"{prefix}groups": self.groups}

    def restore(self, arrays: Mapping[str, Integers], prefix: str) -> None:
        """The inverse of `arrays`."""
        self.sums = Sums(*(arrays[f"{prefix}{field.name}"] for field in fields(Sums)))
        self.groups = arrays[f"{prefix}groups"]
