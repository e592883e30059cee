"""What a number stands on: how files were read, what is empty, constant, left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cliploc.core.datasets import Dataset
from cliploc.core.heatmaps.sound import constant_heatmaps

if TYPE_CHECKING:
    from cliploc.core.heatmaps.store import Heatmap


@dataclass(frozen=True)
class Ground:
    """What must be known beside a score.

    images: samples that are scored; empty: those whose true mask is; constant: those whose heatmap
    is; left_out: samples with a heatmap in which every pixel is ignored. assumed: sentences about
    how files were read, and what was taken for granted about the network.
    """

    images: int
    empty: int
    constant: int
    left_out: int
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
        ]

    def to_dict(self) -> dict[str, object]:
        """Plain values for JSON."""
        return {
            "empty_masks": self.empty,
            "constant_heatmaps": self.constant,
            "left_out": self.left_out,
            "notes": self.sentences,
        }


def ground(
    dataset: Dataset, ids: Sequence[str], heatmaps: Mapping[str, Heatmap] | None = None, assumed: str = ""
) -> Ground:
    """The ground of scores over the samples `ids`. assumed: about the network. DatasetError."""
    scored = [id_ for id_ in ids if id_ not in dataset.left_out]
    maps = {id_: heatmaps[id_] for id_ in scored if id_ in heatmaps} if heatmaps else {}
    return Ground(
        images=len(scored),
        empty=len(dataset.empty.intersection(scored)),
        constant=len(constant_heatmaps(maps)),
        left_out=len(dataset.left_out.intersection(ids if heatmaps is None else heatmaps)),
        assumed=(*dataset.notes, *filter(None, [assumed])),
    )
