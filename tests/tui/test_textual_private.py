"""What is used of Textual beside its public names is still there, or it is said what is missing."""

from __future__ import annotations

import re
from importlib import import_module
from importlib.metadata import version
from operator import attrgetter
from pathlib import Path

import pytest
from textual.app import App
from textual.drivers.linux_driver import LinuxDriver
from textual.screen import Screen
from textual.widget import Widget

from cliploc.tui.textual_private import OWN_REASONS, REASONS, SYNC_END

HOUSE = Path(__file__).parents[2]
NAMES = r"from textual\._|\bLinuxDriver\b|\bCOLOR_SYSTEM\b|\bdef _display\b|"
NAMES += r"\._(driver|compositor|border_\w+|scroll_update|get_style|get_terminal_size)\b"


def lacks(name: str, reason: str) -> None:
    pytest.fail(f"Textual {version('textual')} has no {name} any more: {reason}; see tui/textual_private.py")


@pytest.mark.parametrize("name", REASONS)
def test_textual_still_has_what_we_use_of_its_own(name: str) -> None:
    module, _, path = name.partition(":")
    try:
        attrgetter(path)(import_module(f"textual.{module}"))
    except (ImportError, AttributeError):
        lacks(name, REASONS[name])


@pytest.mark.parametrize("name", OWN_REASONS)
async def test_its_objects_still_have_what_we_use(name: str) -> None:
    app = App[None]()
    made: dict[str, object] = {
        "App": app, "Screen": Screen[None](), "Widget": Widget(), "LinuxDriver": LinuxDriver(app)
    }  # fmt: skip
    owner, _, path = name.partition(".")
    head, _, tail = path.partition(".")
    try:
        found = getattr(made[owner], head)
        assert not tail or hasattr(type(found), tail) or hasattr(found, tail)
    except (AttributeError, AssertionError):
        lacks(name, OWN_REASONS[name])


def test_the_end_of_an_update_is_what_textual_writes() -> None:
    assert import_module("textual._ansi_sequences").SYNC_END == SYNC_END


def test_no_other_module_uses_such_a_name() -> None:
    files = [file for file in (HOUSE / "tui").rglob("*.py") if file != HOUSE / "tui/textual_private.py"]
    found = [
        f"{file.relative_to(HOUSE)}: {line.strip()}"
        for file in files
        for line in file.read_text(encoding="utf-8").splitlines()
        if re.search(NAMES, line)
    ]
    assert not found, "names that Textual keeps to itself belong into tui/textual_private.py"
