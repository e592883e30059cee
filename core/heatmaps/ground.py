"""What a number stands on: how files were read, what is empty, constant, left out, no number at all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from cliploc.core.codes import Float32
from cliploc.core.datasets import Dataset
from cliploc.core.errors import CheckpointError, ParameterError, clean
from cliploc.core.heatmaps.recipe import Recipe
from cliploc.core.stretch import AnyHeatmap, values_of


@dataclass(frozen=True)
class Ground:
    """What must be known beside a score.

    images: samples that are scored; empty: those whose true mask is; constant: those whose heatmap
    is; left_out: samples with a heatmap in which every pixel is ignored; without_truth: those that have
    no true mask. assumed: sentences about
    how files were read, and what was taken for granted about the network.
    """

    images: int
    empty: int
    constant: int
    left_out: int
    without_truth: int
    assumed: tuple[str, ...]

    @property
    def sentences(self) -> list[str]:
        """All of it in words, for people; [] where everything is as everybody expects."""
        return [
            *self.assumed,
            *(
                [f"{self.empty} of {self.images} true masks are empty: there, nothing predicted scores 1"]
                if self.empty
                else []
            ),
            *([f"{self.constant} of {self.images} heatmaps are constant"] if self.constant else []),
            *([f"{self.left_out} samples are ignored all over, and are left out"] if self.left_out else []),
            *([f"{self.without_truth} samples have no true mask, left out"] if self.without_truth else []),
        ]

    def to_dict(self) -> dict[str, object]:
        """Plain values for JSON."""
        return {
            "empty_masks": self.empty,
            "constant_heatmaps": self.constant,
            "left_out": self.left_out,
            "without_truth": self.without_truth,
            "notes": self.sentences,
        }


def ground(
    dataset: Dataset, ids: Sequence[str], heatmaps: Mapping[str, AnyHeatmap] | None = None, assumed: str = ""
) -> Ground:
    """The ground of scores over the samples `ids`. assumed: about the network. DatasetError."""
    scored = [id_ for id_ in ids if id_ not in dataset.left_out | dataset.without_truth]
    looked = set(ids if heatmaps is None else heatmaps)
    maps = {id_: heatmaps[id_] for id_ in scored if id_ in heatmaps} if heatmaps else {}
    return Ground(
        images=len(scored),
        empty=len(dataset.empty.intersection(scored)),
        constant=len(constant_heatmaps(maps)),
        left_out=len(dataset.left_out & looked),
        without_truth=len(dataset.without_truth & looked),
        assumed=(*dataset.notes, *filter(None, [assumed])),
    )


def check_finite(maps: Float32, ids: Iterable[str], recipe: Recipe, precision: str) -> None:
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


def constant_heatmaps(heatmaps: Mapping[str, AnyHeatmap]) -> list[str]:
    """The ids of heatmaps of one value everywhere: the method sees nothing in these samples."""
    return [id_ for id_, heatmap in heatmaps.items() if np.ptp(values_of(heatmap)) == 0]
