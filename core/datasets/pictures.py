"""Reading pictures: from a file to an array, or to a sentence that says what is wrong.

What a file is, its content says, not its name. Pixels are taken as they are stored;
whether an EXIF tag is followed is decided by the size that the mask or the annotation has.
"""

from __future__ import annotations

import json
import struct
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from PIL import ExifTags, Image, UnidentifiedImageError

from cliploc.core.datasets import files
from cliploc.core.errors import DatasetError, clean

Pixels = npt.NDArray[np.uint8]
Size = tuple[int, int]  # width, height

DEPTHS = (8, 10, 12, 14)  # of sensors that write 16 bits
# What a decoder raises over a broken file, whatever is broken in it.
UNREADABLE = (
    OSError, ValueError, SyntaxError, KeyError, IndexError, TypeError, AttributeError, OverflowError,
    ZeroDivisionError, RuntimeError, EOFError, MemoryError, struct.error, UnidentifiedImageError,
    Image.DecompressionBombError,
)  # fmt: skip
PNG = b"\x89PNG\r\n\x1a\n"
_CHUNK = 12  # bytes of a chunk beside what is in it: length, type, checksum
# Pillow knows more, and among it what runs other programs or holds no pixels.
FORMATS = ["PNG", "JPEG", "TIFF", "GIF", "WEBP", "BMP", "DIB", "PPM", "TGA", "JPEG2000"]
with suppress(ImportError):
    from PIL import AvifImagePlugin  # noqa: F401  not in every Pillow

    FORMATS.append("AVIF")
# Both decoders turn a TIFF as its tag says; this is the way back to what is stored.
BACK = {6: 8, 8: 6}
# OpenCV refuses broken ones of these; Pillow would fill what is missing with grey.
_STRICT = ("JPEG", "MPO", "PNG")

_LARGE = 1 << 25  # bytes of a file
HEADERS_KEPT = 1 << 16  # less than a kB each

# What it cannot decode is said by us.
cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
Image.MAX_IMAGE_PIXELS = None  # `header` has a limit of its own, with a sentence


@dataclass(frozen=True, slots=True)
class Header:
    """What a picture says before it is decoded.

    orientation: EXIF's, 1 (as stored) to 8. bits: how many of 16 bits are in use, where they are
    fewer; found out by `headers_of` alone, which decodes such pictures. problem: why it cannot
    be read.
    """

    format: str
    mode: str
    size: Size
    orientation: int = 1
    bits: int = 0
    problem: str = ""

    @property
    def upright(self) -> Size:
        """Its size when the EXIF tag is followed."""
        width, height = self.size
        return (height, width) if self.orientation >= 5 else (width, height)


def header(path: Path) -> Header:
    """A picture's header, read once as long as the file stays what it is.

    DatasetError when it is no picture, or a far too large one.
    """
    state = files.state_of(path)
    return _read_header(path) if state is None else _known_header(path, state)


@lru_cache(maxsize=HEADERS_KEPT)
def _known_header(path: Path, state: files.Key) -> Header:
    return _read_header(path)


def _read_header(path: Path) -> Header:
    files.check_regular(path)
    with opened(path, path) as image:
        return _header_of(image)


def headers_of(paths: Sequence[Path]) -> list[Header]:
    """The headers of many pictures, each looked at once as long as it stays what it is. Never an error."""
    texts = files.facts(
        "picture header 2",
        paths,
        lambda path: json.dumps(asdict(_looked_at(path))),
        lambda path: path.is_file() and path.stat().st_size > _LARGE,
    )
    plain = [json.loads(text) for text in texts]
    return [Header(**{**each, "size": tuple(each["size"])}) for each in plain]


def _looked_at(path: Path) -> Header:
    try:
        found = header(path)
        if found.mode.startswith("I") or found.mode == "F":
            found = replace(found, bits=used_bits(_raw(path, files.read(path), found)))
    except DatasetError as error:
        return Header("", "", (0, 0), problem=str(error))
    return found


