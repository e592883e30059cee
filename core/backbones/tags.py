"""Published weights by tag, read from open_clip's own table without importing it, which loads torch."""

from __future__ import annotations

import ast
import importlib.util
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from cliploc.core.backbones.open_clip_private import PUBLISHED

Tag = Mapping[str, str]  # `hf_hub` and `url`, those that are there
_PLACES = ("hf_hub", "url")


def tags_of(architecture: str) -> dict[str, Tag]:
    """The tags of an architecture with where their weights are; none where the table cannot be read."""
    return _table().get(architecture.removesuffix("-quickgelu"), {})


@cache
def _table() -> dict[str, dict[str, Tag]]:
    """`_PRETRAINED` of open_clip/pretrained.py: dicts of calls with plain text arguments."""
    package = importlib.util.find_spec("open_clip")
    places = [] if package is None else package.submodule_search_locations or []
    try:
        tree = ast.parse((Path(places[0]) / "pretrained.py").read_text(encoding="utf-8"))
    except (IndexError, OSError, SyntaxError, ValueError):
        return {}
    named: dict[str, ast.expr] = {
        node.targets[0].id: node.value
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
    }
    whole = named.get(PUBLISHED.partition(":")[2])
    if not isinstance(whole, ast.Dict):
        return {}
    pairs = zip(whole.keys, whole.values, strict=True)
    return {
        key.value: _tags(named.get(value.id, value) if isinstance(value, ast.Name) else value)
        for key, value in pairs
        if isinstance(key, ast.Constant) and isinstance(key.value, str)
    }


def _tags(value: ast.expr) -> dict[str, Tag]:
    """`dict(openai=_pcfg(url="…", hf_hub="…"), …)`."""
    if not isinstance(value, ast.Call):
        return {}
    return {
        each.arg: _texts(each.value)
        for each in value.keywords
        if each.arg and isinstance(each.value, ast.Call)
    }


def _texts(call: ast.expr) -> Tag:
    assert isinstance(call, ast.Call)  # `_tags` looked
    found = zip(_PLACES[::-1], call.args, strict=False)  # url comes first where they are given by place
    texts = [*found, *((each.arg, each.value) for each in call.keywords)]
    return {
        str(name): value.value
        for name, value in texts
        if name in _PLACES and isinstance(value, ast.Constant) and isinstance(value.value, str)
    }
