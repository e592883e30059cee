"""Who encodes a picture: the app, where it has somebody for it, else a thread."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Union

from cliploc.tui.graphics.frame import Frame, Job, PictureId

if TYPE_CHECKING:
    from cliploc.tui.graphics.frame import Pixels

Shown = Union[PictureId, "Pixels"]
Encoder = Callable[[Shown, Job], Awaitable[Frame | None]]


async def in_thread(shown: Shown, job: Job) -> Frame | None:
    """Encode an array in a thread of this process."""
    return await asyncio.to_thread(_encoded, shown, job)


def _encoded(shown: Shown, job: Job) -> Frame:
    if isinstance(shown, str):
        raise TypeError(f"the kept picture {shown} belongs to an app with `encode_picture`")
    # Loads numpy, cv2 and PIL, which would delay the first paint.
    from cliploc.tui.graphics.encode import encode

    return encode(shown, job)


def is_same(shown: Shown | None, other: Shown) -> bool:
    """Whether two pictures are one: kept ones are named by their content, arrays compared by identity."""
    return shown == other if isinstance(shown, str) else shown is other
