"""The house's size limits. An exemption needs a sentence; the list of exemptions is the list of debts."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent
SOURCES = sorted(path for part in ("core", "tui") for path in (REPOSITORY / part).rglob("*.py"))
# A guide, not a measure of ideas: what is one thing is not split for it.
MODULE_LINES = 450
FUNCTION_LINES = 60
BANNED_NAMES = {"utils.py", "helpers.py", "common.py", "misc.py"}


def name_of(path: Path) -> str:
    return str(path.relative_to(REPOSITORY))


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_modules_and_functions_stay_small(path: Path) -> None:
    text = path.read_text()
    assert len(text.splitlines()) <= MODULE_LINES
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            assert length <= FUNCTION_LINES, f"{node.name} has {length} lines"


def test_no_file_is_named_after_nothing() -> None:
    assert not [name_of(path) for path in SOURCES if path.name in BANNED_NAMES]


def test_every_module_says_why_it_exists() -> None:
    silent = [name_of(path) for path in SOURCES if not ast.get_docstring(ast.parse(path.read_text()))]
    assert not silent
