"""The pictures that were drawn, by their content, for as long as the screen may ask for them."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from typing import TYPE_CHECKING

from cliploc.tui.graphics.frame import PictureId

if TYPE_CHECKING:
    from cliploc.tui.graphics.frame import Pixels

KEPT_BYTES = 64_000_000


class PictureCache:
    """Pictures by id; of more than `kept_bytes`, those not asked for longest are dropped. Thread-safe."""

    def __init__(self, kept_bytes: int = KEPT_BYTES) -> None:
        self._kept_bytes = kept_bytes
        self._pictures: OrderedDict[PictureId, Pixels] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    def add(self, picture: Pixels) -> PictureId:
        """Keep a picture."""
        name = hashlib.blake2b(repr(picture.shape).encode(), digest_size=16)
        name.update(picture.data)
        picture_id = PictureId(name.hexdigest())
        with self._lock:
            if picture_id not in self._pictures:
                self._pictures[picture_id] = picture
                self._bytes += picture.nbytes
            self._pictures.move_to_end(picture_id)
            while self._bytes > self._kept_bytes and len(self._pictures) > 1:
                self._bytes -= self._pictures.popitem(last=False)[1].nbytes
        return picture_id

    def get(self, picture_id: PictureId) -> Pixels | None:
        """The picture; None where it was dropped."""
        with self._lock:
            if picture_id in self._pictures:
                self._pictures.move_to_end(picture_id)
            return self._pictures.get(picture_id)
