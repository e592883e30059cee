"""What one mask file is: its pixels as numbers, and what kind of numbers they are."""

from __future__ import annotations

import json
import struct
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from core.datasets import files
from core.datasets.pictures import PNG, Size, check_png, opened
from core.errors import DatasetError

Values = npt.NDArray[np.integer]

GREY, PALETTE, COLOUR = "grey", "palette", "colour"
MIDDLE = 127  # soft and lossy masks are foreground above this grey value
MOST_VALUES = 256  # of a form; a mask with more is no mask of classes
# Where a mask has soft edges, most of its pixels still lie at both ends.
_NEAR, _SOFT_SHARE, _SOFT_LEVELS = 8, 0.5, 8
_VERSION = "mask form 1"
_SLICE = 1 << 22
_LARGEST_PLANES = 40_000_000  # pixels of a mask that is more than one plane of bytes


@dataclass(frozen=True)
class Form:
    """What one mask file is.

    kind: what its values are: grey levels, palette indices or 0xRRGGBB colours. lossy: a JPEG or
    the like. values: pixels by value, the most frequent ones; levels: how many values there are;
    high: pixels above MIDDLE; near: pixels within 8 of 255. problem: why it cannot be read.
    """

    kind: str = GREY
    size: Size = (0, 0)
    lossy: bool = False
    values: dict[int, int] = field(default_factory=dict)
    levels: int = 0
    high: int = 0
    near: int = 0
    problem: str = ""

    @property
    def ids(self) -> set[int]:
        """The values besides 0."""
        return set(self.values) - {0}

    @property
    def pixels(self) -> int:
        """How many pixels it has."""
        return self.size[0] * self.size[1]

    @property
    def soft(self) -> bool:
        """Whether it is grey with soft edges, resized or smoothed: foreground is above MIDDLE."""
        bright = self.pixels - self.values.get(0, 0)
        at_the_end = self.high > 0 and self.near >= _SOFT_SHARE * self.high and 2 * self.high >= bright
        return self.kind == GREY and not self.lossy and self.levels >= _SOFT_LEVELS and at_the_end


def form_of(path: Path) -> Form:
    """Look at one mask file. Never an error: what is wrong is its `problem`."""
    try:
        return described(*values_of(path))
    except DatasetError as error:
        return Form(problem=str(error))


def described(values: Values, kind: str, lossy: bool) -> Form:
    """The form of decoded values, see `values_of`."""
    if kind != COLOUR and values.max(initial=0) < 1 << 16:
        counts = _counted(values.ravel())
        found = np.flatnonzero(counts)
        times = counts[found]
    else:
        found, times = np.unique(values, return_counts=True)
    most = np.argsort(-times, kind="stable")[:MOST_VALUES]
    return Form(
        kind=kind,
        size=(values.shape[1], values.shape[0]),
        lossy=lossy,
        values={int(found[i]): int(times[i]) for i in sorted(most)},
        levels=len(found),
        high=int(times[found > MIDDLE].sum()),
        near=int(times[np.abs(found.astype(np.int64) - 255) <= _NEAR].sum()),
    )


def _counted(values: Values) -> npt.NDArray[np.int64]:
    """Pixels by value below 65,536; in slices, since numpy counts a copy of eight bytes a pixel."""
    length = 256 if values.dtype == np.uint8 else 1 << 16
    counts = np.zeros(length, np.int64)
    for first in range(0, len(values), _SLICE):
        counts += np.bincount(values[first : first + _SLICE], minlength=length)
    return counts


def forms_of(paths: Sequence[Path]) -> list[Form]:
    """The forms of many files; each file is decoded once, as long as it stays what it is."""
    return [
        _form(json.loads(text))
        for text in files.facts(_VERSION, paths, lambda path: json.dumps(asdict(form_of(path))))
    ]


def _form(plain: dict[str, object]) -> Form:
    values, size = plain.pop("values"), plain.pop("size")
    assert isinstance(values, dict)
    assert isinstance(size, list)
    return Form(
        values={int(value): int(count) for value, count in values.items()},
        size=(size[0], size[1]),
        **plain,  # type: ignore[arg-type]
    )


