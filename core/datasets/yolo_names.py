"""The names of YOLO's classes: `names` of a .yaml, or the lines of `classes.txt`, from 0."""

from __future__ import annotations

from pathlib import Path

from cliploc.core.datasets import files
from cliploc.core.datasets.ids import label_of
from cliploc.core.errors import DatasetError, clean

LINES = "classes.txt"
LARGEST = 4 << 20  # bytes
MOST = 1 << 16  # classes


def find(root: Path) -> Path | None:
    """The file of names: data.yaml first, another .yaml, or classes.txt; None where there is none."""
    configs = sorted(
        (path for end in ("*.yaml", "*.yml") for path in root.glob(end) if path.is_file()),
        key=lambda path: (path.stem not in ("data", "dataset"), path.name),
    )
    return next(iter([*configs, *(path for path in [root / LINES] if path.is_file())]), None)


def read(path: Path) -> dict[int, str]:
    """Names by class number. DatasetError where the file has none."""
    content = files.read(path, LARGEST)
    try:
        text = content.decode("utf-8-sig")
        named = enumerate(filter(str.strip, text.splitlines())) if path.name == LINES else _of_yaml(text)
        found: dict[int, str] = {}
        for number, name in named:
            if type(number) is not int or not 0 <= number < MOST:
                raise ValueError(f"{str(number)[:40]!r} is no number of a class")
            if not isinstance(name, str | int | float) or not label_of(str(name)):
                raise ValueError(f"class {number} has no name")
            found[number] = label_of(str(name))
    except (ValueError, RecursionError, TypeError, OverflowError) as error:
        raise DatasetError(
            f"{path} has no names of classes: {clean(error)[:120]}; expected `names: [cat, dog]`"
        ) from error
    if not found:
        raise DatasetError(f"{path} names no class; expected `names: [cat, dog]`")
    return found


def _of_yaml(text: str) -> list[tuple[object, object]]:
    import yaml  # not before it is needed: most layouts have none

    try:
        # Every alias would be looked at anew: a short file could mean a very long list.
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, yaml.SafeLoader)):
            raise ValueError("aliases are not read")
        content = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ValueError(f"it is no YAML, {error}") from error
    names = content.get("names") if isinstance(content, dict) else None
    if isinstance(names, dict):
        return list(names.items())
    if isinstance(names, list):
        return list(enumerate(names))
    raise ValueError("it has no `names`")
