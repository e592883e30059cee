"""The bytes of half-cells: each cell is an upper half block, so two pixels, one above the other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import groupby

UPPER_HALF = "▀"
NO_COLOUR = -1


def cell(
    upper: int, lower: int, foreground: int, background: int, truecolor: bool
) -> tuple[str, str, int, int]:
    """The colour codes and the character for one cell, and the colours that are set after it."""
    if upper == lower:
        code = "" if lower == background else _code(lower, 48, truecolor)
        return code, " ", foreground, lower
    codes = [] if upper == foreground else [_code(upper, 38, truecolor)]
    if lower != background:
        codes.append(_code(lower, 48, truecolor))
    return ";".join(codes), UPPER_HALF, upper, lower


def runs(values: Iterable[int]) -> Iterator[tuple[int, int, int]]:
    """(upper, lower, width) of equal neighbours in a row of colours, upper and lower by turns."""
    colours = iter(values)
    for (upper, lower), equal in groupby(zip(colours, colours, strict=True)):
        yield upper, lower, sum(1 for _ in equal)


def row_text(values: Iterable[int], truecolor: bool) -> str:
    """A whole row with as few colour changes as there are; ends without any colour set."""
    pieces = []
    foreground = background = NO_COLOUR
    for upper, lower, width in runs(values):
        codes, text, foreground, background = cell(upper, lower, foreground, background, truecolor)
        pieces.append(f"\x1b[{codes}m{text * width}" if codes else text * width)
    return "".join(pieces) + "\x1b[0m"


@lru_cache(maxsize=8192)
def _code(colour: int, ground: int, truecolor: bool) -> str:
    if truecolor:
        return f"{ground};2;{colour >> 16};{colour >> 8 & 255};{colour & 255}"
    return f"{ground};5;{colour}"