@contextmanager
def opened(path: Path, source: Path | bytes) -> Iterator[Image.Image]:
    """A file or its content as Pillow's image, its pixels not decoded yet.

    DatasetError, also for what the block meets in them.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what is odd in a file is said by us, or not at all
            with Image.open(
                BytesIO(source) if isinstance(source, bytes) else source, formats=FORMATS
            ) as image:
                width, height = image.size
                most = files.largest_pixels()
                if width * height > most:
                    raise DatasetError(
                        f"{path} says that it is {width} x {height}, expected at most "
                        f"{most // 1_000_000} million pixels; CLIPLOC_MEGAPIXELS=N allows more"
                    )
                yield image
    except UNREADABLE as error:
        raise DatasetError(f"{path} is not a picture that can be decoded ({_reason(error)})") from error


def _reason(error: BaseException) -> str:
    if isinstance(error, UnidentifiedImageError):
        return "its format is not known"
    return (
        (error.strerror if isinstance(error, OSError) else "") or clean(error)[:120] or type(error).__name__
    )


def _header_of(image: Image.Image) -> Header:
    tag = 1
    # A PNG may hold its tag behind the pixels, and asking for that decodes them: no camera writes it.
    if "exif" in image.info or image.format == "TIFF":
        try:
            tag = int(image.getexif().get(ExifTags.Base.Orientation, 1))
        except UNREADABLE:
            tag = 1  # a broken tag turns nothing
    tag = tag if 1 <= tag <= 8 else 1
    size = image.size
    if image.format == "TIFF" and tag >= 5:
        size = size[1], size[0]  # Pillow says how it will be when it is turned
    return Header(image.format or "", image.mode, size, tag)


def read_image(path: Path, fitting: Size | None = None, orientation: str = "auto") -> Pixels:
    """Read a picture as (H, W, 3) uint8 RGB.

    fitting: the size (width, height) that it must have, that of its mask or annotation.
    orientation: `stored` pixels, `upright` by the EXIF tag, or `auto`: whichever of the two
    fits; where both or neither do, stored. 16 bits are reduced to 8; where only 8, 10, 12 or
    14 of them are in use, those are. DatasetError for what cannot be decoded or has another size.
    """
    content = files.read(path)
    with opened(path, content) as image:
        head = _header_of(image)
    pixels = _decoded(path, content, head)
    if is_turned(head, fitting, orientation):
        pixels = oriented(pixels, head.orientation)
    if fitting is not None and pixels.shape[1::-1] != fitting:
        width, height = pixels.shape[1::-1]
        raise DatasetError(
            f"{path} is {width} x {height}, its mask or annotation {fitting[0]} x {fitting[1]}; "
            "expected the same size: resize one to the other"
        )
    return pixels


def is_turned(head: Header, fitting: Size | None, orientation: str) -> bool:
    """Whether the EXIF tag is followed, see `read_image`."""
    if orientation != "auto":
        return orientation == "upright"
    return head.upright == fitting and head.size != fitting


def shown_size(head: Header, fitting: Size, orientation: str) -> Size:
    """The size (width, height) that `read_image` gives the picture."""
    return head.upright if is_turned(head, fitting, orientation) else head.size


def is_unsure(head: Header, fitting: Size) -> bool:
    """Whether there is an EXIF tag that the size neither confirms nor refutes."""
    return head.orientation > 1 and (head.size == fitting) == (head.upright == fitting)


def unsure_about(head: Header, fitting: Size, orientation: str, name: str) -> list[str]:
    """A sentence about a picture whose EXIF tag is neither confirmed nor refuted; [] for any other."""
    if orientation != "auto" or not is_unsure(head, fitting):
        return []
    return [
        f"{name} has an EXIF orientation ({head.orientation}) that the size of its mask or annotation "
        "neither confirms nor refutes; say orientation=stored or orientation=upright"
    ]


def oriented(pixels: Pixels, orientation: int) -> Pixels:
    """The picture as EXIF's orientation (1 to 8) wants it shown (EXIF 2.3, tag 274)."""
    if orientation >= 5:
        pixels = np.swapaxes(pixels, 0, 1)
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    return np.ascontiguousarray(pixels)


def _decoded(path: Path, content: bytes, head: Header) -> Pixels:
    found = _raw(path, content, head)
    if found.ndim == 3:
        pixels: Pixels = cv2.cvtColor(_eight_bits(path, found), cv2.COLOR_BGR2RGB)
    else:
        pixels = _by_pillow(path, content)
    if head.format == "TIFF" and head.orientation > 1:
        pixels = oriented(pixels, BACK.get(head.orientation, head.orientation))
    return pixels


