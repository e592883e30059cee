"""Seeded damage: bytes as disks and transfers spoil them, JSON as other programs write it."""

from __future__ import annotations

import copy
import random
import struct
from typing import Any

NUMBERS = (
    -1,
    0,
    1,
    2,
    255,
    256,
    65535,
    2**31 - 1,
    -(2**31),
    2**63,
    10**30,
    1.5,
    -0.0,
    1e308,
    float("nan"),
    float("inf"),
)
TEXTS = ("", "0", "1", "cat", "../x", "/etc/passwd", "a\0b", "\x1b[31m", "\u202e", "é" * 300, "\ud800", "☃")
_LONG = 12
OTHERS = (None, True, False, [], {}, [[]], [[[1]]], [1, 2, 3], {"size": [1, 1], "counts": "zz"})


def spoiled(content: bytes, rng: random.Random) -> bytes:
    """One to three kinds of damage to bytes."""
    data = bytearray(content)
    for _ in range(rng.choice((1, 1, 2, 3))):
        rng.choice((_flip, _cut, _insert, _number, _swap, _zeros, _append))(data, rng)
    return bytes(data)


def _place(data: bytearray, rng: random.Random) -> int:
    """Headers are short and matter most: half of the damage is in the first 64 bytes."""
    return rng.randrange(max(1, min(len(data), 64) if rng.random() < 0.5 else len(data)))


def _flip(data: bytearray, rng: random.Random) -> None:
    for _ in range(rng.randint(1, 8)):
        if data:
            data[_place(data, rng) % len(data)] ^= 1 << rng.randrange(8)


def _cut(data: bytearray, rng: random.Random) -> None:
    del data[_place(data, rng) :]


def _insert(data: bytearray, rng: random.Random) -> None:
    place = _place(data, rng)
    data[place:place] = rng.randbytes(rng.randint(1, 16))


def _number(data: bytearray, rng: random.Random) -> None:
    place = _place(data, rng)
    value = rng.choice((0, 1, 0x7FFFFFFF, 0xFFFFFFFF, 0x10000, 30000))
    data[place : place + 4] = struct.pack(rng.choice((">I", "<I")), value)


def _swap(data: bytearray, rng: random.Random) -> None:
    first, second, length = _place(data, rng), _place(data, rng), rng.randint(1, 32)
    data[first : first + length], data[second : second + length] = (
        data[second : second + length],
        data[first : first + length],
    )


def _zeros(data: bytearray, rng: random.Random) -> None:
    place = _place(data, rng)
    data[place : place + rng.randint(1, 64)] = bytes(rng.randint(1, 64))


def _append(data: bytearray, rng: random.Random) -> None:
    data += rng.randbytes(rng.randint(1, 200))


def rewritten(value: Any, rng: random.Random) -> Any:
    """A copy with one to three places changed, dropped, doubled or of another type."""
    top = [copy.deepcopy(value)]
    for _ in range(rng.choice((1, 1, 2, 3))):
        if top:
            _change(*rng.choice(_places(top, rng)), rng)
    return top[0] if top else None


def _places(value: Any, rng: random.Random) -> list[tuple[Any, Any]]:
    """Places in nested lists and dicts; of a long list only a few, or nothing else would ever be hit."""
    keys = list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    if len(keys) > _LONG:
        keys = rng.sample(keys, 2)
    found = [(value, key) for key in keys]
    for key in keys:
        found += _places(value[key], rng)
    return found


def _change(holder: Any, key: Any, rng: random.Random) -> None:
    action = rng.random()
    if action < 0.2:
        del holder[key]
    elif action < 0.3 and isinstance(holder, list):
        holder.insert(key, copy.deepcopy(holder[key]))
    elif action < 0.4 and isinstance(holder[key], int | float | str):
        holder[key] = str(holder[key]) if rng.random() < 0.5 else [holder[key]]
    elif action < 0.7:
        holder[key] = rng.choice(NUMBERS)
    elif action < 0.85:
        holder[key] = rng.choice(TEXTS)
    else:
        holder[key] = copy.deepcopy(rng.choice(OTHERS))
