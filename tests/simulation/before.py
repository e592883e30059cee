"""The estimators of version 0.1, for the README's "before": what they printed, and how it was computed."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from cliploc.core.sweep.statistics import UNIT, IouTable

Ends = tuple[float, float]


def tuned_interval(table: IouTable, seed: int, replicates: int = 300) -> Ends:
    """Percentile bootstrap of the best cell's mean, the cell chosen anew in each replicate."""
    weights = _resampled(len(table.sizes), replicates, seed)
    means = (weights @ table.totals.astype(np.float32)).max(axis=1) / UNIT / len(table.sizes)
    low, high = np.quantile(means, [0.025, 0.975])
    return float(low), float(high)


def held_out(table: IouTable, folds: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """One cross-validation: every image at the cell that is best on the other folds. folds: (units,)."""
    found = np.zeros(len(folds))
    whole = table.totals.sum(axis=0, dtype=np.int64)
    for fold in np.unique(folds):
        inside = folds == fold
        choice = int(np.argmax(whole - table.totals[inside].sum(axis=0, dtype=np.int64)))
        found[inside] = table.totals[inside, choice] / UNIT
    return found


def compared(
    first: npt.NDArray[np.float64], second: npt.NDArray[np.float64], seed: int
) -> tuple[Ends, float]:
    """Percentile bootstrap of held-out differences as if they were independent, and sign-flip p."""
    gains, flips = first - second, 2000
    random = np.random.default_rng(seed)
    means = random.multinomial(len(gains), np.full(len(gains), 1 / len(gains)), size=1000) @ gains
    signs = random.choice((-1.0, 1.0), size=(flips, len(gains)))
    extreme = int((np.abs(signs @ gains) >= abs(gains.sum()) - 1e-12).sum())
    low, high = np.quantile(means / len(gains), [0.025, 0.975])
    return (float(low), float(high)), (extreme + 1) / (flips + 1)


def _resampled(units: int, replicates: int, seed: int) -> npt.NDArray[np.float32]:
    random = np.random.default_rng(seed)
    return random.multinomial(units, np.full(units, 1 / units), size=replicates).astype(np.float32)
