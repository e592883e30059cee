"""Which heads of a ViT count: the choice of a layer, a head, and those that are switched off.

Free of torch and numpy: the registry, the method, the kept terms and the screen share it.
"""

from __future__ import annotations

from collections.abc import Iterable

from cliploc.core.errors import ParameterError, clean

ALL = -1
Place = tuple[int, int]  # (layer, head) counted from 0; ALL for every head of the layer
Kept = tuple[tuple[bool, ...], ...]  # by layer, then head


def parsed_off(text: str) -> tuple[Place, ...]:
    """The places in a text such as `10.3,11.0,9.*`, sorted, none twice. ParameterError for another text."""
    return _distinct(_place(part.strip()) for part in text.split(",") if part.strip())


def off_text(places: Iterable[Place]) -> str:
    """Places as a text: `9.*,10.3,11.0`. Equal choices are equal texts."""
    found = _distinct(places)
    return ",".join(f"{layer}.{'*' if head == ALL else head}" for layer, head in found)


def canonical_off(text: str) -> str:
    """The text in its one form. ParameterError for what is no choice of heads."""
    return off_text(parsed_off(text))


def kept(layers: int, heads: int, *, layer: int = ALL, head: int = ALL, off: str = "") -> Kept:
    """Whether the terms of each of layers x heads are in the sum. ParameterError for places it has not."""
    _check("layer", layer, layers)
    _check("head", head, heads)
    places = parsed_off(off)
    for beyond in (place for place in places if place[0] >= layers or place[1] >= heads):
        raise ParameterError(
            f"off: found {off_text([beyond])}, expected layers 0 to {layers - 1} and heads 0 to {heads - 1} "
            "for this backbone"
        )
    dark = set(places)
    return tuple(
        tuple(
            layer in (ALL, each) and head in (ALL, one) and not dark & {(each, one), (each, ALL)}
            for one in range(heads)
        )
        for each in range(layers)
    )


def _distinct(places: Iterable[Place]) -> tuple[Place, ...]:
    """Sorted, each once; a head of a layer that is off as a whole is said with it."""
    found = set(places)
    return tuple(sorted(p for p in found if p[1] == ALL or (p[0], ALL) not in found))


def _place(text: str) -> Place:
    layer, _, head = text.partition(".")
    if not (_is_number(layer) and (head == "*" or _is_number(head))):
        raise ParameterError(
            f"off: found {clean(text)!r}, expected layer.head with commas between, such as 10.3,11.0,9.* "
            "(counted from 0; * for a whole layer)"
        )
    return int(layer), ALL if head == "*" else int(head)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= _DIGITS


def _check(name: str, index: int, count: int) -> None:
    if index >= count:
        raise ParameterError(f"{name}: found {index}, expected -1 (all) to {count - 1} for this backbone")


_DIGITS = 3
