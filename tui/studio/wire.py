"""Values between the screen and its studio: pickled, over a pair of pipes of our own."""

from __future__ import annotations

import pickle
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import IO, Any


@dataclass(frozen=True)
class Question:
    """Call the studio's method of that name (`runs.poll`: of its part). number: grows with each request."""

    number: int
    name: str
    arguments: tuple[Any, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)


def packed(value: object) -> bytes:
    """A value as it is now."""
    return pickle.dumps(value, pickle.HIGHEST_PROTOCOL)


def received(file: IO[bytes]) -> Iterator[Any]:
    """The values that arrive, until the other end is gone, wherever it was interrupted."""
    while True:
        try:
            yield pickle.load(file)
        except (EOFError, OSError, pickle.UnpicklingError):
            return
