"""The user's own files in TOML: settings, keys, presets. Whatever is in them, a table or a sentence."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from cliploc.core.errors import ParameterError, clean

LARGEST = 1 << 20  # bytes
DEEPEST = 3  # tables in tables
MOST_DOTS = 1000  # in a line: the parts of a key take a time that grows with their square


def table(path: Path) -> dict[str, Any]:
    """The file's top table; empty where there is no file. ParameterError for what cannot be read."""
    try:
        if not path.exists():
            return {}
        if not path.is_file() or path.stat().st_size > LARGEST:
            raise ValueError(f"expected a file of at most {LARGEST >> 20} MB")
        text = path.read_text(encoding="utf-8")
        if any(line.count(".") > MOST_DOTS for line in text.split("\n")):
            raise ValueError(f"expected at most {MOST_DOTS} dots in a line")
        found = tomllib.loads(text)
        if _is_deep(found):
            raise ValueError(f"expected at most {DEEPEST} tables in one another")
    except (OSError, ValueError, RecursionError) as error:
        raise ParameterError(f"cannot read {path}: {clean(error)[:200]}; mend it or move it away") from error
    return found


def _is_deep(found: dict[str, Any]) -> bool:
    layer: list[object] = [found]
    for _ in range(DEEPEST + 1):
        layer = [each for one in layer for each in _parts(one)]
    return any(isinstance(each, dict | list) for each in layer)


def _parts(value: object) -> list[object]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []
