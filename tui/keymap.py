"""Keys: presets and the user's own, laid over the table of actions.

Bindings, the help screen, the hints in the last line and the docs are made from
it. A preset or the user's keymap.toml is laid over it by action name.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from pathlib import Path

from textual.binding import Binding, BindingType

from cliploc.core.errors import ParameterError, clean, unknown
from cliploc.tui import toml
from cliploc.tui.actions import ACTIONS, Action

# Which actions are alive together: a screen's own and those everywhere.
ALIVE = {
    "explorer": ("explorer", "app"),
    "page": ("page", "app"),
    "sweeps": ("sweeps", "page", "app"),
    "paired": ("paired", "page", "app"),
    "compare": ("compare", "page", "app"),
    "prompts": ("prompts", "page", "app"),
    "inside": ("inside", "page", "app"),
    "marking": ("marking", "page", "app"),
}

PRESETS: dict[str, dict[str, str]] = {
    "cliploc": {},
    "vim": {
        "picture.1": "alt+1",
        "picture.2": "alt+2",
        "picture.3": "alt+3",
        "picture.4": "alt+4",
        "palette": "colon,ctrl+p",
        "page.down": "ctrl+f,pagedown,ctrl+d",
        "page.up": "ctrl+b,pageup,ctrl+u",
    },
    "plain": {
        "sample.next": "down,j",
        "sample.previous": "up,k",
        "class.next": "right,right_square_bracket",
        "class.previous": "left,left_square_bracket",
        "fold.open": "l",
        "fold.close": "h",
        "undo": "ctrl+z,u",
        "redo": "ctrl+y,ctrl+r",
        "filter": "ctrl+f,slash",
    },
}


def bindings_for(scope: str) -> list[BindingType]:
    """The default bindings of one scope, with the ids that a keymap lays itself over."""
    return [
        Binding(action.keys, action.call, action.help, show=False, id=action.name)
        for action in ACTIONS
        if action.scope == scope
    ]


def action_named(name: str) -> Action:
    """The action of that name; ParameterError with the nearest names for another."""
    for action in ACTIONS:
        if action.name == name:
            return action
    raise unknown("action", name, [action.name for action in ACTIONS])


def load(path: Path, preset: str = "cliploc") -> dict[str, str]:
    """Keys by action name: the preset, under the user's file where there is one.

    The file is TOML: `preset = "vim"` and a table `[keys]` of action name to keys.
    ParameterError, naming the file, for unknown names and for doubled keys.
    """
    found = toml.table(path)
    preset = str(found.get("preset", preset))
    if preset not in PRESETS:
        raise unknown("keymap preset", preset, PRESETS)
    changes = found.get("keys", {})
    if not isinstance(changes, dict):
        raise ParameterError(f"{path}: expected a table [keys] of action names to keys")
    for name, keys in changes.items():
        _check_entry(path, name, keys)
    keymap = {action.name: action.keys for action in ACTIONS} | PRESETS[preset] | changes
    doubled = collisions(keymap)
    if doubled:
        raise ParameterError(f"{path}: {'; '.join(doubled)}; give one of them another key")
    return keymap


def collisions(keymap: Mapping[str, str]) -> list[str]:
    """Sentences about keys that do two things in the same screen."""
    problems = []
    for scopes in ALIVE.values():
        seen: dict[str, Action] = {}
        for action in (action for action in ACTIONS if action.scope in scopes):
            for key in filter(None, keymap[action.name].split(",")):
                other = seen.setdefault(key, action)
                # A page's own key wins over the one that works everywhere: q goes back, there it quits.
                if other is not action and "app" not in (other.scope, action.scope):
                    problems.append(f"key {key} is both {other.name} and {action.name}")
    return sorted(set(problems))


def shown(keys: str) -> str:
    """Keys as people read them: `right_square_bracket,x` is `] x`."""
    return " ".join(_sign(key) for key in keys.split(",") if key)


def _sign(key: str) -> str:
    held, _, name = key.rpartition("+")
    sign = _SIGNS.get(name, name)
    return f"{held}+{sign}".replace("ctrl+", "^").replace("shift+", "⇧") if held else sign


def _check_entry(path: Path, name: str, keys: object) -> None:
    names = [action.name for action in ACTIONS]
    if name not in names:
        near = difflib.get_close_matches(name, names, n=3)
        raise ParameterError(f"{path}: no action {clean(name)!r}; nearest: {', '.join(near) or 'see ?'}")
    if not isinstance(keys, str):
        raise ParameterError(f"{path}: {name} wants keys in quotes, found {clean(keys)}")


_SIGNS = {
    "left_square_bracket": "[",
    "right_square_bracket": "]",
    "slash": "/",
    "asterisk": "*",
    "apostrophe": "'",
    "comma": ",",
    "full_stop": ".",
    "equals_sign": "=",
    "greater_than_sign": ">",
    "less_than_sign": "<",
    "plus": "+",
    "minus": "-",
    "question_mark": "?",
    "colon": ":",
    "up": "↑",
    "down": "↓",
    "left": "←",
    "right": "→",
    "pageup": "PgUp",
    "pagedown": "PgDn",
    "escape": "Esc",
    "enter": "⏎",
    "home": "Home",
    "end": "End",
    "f1": "F1",
}
