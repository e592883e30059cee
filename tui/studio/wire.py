"""Values between the screen and its studio: pickled, over a pair of pipes."""

from __future__ import annotations

import pickle
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Any


@dataclass(frozen=True)
class Request:
    """Call the studio's method of that name (`runs.poll`: of its part). number: grows with each request."""

    number: int
    name: str
    arguments: tuple[Any, ...] = ()


class Outlet:
    """The writing end; any thread may put values into it."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._lock = threading.Lock()

    def put(self, value: object) -> None:
        """Send a value. OSError when nobody listens."""
        data = pickle.dumps(value, pickle.HIGHEST_PROTOCOL)
        with self._lock:
            self._file.write(data)
            self._file.flush()


def received(file: IO[bytes]) -> Iterator[Any]:
    """The values that arrive, until the other end is gone, wherever it was interrupted."""
    while True:
        try:
            yield pickle.load(file)
        except (EOFError, OSError, pickle.UnpicklingError):
            return
