"""Reading pictures: from a file to an array, or to a sentence that says what is wrong."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from core.errors import DatasetError

POSITIVE_ABOVE = 127  # a mask pixel is foreground above this grey value


def read_image(path: Path) -> npt.NDArray[np.uint8]:
    """Read a picture as (H, W, 3) uint8 RGB; grey and transparent ones are converted."""
    return cv2.cvtColor(_decoded(path, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)  # type: ignore[no-any-return]


def read_mask(path: Path) -> npt.NDArray[np.bool_]:
    """Read a mask as (H, W) bool: foreground where the grey value is above 127."""
    return _decoded(path, cv2.IMREAD_GRAYSCALE) > POSITIVE_ABOVE


def _decoded(path: Path, flag: int) -> npt.NDArray[np.uint8]:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DatasetError(f"cannot read {path}: {error.strerror}") from error
    if path.suffix.lower() == ".png" and b"IEND" not in content[-16:]:
        raise DatasetError(f"{path} is truncated: a PNG ends with an IEND chunk, this one does not")
    picture = cv2.imdecode(np.frombuffer(content, np.uint8), flag) if content else None
    if picture is None:
        raise DatasetError(f"{path} is not a picture that can be decoded ({len(content)} bytes)")
    decoded: npt.NDArray[np.uint8] = picture
    return decoded
