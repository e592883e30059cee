"""Dataset and Sample: what to localize. Nothing is decoded until asked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from cliploc.core.datasets.columns import Coded, Samples
from cliploc.core.datasets.ids import file_name
from cliploc.core.errors import DatasetError, clean, unknown

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    import numpy.typing as npt

    Image = npt.NDArray[np.uint8]
    from cliploc.core.datasets.drawn import Drawing

    Mask = npt.NDArray[np.bool_]

# How true masks are read. Scores of another rule are other scores. 1: release 0.1.0, where
# foreground was what is above 127, whatever the file was.
READING = 2
Box = tuple[int, int, int, int]  # x0, y0, x1, y1 in pixels, both ends inside


def nothing() -> None:
    """No pixel is ignored."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One image, the label to find in it, and the true mask of that label.

    id: unique in the dataset, and a file name. image: loads the picture, (H, W, 3) uint8 RGB;
    DatasetError when the file is gone, broken or of another size. true_mask: likewise the true mask,
    (H, W) bool, of the image's size; DatasetError where nobody has marked it (`Dataset.without_truth`).
    ignored: pixels that count neither for nor against, (H, W) bool
    (void, COCO's crowds), None for none. source: the image that it was made from, as
    far as table, annotations or names say; `Dataset.sources` knows better where it is the
    pictures' content that tells. path: of the picture's file. boxes: true ones, where somebody has told
    them instead of a mask. carried: true_mask and ignored as loaders that need no file, to be called on
    another machine; None where the mask itself has to travel. The loaders are picklable, so that a sample
    can travel to another process.
    """

    id: str
    label: str
    image: Callable[[], Image] = field(repr=False)
    true_mask: Callable[[], Mask] = field(repr=False)
    ignored: Callable[[], Mask | None] = field(default=nothing, repr=False)
    source: str = ""
    path: Path | None = None
    boxes: tuple[Box, ...] = ()
    carried: Callable[[], tuple[Callable[[], Mask], Callable[[], Mask | None]]] | None = field(
        default=None, repr=False
    )


@dataclass(frozen=True)
class Content:
    """What only a dataset's files can tell; each is found when it is first asked for.

    pictures, truth, legacy: hex SHA-256, see `Dataset`. sources: of samples whose picture's
    content decides. notes: sentences about how the files were read. empty: samples whose true mask
    is. left_out: samples in which every pixel is ignored. without_truth: samples that have no true mask.
    drawing: where true masks are drawn, None for a dataset that has its own.
    """

    pictures: Callable[[], str]
    truth: Callable[[], str]
    legacy: Callable[[], str]
    sources: Callable[[], Mapping[str, str]] = dict
    notes: Callable[[], tuple[str, ...]] = tuple
    empty: Callable[[], frozenset[str]] = frozenset
    left_out: Callable[[], frozenset[str]] = frozenset
    without_truth: Callable[[], frozenset[str]] = frozenset
    drawing: Drawing | None = None


@dataclass(frozen=True)
class Dataset:
    """Samples in a fixed order, under the name and the spec that open them again.

    template: the usual prompt template, where the labels want one of their own; "" for the methods' usual.
    taken_for: the layout that its place was recognised as; "" where the spec says it, or it goes without.
    """

    name: str
    spec: str
    samples: Sequence[Sample]
    content: Content = field(repr=False)
    template: str = ""
    taken_for: str = ""

    @cached_property
    def pictures(self) -> str:
        """What heatmaps depend on: hex SHA-256 over ids, labels and pictures, as they are read."""
        return self.content.pictures()

    @cached_property
    def truth(self) -> str:
        """What scores depend on: hex SHA-256 over ids and true masks, and how they are to be read."""
        return self.content.truth()

    @cached_property
    def legacy(self) -> str:
        """The fingerprint that release 0.1.0 gave this dataset, by which its stores and runs know it.

        "" for what it could not open.
        """
        return self.content.legacy()

    @cached_property
    def scorable(self) -> tuple[Sample, ...]:
        """The samples that have a true mask, and at least one pixel that counts.

        DatasetError where no sample has a true mask: then there is nothing to score.
        """
        if self.boxed:
            raise DatasetError(
                f"{clean(self.name)} has boxes and no true masks: `cliploc evaluate` scores its heatmaps by "
                "MaxBoxAcc; IoU and everything that is made of it needs masks"
            )
        if len(self.without_truth) == len(self.samples):
            raise DatasetError(
                f"{clean(self.name)} has no true masks, so that nothing can be scored; `cliploc look` "
                "shows heatmaps without; X in cliploc-tui draws masks, a table.csv or COCO file names them"
            )
        return tuple(
            sample
            for sample in self.samples
            if sample.id not in self.left_out and sample.id not in self.without_truth
        )

    @cached_property
    def boxed(self) -> tuple[Sample, ...]:
        """The samples that have boxes instead of a true mask."""
        if isinstance(self.samples, Samples):
            return ()
        return tuple(sample for sample in self.samples if sample.boxes)

    @cached_property
    def notes(self) -> tuple[str, ...]:
        """Sentences about how the files were read, to stand beside every number. DatasetError."""
        taken = (f"taken for {self.taken_for} (layout= says another)",) if self.taken_for else ()
        return (*taken, *self.content.notes())

    @cached_property
    def empty(self) -> frozenset[str]:
        """Ids of samples whose true mask has no pixel. DatasetError."""
        return self.content.empty()

    @cached_property
    def left_out(self) -> frozenset[str]:
        """Ids of samples in which every pixel is ignored: there is nothing to score."""
        return self.content.left_out()

    @cached_property
    def without_truth(self) -> frozenset[str]:
        """Ids of samples of which nobody has said where their label is: heatmaps alone can be seen."""
        return self.content.without_truth()

    @property
    def drawing(self) -> Drawing | None:
        """Where true masks are drawn; None for a dataset that has its own."""
        return self.content.drawing

    @cached_property
    def ids(self) -> Sequence[str]:
        """The id of each sample, by its place."""
        made = self.samples
        return made.ids if isinstance(made, Samples) else [sample.id for sample in made]

    @cached_property
    def label_column(self) -> Coded:
        """The label of each sample, by its place."""
        made = self.samples
        return made.labels if isinstance(made, Samples) else Coded.of([sample.label for sample in made])

    @cached_property
    def places(self) -> dict[str, int]:
        """Where each sample stands, by id."""
        return {id_: place for place, id_ in enumerate(self.ids)}

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """The class names, sorted."""
        return tuple(self.label_counts)

    @cached_property
    def label_counts(self) -> dict[str, int]:
        """How many samples each class has, by sorted class name."""
        return dict(sorted(Counter(self.label_column).items()))

    @cached_property
    def sources(self) -> Mapping[str, str]:
        """The source image of every sample, by id: samples of one image are not independent."""
        found = self.content.sources()
        if len(found) == len(self.ids):
            return found
        return {**{sample.id: sample.source for sample in self.samples}, **found}

    def forget_truth(self) -> None:
        """True masks have been drawn or taken away: look again when they are asked for."""
        for name in ("truth", "scorable", "notes", "empty", "left_out", "without_truth"):
            self.__dict__.pop(name, None)

    def place_of(self, id_: str) -> int:
        """Where a sample stands, however its id's accents are composed; ParameterError for no sample's."""
        place = self.places.get(id_)
        place = self.places.get(file_name(id_)) if place is None else place
        if place is None:
            raise unknown("sample", id_, self.places)
        return place

    def by_id(self, id_: str) -> Sample:
        """The sample with this id, as `place_of` finds it."""
        return self.samples[self.place_of(id_)]

    def label_of(self, id_: str) -> str:
        """The label of the sample with this id, as `place_of` finds it."""
        return self.label_column[self.place_of(id_)]
