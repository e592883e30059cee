"""Sequences of which only columns are kept: each item is made when it is asked for.

A hundred thousand samples with their loaders are a hundred megabytes, in every process; what is known of
them is a tenth of that. Picklable where what makes the items is.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, TypeVar, overload

if TYPE_CHECKING:
    from cliploc.core.datasets.sample import Sample

T = TypeVar("T")


class Made(Sequence[T]):
    """What `make` makes of each place below `count`, anew each time."""

    def __init__(self, count: int, make: Callable[[int], T]) -> None:
        self._count, self._make = count, make

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[T]:
        return map(self._make, range(self._count))

    @overload
    def __getitem__(self, index: int) -> T: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[T, ...]: ...
    def __getitem__(self, index: int | slice) -> T | tuple[T, ...]:
        places = range(self._count)[index]
        return self._make(places) if isinstance(places, int) else tuple(map(self._make, places))


class Coded(Sequence[str]):
    """Texts of which few are different. names: these; codes: which of them stands at each place."""

    def __init__(self, names: Sequence[str], codes: array[int]) -> None:
        self.names, self.codes = names, codes

    @classmethod
    def of(cls, texts: Sequence[str]) -> Coded:
        """These texts."""
        numbers: dict[str, int] = {}
        codes = array("i", [numbers.setdefault(text, len(numbers)) for text in texts])
        return cls(list(numbers), codes)

    def __len__(self) -> int:
        return len(self.codes)

    def __iter__(self) -> Iterator[str]:
        return map(self.names.__getitem__, self.codes)

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[str, ...]: ...
    def __getitem__(self, index: int | slice) -> str | tuple[str, ...]:
        if isinstance(index, slice):
            return tuple(self.names[code] for code in self.codes[index])
        return self.names[self.codes[index]]


class Samples(Made["Sample"]):
    """Samples with true masks of which ids and labels are there, and all else is made."""

    def __init__(self, ids: Sequence[str], labels: Coded, make: Callable[[int], Sample]) -> None:
        super().__init__(len(ids), make)
        self.ids, self.labels = ids, labels