def values_of(path: Path) -> tuple[Values, str, bool]:
    """The file as numbers (H, W), what they are, and whether compression has blurred them. DatasetError."""
    content = files.read(path)
    check_png(path, content)
    if content.startswith(PNG) and content[24:25] == b"\x10":
        return (*_from_planes(_sixteen_bits(path, content), path), False)
    with opened(path, content) as image:
        if image.format in ("JPEG", "MPO"):
            return _from_jpeg(path, content), GREY, True
        lossy = image.format == "JPEG2000" or (image.format == "WEBP" and b"VP8L" not in content[:64])
        if image.width * image.height > _LARGEST_PLANES and image.mode not in ("1", "L", "P"):
            raise DatasetError(
                f"{path} is a mask of {image.width} x {image.height} in mode {image.mode}; expected one "
                "channel of 8 bits where it is so large"
            )
        if image.mode == "P" and "transparency" not in image.info and not lossy:
            return (*_from_palette(np.asarray(image), image.getpalette("RGB") or []), False)
        planes = np.asarray(_plain(image, lossy))
    if planes.dtype.kind == "f":
        planes = _from_floats(path, planes)
    return (*_from_planes(planes.astype(np.uint8) * 255 if planes.dtype == bool else planes, path), lossy)


def _from_jpeg(path: Path, content: bytes) -> Values:
    """OpenCV refuses a damaged JPEG, where Pillow fills in what is missing."""
    flags = cv2.IMREAD_GRAYSCALE | cv2.IMREAD_IGNORE_ORIENTATION
    try:
        found = cv2.imdecode(np.frombuffer(content, np.uint8), flags)
    except (cv2.error, MemoryError):
        found = None
    if found is None:
        raise DatasetError(f"{path} is not a picture that can be decoded: it is cut short or damaged")
    return found  # type: ignore[no-any-return]


def _plain(image: Image.Image, lossy: bool) -> Image.Image:
    """The image in a mode whose pixels are numbers that mean something."""
    if lossy:
        return image.convert("L")
    if image.mode in ("P", "PA"):
        return image.convert("RGBA")
    known = ("1", "L", "LA", "I", "I;16", "I;16B", "I;16L", "F", "RGB", "RGBA")
    return image if image.mode in known else image.convert("RGB")


def _sixteen_bits(path: Path, content: bytes) -> Values:
    """A PNG with 16 bits, which Pillow reduces to 8 where there are several channels."""
    try:
        found = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error:
        found = None
    if found is None:
        width, height = struct.unpack(">II", content[16:24])
        raise DatasetError(
            f"{path} ({width} x {height}, 16 bits) cannot be decoded: it is cut short or damaged"
        )
    if found.ndim == 3 and found.shape[2] >= 3:
        found = found[..., [2, 1, 0, *range(3, found.shape[2])]]
    return found  # type: ignore[no-any-return]


def _from_floats(path: Path, planes: npt.NDArray[np.generic]) -> Values:
    floats = planes.astype(np.float64)
    largest = floats.max(initial=0)
    if not np.isfinite(floats).all() or floats.min(initial=0) < 0 or largest > 1 << 23:
        raise DatasetError(
            f"{path} holds floats that are no mask; expected values from 0 to 1, or from 0 to 255"
        )
    return np.rint(floats * 255 if largest <= 1 else floats).astype(np.int64)


def _from_palette(indices: npt.NDArray[np.uint8], palette: Sequence[int]) -> tuple[Values, str]:
    """A palette of greys is a grey picture in disguise; any other holds class numbers."""
    used = np.unique(indices)
    colours = np.array(palette[: len(palette) // 3 * 3], np.int64).reshape(-1, 3)
    if used.max(initial=0) < len(colours):
        shown = colours[used]
        if (shown == shown[:, :1]).all() and len(np.unique(shown[:, 0])) == len(used):
            return colours[indices, 0], GREY
    return indices, PALETTE


def _from_planes(planes: npt.NDArray[np.generic], path: Path) -> tuple[Values, str]:
    """Grey, colour, and either with alpha, as one plane of numbers."""
    if planes.ndim == 2 and planes.dtype == np.uint8:
        return planes, GREY  # type: ignore[return-value]
    values = planes.astype(np.int64)
    if values.min(initial=0) < 0:
        raise DatasetError(f"{path} holds negative values; expected a mask from 0 up")
    if values.max(initial=0) > 255 and (values % 257 == 0).all():
        values //= 257  # 8 bits, written as 16
    if values.ndim == 2:
        return values, GREY
    alpha = values[..., -1] if values.shape[2] in (2, 4) else None
    plane, kind = _from_colours(values[..., : values.shape[2] - (alpha is not None)])
    if alpha is None or alpha.min() == alpha.max():
        return plane, kind
    if plane.min() == plane.max():
        return alpha, GREY  # the shape is in the alpha channel alone
    return np.where(alpha > 0, plane, 0), kind


def _from_colours(colours: npt.NDArray[np.int64]) -> tuple[Values, str]:
    if (colours == colours[..., :1]).all():
        return colours[..., 0], GREY
    if colours.max(initial=0) > 255:
        colours = colours >> 8
    return colours[..., 0] << 16 | colours[..., 1] << 8 | colours[..., 2], COLOUR
