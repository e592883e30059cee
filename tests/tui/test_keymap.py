"""Keys are data: complete, without collisions, and the only source of help and hints."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from cliploc.core.errors import ParameterError
from cliploc.tui import keymap
from cliploc.tui.actions import ACTIONS, Action
from cliploc.tui.app import ExplorerApp
from cliploc.tui.screens.compare import CompareScreen
from cliploc.tui.screens.explorer import ExplorerScreen
from cliploc.tui.screens.help import help_text
from cliploc.tui.screens.inside import InsideScreen
from cliploc.tui.screens.marking import MarkingScreen
from cliploc.tui.screens.page import Page
from cliploc.tui.screens.paired import PairedScreen
from cliploc.tui.screens.prompts import PromptsScreen
from cliploc.tui.screens.sweeps import SweepsScreen
from cliploc.tui.screens.tuning import Tuning
from cliploc.tui.screens.walk import Walk
from cliploc.tui.state import View
from cliploc.tui.widgets.lines import hint_keys

TARGETS = {
    "page": Page,
    "inside": InsideScreen,
    "marking": MarkingScreen,
    "paired": PairedScreen,
    "compare": CompareScreen,
    "prompts": PromptsScreen,
    "sweeps": SweepsScreen,
    "explorer": ExplorerScreen,
    "app": ExplorerApp,
}
DEFAULT = {action.name: action.keys for action in ACTIONS}


@pytest.mark.parametrize("preset", keymap.PRESETS)
def test_no_key_does_two_things_on_one_screen(preset: str) -> None:
    assert keymap.collisions(DEFAULT | keymap.PRESETS[preset]) == []


def test_names_are_unique() -> None:
    names = [action.name for action in ACTIONS]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: action.name)
def test_every_action_exists_and_has_help_and_keys(action: Action) -> None:
    method = re.match(r"\w+", action.call)
    assert method is not None
    assert hasattr(TARGETS[action.scope], f"action_{method.group()}")
    assert action.help.strip()
    assert action.keys.strip()


@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: action.name)
def test_what_walks_or_changes_the_view_is_known_by_that_name(action: Action) -> None:
    if found := re.match(r"(walk|view|tune)\('(\w+)'", action.call):
        assert callable(getattr({"walk": Walk, "view": View, "tune": Tuning}[found[1]], found[2]))


def test_every_action_method_of_the_explorer_has_a_key() -> None:
    methods = {name.removeprefix("action_") for name in vars_of(ExplorerScreen) if name.startswith("action_")}
    called = {re.match(r"\w+", a.call).group() for a in ACTIONS if a.scope == "explorer"}
    assert methods - {"put"} == called  # that one is the mouse's


def vars_of(screen: type) -> set[str]:
    """The names that our own classes define, without Textual's."""
    return {
        name for base in screen.__mro__ if base.__module__.startswith("cliploc.tui.") for name in vars(base)
    }


@pytest.mark.parametrize("scope", keymap.ALIVE)
@pytest.mark.parametrize("width", [60, 110])
def test_the_help_screen_shows_every_action_and_its_keys(scope: str, width: int) -> None:
    text = help_text(scope, DEFAULT, width).plain
    for action in ACTIONS:
        if action.scope in keymap.ALIVE[scope]:
            assert action.help[: width // 2 - 20] in text
            assert keymap.shown(action.keys)[:12] in text


def test_hints_name_both_directions() -> None:
    assert hint_keys(keymap.action_named("sample.next"), DEFAULT) == "j k"
    assert hint_keys(keymap.action_named("threshold.up"), DEFAULT) == "t T"


def test_a_users_file_lies_over_the_preset(tmp_path: Path) -> None:
    path = tmp_path / "keymap.toml"
    path.write_text('preset = "plain"\n[keys]\n"threshold.up" = "circumflex_accent"\n')
    keys = keymap.load(path)
    assert keys["threshold.up"] == "circumflex_accent"
    assert keys["undo"] == "ctrl+z,u"
    assert keys["quit"] == DEFAULT["quit"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('[keys]\n"treshold.up" = "plus"', "nearest: threshold.up"),
        ('[keys]\n"threshold.up" = "d"', "key d is both"),
        ('[keys]\n"threshold.up" = 3', "wants keys in quotes"),
        ('preset = "emacs"', "unknown keymap preset 'emacs'"),
        ("keys = [", "mend it or move it away"),
    ],
)
def test_a_broken_keymap_says_what_is_wrong(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "keymap.toml"
    path.write_text(content)
    with pytest.raises(ParameterError, match=re.escape(message)):
        keymap.load(path)
