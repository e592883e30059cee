"""Dataset and Sample: what to localize. Nothing is decoded until asked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from core.errors import unknown

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Image = npt.NDArray[np.uint8]
    Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Sample:
    """One image, the label to find in it, and the true mask of that label.

    id: unique in the dataset (the stem of the real image's file). The loaders
    are picklable, so that a sample can travel to another process.
    """

    id: str
    label: str
    load_image: Callable[[], Image] = field(repr=False)
    load_mask: Callable[[], Mask] = field(repr=False)
    load_ignore: Callable[[], Mask] | None = field(default=None, repr=False)

    def image(self) -> Image:
        """The image, (H, W, 3) uint8 RGB. DatasetError when the file is gone or broken."""
        return self.load_image()

    def true_mask(self) -> Mask:
        """The true mask, (H, W) bool, of the image's size. DatasetError when the file is gone or broken."""
        return self.load_mask()

    def ignored(self) -> Mask | None:
        """Pixels that count neither for nor against, (H, W) bool (COCO crowd regions); None for none."""
        return self.load_ignore() if self.load_ignore else None


@dataclass(frozen=True)
class Dataset:
    """Samples in a fixed order, under the name and the spec that open them again.

    digest: reads every file once and returns the hex SHA-256 that identifies the content.
    """

    name: str
    spec: str
    samples: tuple[Sample, ...]
    digest: Callable[[], str] = field(repr=False)

    @cached_property
    def fingerprint(self) -> str:
        """Identity by content: hex SHA-256 over ids, labels, images and true masks. Reads all files."""
        return self.digest()

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """The class names, sorted."""
        return tuple(sorted({sample.label for sample in self.samples}))

    @cached_property
    def label_counts(self) -> dict[str, int]:
        """How many samples each class has, by sorted class name."""
        counts = Counter(sample.label for sample in self.samples)
        return {label: counts[label] for label in self.labels}

    def sources(self) -> Mapping[str, str]:
        """The source image's name of every sample by id: the part of the id after the last `_`."""
        return {sample.id: sample.id.rsplit("_", 1)[-1] for sample in self.samples}

    @cached_property
    def _by_id(self) -> dict[str, Sample]:
        return {sample.id: sample for sample in self.samples}

    def by_id(self, id_: str) -> Sample:
        """The sample with this id; ParameterError with the nearest ids for another."""
        try:
            return self._by_id[id_]
        except KeyError:
            raise unknown("sample", id_, self._by_id) from None
