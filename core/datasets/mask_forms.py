"""What one mask file is: its pixels as numbers, and what kind of numbers they are.

Nothing is decided here, and nothing is scaled: the values are those in the file, so that
they mean the same in every file of a dataset.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from PIL import ExifTags, Image

from cliploc.core.datasets import files
from cliploc.core.datasets.pictures import BACK, PNG, Size, by_opencv, check_png, headers_of, opened, oriented
from cliploc.core.errors import DatasetError

Values = npt.NDArray[np.integer]

GREY, PALETTE, COLOUR = "grey", "palette", "colour"
MOST_VALUES = 256  # of a form; a mask with more is no mask of classes
_VERSION = "mask form 4"
_SLICE = 1 << 22
_LARGEST_PLANES = 40_000_000  # pixels of a mask that is more than one plane of bytes
_ONE_PLANE = ("1", "L", "P")  # Pillow's modes of a byte a pixel
_LARGE = 1 << 26  # pixels of one plane; as many bytes as a sixteenth of them takes in colours
_GREY_BITS = (1, 2, 4)  # of a PNG whose grey levels Pillow stretches to 8 bits
_FLAT_COLOURS = 16  # more, and what can be seen on a clear ground is a picture
_FLOAT_TOP = 255  # floats from 0 to 1 become whole numbers up to here


@dataclass(frozen=True)
class Pixels:
    """A decoded mask: values (H, W), what they are, and what the highest value of their type is.

    lossy: whether compression has blurred them. colours: of a palette, 0xRRGGBB by index.
    """

    values: Values
    kind: str = GREY
    top: int = 255
    lossy: bool = False
    colours: dict[int, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Form:
    """What one mask file is, in numbers.

    kind, top, lossy, colours: as of `Pixels`; colours only of indices that are used. values: pixels by
    value, the most frequent ones; levels: how many values there are. high: pixels above the
    middle; near: pixels hardly below the top; between: pixels well between both ends; busiest:
    the pixels of the most frequent value there; steps: how many values there are there; fringe:
    how many there are hardly above 0, and hardly below the top. frames: of a file with several
    pictures. problem: why it cannot be read.
    """

    kind: str = GREY
    size: Size = (0, 0)
    top: int = 255
    lossy: bool = False
    colours: dict[int, int] = field(default_factory=dict)
    values: dict[int, int] = field(default_factory=dict)
    levels: int = 0
    high: int = 0
    near: int = 0
    between: int = 0
    busiest: int = 0
    steps: int = 0
    fringe: tuple[int, int] = (0, 0)
    frames: int = 1
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
    def bright(self) -> int:
        """How many pixels are not 0; of a lossy file, not nearly 0."""
        return self.near + self.between if self.lossy else self.pixels - self.values.get(0, 0)


def middle_of(top: int) -> int:
    """The value above which a soft mask is foreground: 127 of 255."""
    return top * 127 // 255


def form_of(path: Path) -> Form:
    """Look at one mask file. Never an error: what is wrong is its `problem`."""
    try:
        return described(pixels_of(path), _frames(path))
    except DatasetError as error:
        return Form(problem=str(error))


def described(pixels: Pixels, frames: int = 1) -> Form:
    """The form of decoded pixels."""
    values = pixels.values
    if pixels.kind != COLOUR and values.max(initial=0) < 1 << 16:
        times = _counted(values.ravel())
        found: Values = np.flatnonzero(times)
        times = times[found]
    else:
        found, times = _counted_all(values.ravel())
    most = np.argsort(-times, kind="stable")[:MOST_VALUES]
    reach = pixels.top / 255
    high, low = found > pixels.top - 24 * reach, found < 24 * reach
    middle = ~high & ~low
    return Form(
        kind=pixels.kind,
        size=(values.shape[1], values.shape[0]),
        top=pixels.top,
        lossy=pixels.lossy,
        colours={index: pixels.colours.get(index, -1) for index in found.tolist()} if pixels.colours else {},
        values={int(found[i]): int(times[i]) for i in sorted(most)},
        levels=len(found),
        high=int(times[found > middle_of(pixels.top)].sum()),
        near=int(times[high].sum()),
        between=int(times[middle].sum()),
        busiest=int(times[middle].max(initial=0)),
        steps=int(middle.sum()),
        fringe=(int((low & (found > 0)).sum()), int((high & (found < pixels.top)).sum())),
        frames=frames,
    )


def _counted(values: Values) -> npt.NDArray[np.int64]:
    """Pixels by value below 65,536; in slices, since numpy counts a copy of eight bytes a pixel."""
    length = 256 if values.dtype == np.uint8 else 1 << 16
    counts = np.zeros(length, np.int64)
    for first in range(0, len(values), _SLICE):
        counts += np.bincount(values[first : first + _SLICE], minlength=length)
    return counts


def _counted_all(values: Values) -> tuple[Values, npt.NDArray[np.int64]]:
    """All values and their pixels; in slices, since numpy sorts a copy."""
    found: Values = values[:0]
    times = np.zeros(0, np.int64)
    for first in range(0, len(values), _SLICE):
        some, some_times = np.unique(values[first : first + _SLICE], return_counts=True)
        found, places = np.unique(np.concatenate([found, some]), return_inverse=True)
        weights = np.concatenate([times, some_times])
        times = np.bincount(places, weights=weights, minlength=len(found)).astype(np.int64)
    return found, times


def forms_of(paths: Sequence[Path]) -> list[Form]:
    """The forms of many files; each file is decoded once, as long as it stays what it is."""
    large = {
        path
        for path, head in zip(paths, headers_of(paths), strict=True)
        if head.size[0] * head.size[1] > (_LARGE if head.mode in _ONE_PLANE else _LARGE // 16)
    }
    texts = files.facts(_VERSION, paths, lambda path: json.dumps(asdict(form_of(path))), large.__contains__)
    return [_form(json.loads(text)) for text in texts]


def _form(plain: dict[str, object]) -> Form:
    for name in ("values", "colours"):
        numbers = plain.pop(name)
        assert isinstance(numbers, dict)
        plain[name] = {int(value): int(count) for value, count in numbers.items()}
    size, fringe = plain.pop("size"), plain.pop("fringe")
    assert isinstance(size, list)
    assert isinstance(fringe, list)
    return Form(size=(size[0], size[1]), fringe=(fringe[0], fringe[1]), **plain)  # type: ignore[arg-type]


def _frames(path: Path) -> int:
    with opened(path, path) as image:
        return int(getattr(image, "n_frames", 1))


def numbers_of(path: Path) -> Values:
    """The number that each pixel (H, W) of a map of classes holds: a grey level, a palette's index, or
    R + 256 G + 65536 B of a colour (COCO's panoptic maps, ImageNet-S). DatasetError.
    """
    pixels = pixels_of(path, indices=True)
    if pixels.lossy:
        raise DatasetError(
            f"{path} is a JPEG or the like, in which numbers of classes do not survive; save as PNG"
        )
    values = pixels.values
    if pixels.kind == COLOUR:
        return values >> 16 | (values & 0xFF00) | (values & 0xFF) << 16
    with opened(path, path) as image:
        coloured = image.mode in ("RGB", "RGBA")
    return values.astype(np.int32) * 0x010101 if coloured else values


def pixels_of(path: Path, indices: bool = False) -> Pixels:
    """Decode a mask file. indices: of a palette are taken whatever its colours are.

    DatasetError for what cannot be decoded or is no mask.
    """
    content = files.read(path)
    check_png(path, content)
    if content.startswith(PNG) and content[24:25] == b"\x10":
        return _from_planes(path, _sixteen_bits(path, content), 65535)
    with opened(path, content) as image:
        if image.format in ("JPEG", "MPO"):
            return Pixels(_from_jpeg(path, content), lossy=True)
        lossy = image.format in ("JPEG2000", "AVIF") or (
            image.format == "WEBP" and not _is_lossless_webp(content)
        )
        if image.width * image.height > _LARGEST_PLANES and image.mode not in _ONE_PLANE:
            raise DatasetError(
                f"{path} is a mask of {image.width} x {image.height} in mode {image.mode}; expected one "
                "channel of 8 bits where it is so large"
            )
        if image.mode == "P" and indices:
            return Pixels(_as_stored(image), PALETTE)
        if image.mode == "P":
            return _from_palette(path, _as_stored(image), _colours(image), _clear(image))
        planes = _as_stored(image)
        bits = content[24] if content.startswith(PNG) and image.mode in ("1", "L") else 8
    if planes.dtype == bool:
        return Pixels(planes.astype(np.uint8), top=1)
    if bits in _GREY_BITS:
        top = (1 << bits) - 1
        return Pixels(planes // (255 // top), top=top)
    if planes.dtype.kind == "f":
        return Pixels(_from_floats(path, planes))
    return _from_planes(path, planes, 255 if planes.dtype == np.uint8 else 65535, lossy)


def _as_stored(image: Image.Image) -> npt.NDArray[Any]:
    """The pixels as they are stored: Pillow turns a TIFF as its tag says, and forgets the tag then."""
    tag = int(image.getexif().get(ExifTags.Base.Orientation, 1)) if image.format == "TIFF" else 1
    planes: npt.NDArray[Any] = np.asarray(image if image.mode == "P" else _plain(image))
    return oriented(planes, BACK.get(tag, tag)) if 1 < tag <= 8 else planes


def _is_lossless_webp(content: bytes) -> bool:
    """Whether the picture's own chunk is VP8L; others (colour profile, EXIF, alpha) may come first."""
    place = 12
    while place + 8 <= len(content):
        name, length = content[place : place + 4], int.from_bytes(content[place + 4 : place + 8], "little")
        if name in (b"VP8L", b"VP8 "):
            return name == b"VP8L"
        if name == b"ANMF":
            return b"VP8L" in content[place : place + 8 + length]
        place += 8 + length + length % 2
    return False


def _plain(image: Image.Image) -> Image.Image:
    """The image in a mode whose pixels are numbers that mean something."""
    if image.mode == "PA":
        return image.convert("RGBA")
    known = ("1", "L", "LA", "I", "I;16", "I;16B", "I;16L", "F", "RGB", "RGBA")
    return image if image.mode in known else image.convert("RGB")


def _from_jpeg(path: Path, content: bytes) -> Values:
    """OpenCV refuses a damaged JPEG, where Pillow fills in what is missing."""
    found = by_opencv(content, cv2.IMREAD_GRAYSCALE | cv2.IMREAD_IGNORE_ORIENTATION)
    if found is None:
        raise DatasetError(f"{path} is not a picture that can be decoded: it is cut short or damaged")
    return found


def _sixteen_bits(path: Path, content: bytes) -> npt.NDArray[np.generic]:
    """A PNG with 16 bits, which Pillow reduces to 8 where there are several channels."""
    found = by_opencv(content, cv2.IMREAD_UNCHANGED)
    if found is None:
        width, height = struct.unpack(">II", content[16:24])
        raise DatasetError(
            f"{path} ({width} x {height}, 16 bits) cannot be decoded: it is cut short or damaged"
        )
    if found.ndim == 3 and found.shape[2] >= 3:
        found = found[..., [2, 1, 0, *range(3, found.shape[2])]]
    return found


def _from_floats(path: Path, planes: npt.NDArray[np.generic]) -> Values:
    """Whole numbers as they are; fractions from 0 to 1 as parts of 255, 1 being 255."""
    floats = planes.astype(np.float64)
    largest = floats.max(initial=0)
    if not np.isfinite(floats).all() or floats.min(initial=0) < 0 or largest > 1 << 23:
        raise DatasetError(
            f"{path} holds floats that are no mask; expected values from 0 to 1, or from 0 to 255"
        )
    whole = np.rint(floats)
    if (whole == floats).all():
        return whole.astype(np.int64)
    return np.rint(floats * _FLOAT_TOP if largest <= 1 else floats).astype(np.int64)


def _colours(image: Image.Image) -> dict[int, int]:
    """A palette as 0xRRGGBB by index."""
    flat = image.getpalette("RGB") or []
    thirds = zip(flat[::3], flat[1::3], flat[2::3], strict=False)
    return {index: red << 16 | green << 8 | blue for index, (red, green, blue) in enumerate(thirds)}


def _clear(image: Image.Image) -> list[int]:
    """The indices of a palette that cannot be seen."""
    clear = image.info.get("transparency")
    if isinstance(clear, bytes):
        return [index for index, alpha in enumerate(clear) if alpha == 0]
    return [] if clear is None else [int(clear)]


def _from_palette(path: Path, indices: Values, colours: dict[int, int], clear: list[int]) -> Pixels:
    """Indices, which are classes where 0 is the ground: black, or clear, or not there at all.

    Elsewhere the index means nothing (a program chose it by how often the colour occurs), and the
    colours are what the file says; the clear ones are the ground.
    """
    used = np.flatnonzero(_counted(indices.ravel())).tolist()
    hidden = [index for index in clear if index in used]
    ground = hidden or any(colours.get(index) == 0 for index in used)
    grey = all(colours.get(index, 0) % 0x010101 == 0 for index in used)
    if 0 in used and 0 not in hidden and colours.get(0, 0) != 0 and ground and not grey:
        if indices.size > _LARGEST_PLANES:
            raise DatasetError(
                f"{path} is a palette of colours with {indices.size} pixels; expected one channel of 8 bits "
                "where it is so large"
            )
        table = np.array([0 if index in hidden else colours.get(index, 0) for index in range(256)], np.int32)
        return Pixels(table[indices], COLOUR)
    if hidden and (0 in hidden or 0 not in used):
        grounds = np.arange(256, dtype=np.uint8)
        grounds[hidden] = 0
        indices, colours = grounds[indices], {**colours, 0: 0}
    return Pixels(indices, PALETTE, colours=colours)


def _from_planes(path: Path, planes: npt.NDArray[Any], top: int, lossy: bool = False) -> Pixels:
    """Grey, colour, and either with alpha, as one plane of numbers."""
    if planes.dtype.kind == "i" and planes.min(initial=0) < 0:
        raise DatasetError(f"{path} holds negative values; expected a mask from 0 up")
    if planes.ndim == 2:
        return Pixels(planes, top=top, lossy=lossy)
    alpha = planes[..., -1] if planes.shape[2] in (2, 4) else None
    plane, kind = _from_colours(planes[..., : planes.shape[2] - (alpha is not None)], lossy)
    if alpha is not None and alpha.min() != alpha.max():
        seen = np.unique(plane[alpha > 0])
        # One colour, or a picture: the shape is what can be seen. Flat colours: a mask on a clear ground.
        if not 2 <= len(seen) <= _FLAT_COLOURS:
            return Pixels(alpha, top=top)
        plane = np.where(alpha > 0, plane, 0)
    return Pixels(plane, kind, top, lossy)


def _from_colours(colours: npt.NDArray[Any], lossy: bool) -> tuple[Values, str]:
    first = colours[..., 0]
    if lossy and colours.shape[2] == 3:
        return cv2.cvtColor(np.ascontiguousarray(colours), cv2.COLOR_RGB2GRAY), GREY
    if all(np.array_equal(first, colours[..., channel]) for channel in range(1, colours.shape[2])):
        return np.ascontiguousarray(first), GREY
    if colours.dtype != np.uint8:
        colours = np.right_shift(colours, 8)
    plane = colours[..., 0].astype(np.int32)
    for channel in (1, 2):
        plane <<= 8
        plane |= colours[..., channel]
    return plane, COLOUR