def _raw(path: Path, content: bytes, head: Header) -> npt.NDArray[np.generic]:
    """OpenCV's (H, W, 3) pixels with all their bits; of no dimensions where only Pillow can. DatasetError."""
    check_png(path, content)
    flags = cv2.IMREAD_COLOR | cv2.IMREAD_ANYDEPTH | cv2.IMREAD_IGNORE_ORIENTATION
    found = by_opencv(content, flags)
    if found is None and head.format in _STRICT:
        raise DatasetError(f"{path} is not a picture that can be decoded: it is cut short or damaged")
    return np.empty(()) if found is None else found


def by_opencv(content: bytes, flags: int) -> npt.NDArray[Any] | None:
    """The pixels as OpenCV decodes them; None where it cannot."""
    try:
        found: npt.NDArray[Any] | None = cv2.imdecode(np.frombuffer(content, np.uint8), flags)
    except (cv2.error, MemoryError):
        return None
    return found


def check_png(path: Path, content: bytes) -> None:
    """DatasetError for a PNG whose chunks do not lead to its end; other files pass.

    A decoder may believe a chunk's length and ask for as much memory.
    """
    place = len(PNG)
    if not content.startswith(PNG):
        return
    while content[place + 4 : place + 8] != b"IEND":
        length = int.from_bytes(content[place : place + 4], "big")
        place += length + _CHUNK
        if place + 8 > len(content):
            raise DatasetError(f"{path} is truncated: a PNG ends with an IEND chunk, this one does not")


def _by_pillow(path: Path, content: bytes) -> Pixels:
    with opened(path, content) as image:
        if image.mode in ("F", "I") or image.mode.startswith("I;"):
            raise DatasetError(
                f"{path} holds numbers of 32 bits (mode {image.mode}); expected 8 or 16 bits: convert it"
            )
        return np.array(image.convert("RGB"))


def _eight_bits(path: Path, pixels: npt.NDArray[np.generic]) -> Pixels:
    if pixels.dtype == np.uint8:
        return pixels  # type: ignore[return-value]
    if pixels.dtype != np.uint16:
        raise DatasetError(f"{path} holds pixels of type {pixels.dtype}, expected 8 or 16 bits; convert it")
    reduced: Pixels = np.right_shift(pixels, (used_bits(pixels) or 16) - 8).astype(np.uint8)
    return reduced


def used_bits(pixels: npt.NDArray[np.generic]) -> int:
    """How many of 16 bits hold values, as cameras, microscopes and X-ray detectors leave them; 0 for all."""
    if pixels.dtype != np.uint16 or not pixels.any():
        return 0
    needed = int(pixels.max()).bit_length()
    return next((bits for bits in DEPTHS if needed <= bits), 0)


def digest_of(
    ids: Sequence[str], labels: Sequence[str], paths: Sequence[Path], sizes: Sequence[Size], orientation: str
) -> str:
    """The digest of a dataset's pictures as they are shown. sizes: those that they must have."""
    turned = [
        head.orientation > 1 and is_turned(head, size, orientation)
        for head, size in zip(headers_of(paths), sizes, strict=True)
    ]
    return files.digest_of("pictures 2", zip(ids, labels, files.digests(paths), turned, strict=True))


def notes_on(paths: Sequence[Path], sizes: Sequence[Size], orientation: str) -> list[str]:
    """What people should know of how pictures are read. sizes: those that they must have."""
    heads, notes = headers_of(paths), []
    unsure = sum(is_unsure(head, size) for head, size in zip(heads, sizes, strict=True))
    if unsure and orientation == "auto":
        notes.append(
            f"{unsure} of {len(heads)} pictures have an EXIF orientation that the size of their mask neither "
            "confirms nor refutes: stored pixels are taken (orientation=upright follows the tag)"
        )
    for bits, count in sorted(Counter(head.bits for head in heads if head.bits).items()):
        notes.append(
            f"{count} of {len(heads)} pictures hold {bits}-bit values in 16 bits: taken as {bits} bits"
        )
    return notes
