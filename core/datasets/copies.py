"""A dataset's samples on their way into another layout, and what of each must be the same there."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from cliploc.core.datasets import Dataset, Sample, files, ids
from cliploc.core.datasets.pictures import header
from cliploc.core.paths import make_folder

if TYPE_CHECKING:
    from cliploc.core.datasets.sample import Image, Mask

Report = Callable[[int, int], None]  # how many of how many samples are done
Facts = tuple[str, ...]
# By what Pillow calls a format; other pictures are written as PNG.
ENDINGS = {"JPEG": ".jpg", "MPO": ".jpg", "PNG": ".png", "BMP": ".bmp", "WEBP": ".webp", "TIFF": ".tif"}


@dataclass(frozen=True)
class Copy:
    """A sample as it is written. picture: its file's name; mask, ignored: (H, W) bool, None for none."""

    sample: Sample
    picture: str
    source: str
    mask: Mask
    ignored: Mask | None


class Copies:
    """The samples to write, picture by picture; each picture is written when it is first met.

    seen: how often facts were met so far. labels: sorted.
    """

    def __init__(self, dataset: Dataset, samples: Sequence[Sample], root: Path, report: Report) -> None:
        self.root = root
        self.labels = sorted({sample.label for sample in samples})
        # Those of one picture and source together, so that whoever writes them needs no others.
        self.samples = sorted(samples, key=lambda each: (_picture_of(each), dataset.sources[each.id]))
        self.seen: Counter[Facts] = Counter()
        self._sources = dataset.sources
        self._report = report
        pictures = list(dict.fromkeys(_picture_of(sample) for sample in samples))
        stems = ids.unique(
            [(Path(name).stem, f"{Path(name).parent.name}_{Path(name).stem}") for name in pictures]
        )
        self._stems = dict(zip(pictures, stems, strict=True))
        self._names: dict[str, str] = {}

    @property
    def stems(self) -> Collection[str]:
        """The pictures' names without endings."""
        return self._stems.values()

    def each(self, folder: str) -> Iterator[Copy]:
        """Every sample, its picture written into the folder."""
        make_folder(self.root / folder)
        for place, sample in enumerate(self.samples, 1):
            mask, ignored = sample.true_mask(), sample.ignored()
            ignored = ignored if ignored is not None and ignored.any() else None
            image = sample.image()
            source = self._sources[sample.id]
            name = self._picture(sample, image, folder)
            self.seen[facts_of(sample.label, source, mask, ignored, image)] += 1
            yield Copy(sample, name, source, mask, ignored)
            self._report(place, len(self.samples))

    def _picture(self, sample: Sample, image: Image, folder: str) -> str:
        key = _picture_of(sample)
        if key not in self._names:
            content, ending = _as_file(sample.path, image)
            self._names[key] = f"{self._stems[key]}{ending}"
            (self.root / folder / self._names[key]).write_bytes(content)
        return self._names[key]


def _picture_of(sample: Sample) -> str:
    return str(sample.path or sample.id)


def _as_file(path: Path | None, image: Image) -> tuple[bytes, str]:
    """A picture's bytes and ending: as they are, or as PNG where they would be shown otherwise."""
    if path is not None:
        head = header(path)
        if head.orientation == 1 and head.format in ENDINGS:
            return files.read(path), ENDINGS[head.format]
    return cv2.imencode(".png", cv2.cvtColor(image, cv2.COLOR_RGB2BGR))[1].tobytes(), ".png"


def facts_of(label: str, source: str, mask: Mask, ignored: Mask | None, image: Image) -> Facts:
    """What must be the same in the copy; arrays by their content. Ignoring nothing is the same as None."""
    nothing = ignored is None or not ignored.any()
    arrays = (mask, np.zeros(0, bool) if nothing or ignored is None else ignored, image)
    digests = (hashlib.sha256(f"{each.shape}".encode() + each.tobytes()).hexdigest() for each in arrays)
    return label, source, *digests
