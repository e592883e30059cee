"""Heatmaps that say nothing: refused where they are no numbers, counted where they are all one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import numpy.typing as npt

from cliploc.core.errors import CheckpointError, ParameterError, clean
from cliploc.core.heatmaps.recipe import Recipe

Heatmap = npt.NDArray[np.float32]


def check_finite(maps: npt.NDArray[np.float32], ids: Iterable[str], recipe: Recipe, precision: str) -> None:
    """Stop for NaN or infinity in maps (n, ...) of samples, naming the first, the likely cause, the remedy.

    ParameterError for float16, which overflows; CheckpointError otherwise: the weights are broken.
    """
    finite = [bool(np.isfinite(each).all()) for each in maps]
    if all(finite):
        return
    touched = [clean(id_) for id_, good in zip(ids, finite, strict=True) if not good]
    more = f" and {len(touched) - 1} more of its batch" if len(touched) > 1 else ""
    found = f"{recipe.method} gives NaN or infinity for {touched[0]}{more}, so that nothing of it is stored; "
    if precision == "float16":
        raise ParameterError(
            f"{found}numbers beyond what float16 holds are the likely cause: --precision float32"
        )
    network = ":".join(filter(None, (recipe.backbone, recipe.weights)))
    raise CheckpointError(
        f"{found}broken weights are the likely cause: cliploc models check {clean(network)}"
    )


def constant_heatmaps(heatmaps: Mapping[str, Heatmap]) -> list[str]:
    """The ids of heatmaps of one value everywhere: the method sees nothing in these samples."""
    return [id_ for id_, heatmap in heatmaps.items() if heatmap.min() == heatmap.max()]
