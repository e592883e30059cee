"""The house's size limits. An exemption needs a sentence; the list of exemptions is the list of debts."""

from __future__ import annotations

import ast
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
SOURCES = sorted(path for part in ("core", "tui") for path in (REPOSITORY / part).rglob("*.py"))
# A guide, not a measure of ideas: what is one thing is not split for it.
MODULE_LINES = 450
FUNCTION_LINES = 60
BANNED_NAMES = {"utils.py", "helpers.py", "common.py", "misc.py"}


def name_of(path: Path) -> str:
    return str(path.relative_to(REPOSITORY))


def test_modules_stay_small() -> None:
    lines = {name_of(path): len(path.read_text().splitlines()) for path in SOURCES}
    assert not {name: count for name, count in lines.items() if count > MODULE_LINES}


def test_functions_stay_small() -> None:
    lines = {
        f"{name_of(path)}: {node.name}": (node.end_lineno or node.lineno) - node.lineno + 1
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    assert not {name: count for name, count in lines.items() if count > FUNCTION_LINES}


def test_no_file_is_named_after_nothing() -> None:
    assert not [name_of(path) for path in SOURCES if path.name in BANNED_NAMES]


def test_every_module_says_why_it_exists() -> None:
    silent = [name_of(path) for path in SOURCES if not ast.get_docstring(ast.parse(path.read_text()))]
    assert not silent
