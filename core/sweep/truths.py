"""True masks that were read, packed and kept: they change with no key, and are the dearest to read."""

from __future__ import annotations

import threading
import zlib
from typing import NamedTuple

import numpy as np

from cliploc.core.codes import Codes
from cliploc.core.datasets import Sample
from cliploc.core.metrics import truth_of

LIMIT = 256_000_000


class _Packed(NamedTuple):
    shape: tuple[int, int]
    true: bytes
    ignored: bytes

    @property
    def size(self) -> int:
        return len(self.true) + len(self.ignored)


class Truths:
    """True masks by sample id, as counting wants them. Call from any thread.

    limit: bytes to keep. Once they are full nothing gives way: whoever goes through all samples
    again in the same order would otherwise find none.
    """

    def __init__(self, limit: int = LIMIT) -> None:
        self._limit = limit
        self._kept: dict[str, _Packed] = {}
        self._lock = threading.Lock()
        # How often one was forgotten: what was read before that is not kept.
        self._forgotten = 0
        self.bytes = 0

    def of(self, sample: Sample) -> Codes:
        """The true mask (H, W) in the form of `metrics.truth_of`. DatasetError when it cannot be read."""
        found = self._kept.get(sample.id)
        if found is not None:
            return _unpacked(found)
        forgotten = self._forgotten
        truth = truth_of(sample.true_mask(), sample.ignored())
        if self.bytes < self._limit:
            self._keep(sample.id, _packed(truth), forgotten)
        return truth

    def forget(self, id_: str) -> None:
        """A sample's true mask is another one."""
        with self._lock:
            self._forgotten += 1
            if (packed := self._kept.pop(id_, None)) is not None:
                self.bytes -= packed.size

    def _keep(self, id_: str, packed: _Packed, forgotten: int) -> None:
        with self._lock:
            is_old = forgotten != self._forgotten
            if not is_old and id_ not in self._kept and self.bytes + packed.size <= self._limit:
                self._kept[id_] = packed
                self.bytes += packed.size


def _packed(truth: Codes) -> _Packed:
    """One bit a pixel, and of an image that is mostly one thing far less. zlib at its quickest."""
    ignored = truth == 255
    height, width = truth.shape
    return _Packed(
        (height, width),
        zlib.compress(np.packbits(truth == 128).tobytes(), 1),
        zlib.compress(np.packbits(ignored).tobytes(), 1) if ignored.any() else b"",
    )


def _unpacked(packed: _Packed) -> Codes:
    truth = _bits(packed.true, packed.shape)
    np.left_shift(truth, 7, out=truth)
    if packed.ignored:
        truth[_bits(packed.ignored, packed.shape) == 1] = 255
    return truth


def _bits(data: bytes, shape: tuple[int, int]) -> Codes:
    bits = np.unpackbits(np.frombuffer(zlib.decompress(data), np.uint8), count=shape[0] * shape[1])
    return bits.reshape(shape)
