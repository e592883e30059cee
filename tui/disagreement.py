"""How much the stored heatmap sets of a dataset disagree about each sample."""

from __future__ import annotations

from array import array
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from math import nan

from cliploc.core.postprocess import THRESHOLDS, PostProcess

# Stored heatmap sets that it takes.
ENOUGH = 2


@dataclass(frozen=True)
class Disagreement:
    """Standard deviation (population) of each sample's IoU over heatmap sets, under one config.

    spread: all thresholds of the first of `ids`, then of the next; those are the samples
    that two or more of the `sets` have. The config's threshold does not matter.
    """

    config: PostProcess
    sets: tuple[str, ...]
    ids: tuple[str, ...]
    spread: array[float]

    def is_enough(self) -> bool:
        """Whether there are sets that may disagree."""
        return len(self.sets) >= ENOUGH

    @property
    def text(self) -> str:
        """What is said of it."""
        if self.is_enough():
            return f"disagreement between {', '.join(self.sets)}"
        here = ", ".join(self.sets) or "none"
        return f"disagreement needs {ENOUGH} stored sets or more; here: {here}. m and A make another"

    def of(self, id_: str, index: int) -> float | None:
        """Of one sample at one threshold index; None where it has none."""
        row = self._rows.get(id_)
        return None if row is None else self.spread[row * len(THRESHOLDS) + index]

    def at(self, index: int, places: Mapping[str, int]) -> array[float]:
        """At one threshold index, as long as the dataset, NaN for samples without one.

        places: of its samples by id.
        """
        found = array("d", [nan]) * len(places)
        for id_, value in zip(self.ids, self.spread[index :: len(THRESHOLDS)], strict=True):
            found[places[id_]] = value
        return found

    @cached_property
    def _rows(self) -> dict[str, int]:
        return {id_: row for row, id_ in enumerate(self.ids)}
