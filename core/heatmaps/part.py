"""One machine's share of a computation that several do: every n-th of its fixed batches."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from cliploc.core.errors import ParameterError, clean

T = TypeVar("T")

SLURM = "slurm"
_FIRST, _LAST, _STEP, _OWN = (f"SLURM_ARRAY_TASK_{name}" for name in ("MIN", "MAX", "STEP", "ID"))


@dataclass(frozen=True)
class Part:
    """Share `index` (from 0) of `count` equal ones."""

    index: int = 0
    count: int = 1

    def of(self, batches: Sequence[T]) -> Sequence[T]:
        """Those of the batches that are this share's."""
        return batches[self.index :: self.count]


def part_of(text: str, environment: Mapping[str, str]) -> Part:
    """The share that `i/n` means, i from 0 to n - 1, or `slurm`: what an array job's variables say.

    ParameterError for anything else, and for an array whose tasks are no even sequence.
    """
    if text == SLURM:
        return _of_array(environment)
    written = re.fullmatch(r"(\d{1,6})/(\d{1,6})", text)
    if not written or not int(written[1]) < int(written[2]):
        raise ParameterError(
            f"part: found {clean(text)!r}, expected i/n with i from 0 to n - 1, for example 0/4, or {SLURM}"
        )
    return Part(int(written[1]), int(written[2]))


def _of_array(environment: Mapping[str, str]) -> Part:
    try:
        first, last, own = (int(environment[name]) for name in (_FIRST, _LAST, _OWN))
        step = int(environment.get(_STEP, "1"))
    except (KeyError, ValueError) as error:
        raise ParameterError(
            f"part: {SLURM} is for the task of an array job (sbatch --array=0-3), which has {_FIRST}, "
            f"{_LAST} and {_OWN}; elsewhere say i/n"
        ) from error
    if step < 1 or not first <= own <= last or (own - first) % step or (last - first) % step:
        raise ParameterError(
            f"part: task {own} of {first} to {last} in steps of {step}: no even sequence; say i/n"
        )
    return Part((own - first) // step, (last - first) // step + 1)
