"""Keys as data: every action, its default keys and its help, in one table.

Bindings, the help screen, the hints in the last line and the docs are made from
it. A preset or the user's keymap.toml is laid over it by action name.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from textual.binding import Binding, BindingType

from core.errors import ParameterError, clean, unknown


@dataclass(frozen=True)
class Action:
    """Something a key does.

    name: what presets and keymap.toml call it. scope: the screen it belongs to.
    call: the Textual action. keys: Textual key names with commas. hint: its word in
    the last line of the screen ("" keeps it out). section: its heading in the help.
    """

    name: str
    scope: str
    section: str
    keys: str
    call: str
    help: str
    hint: str = ""


def _explorer() -> tuple[Action, ...]:
    rows = [
        ("Walk", "sample.next", "j,down", "go('next')", "next sample", "sample"),
        ("Walk", "sample.previous", "k,up", "go('previous')", "previous sample"),
        ("Walk", "class.next", "right_square_bracket", "go('next_class')", "next class", "class"),
        ("Walk", "class.previous", "left_square_bracket", "go('previous_class')", "previous class"),
        ("Walk", "page.down", "ctrl+d,pagedown", "go('page_down')", "ten samples on"),
        ("Walk", "page.up", "ctrl+u,pageup", "go('page_up')", "ten samples back"),
        ("Walk", "sample.first", "home", "go('first')", "first sample (also g g)"),
        ("Walk", "sample.last", "G,end", "go('last')", "last sample; 40G: the 40th"),
        ("Walk", "prefix.g", "g", "prefix_g", "g g: first sample"),
        ("Walk", "jump.back", "ctrl+o", "jump('back')", "back to before the last jump"),
        ("Walk", "jump.forward", "tab", "jump('forward')", "forward again"),
        ("Walk", "failure.next", "f", "go('next_failure')", "next failure: a sample with IoU below 0.3"),
        ("Walk", "failure.previous", "F", "go('previous_failure')", "previous failure"),
        ("Find", "filter", "slash", "filter", "list only what matches, in class or id", "filter"),
        ("Find", "match.next", "n", "go('next_match')", "next match of the filter"),
        ("Find", "match.previous", "N", "go('previous_match')", "previous match"),
        ("Find", "mark", "asterisk", "mark", "mark or unmark the sample"),
        ("Find", "mark.next", "apostrophe", "go('next_mark')", "next marked sample"),
        ("Find", "sort", "comma", "choose('sort')", "order the samples by …"),
        ("Find", "facet", "full_stop", "choose('facet')", "only small, large, failing, marked …"),
        ("Find", "fold.open", "l,right", "fold(True)", "open all classes"),
        ("Find", "fold.close", "h,left", "fold(False)", "close all classes but this one"),
        ("Tune", "threshold.up", "t", "step('threshold', 1)", "threshold up", "threshold"),
        ("Tune", "threshold.down", "T", "step('threshold', -1)", "threshold down"),
        ("Tune", "dilate.up", "d", "step('dilate', 1)", "larger dilation", "dilate"),
        ("Tune", "dilate.down", "D", "step('dilate', -1)", "smaller dilation"),
        ("Tune", "erode.up", "e", "step('erode', 1)", "larger erosion", "erode"),
        ("Tune", "erode.down", "E", "step('erode', -1)", "smaller erosion"),
        ("Tune", "interpolation.next", "i", "step('interpolation', 1)", "next interpolation"),
        ("Tune", "interpolation.previous", "I", "step('interpolation', -1)", "previous interpolation"),
        ("Tune", "order.next", "o", "step('order', 1)", "next order of dilation and erosion"),
        ("Tune", "order.previous", "O", "step('order', -1)", "previous order"),
        ("Tune", "kernel.next", "K", "step('kernel', 1)", "next kernel shape"),
        (
            "Tune",
            "best",
            "equals_sign",
            "best_threshold",
            "best threshold of the curve (tuned on it)",
            "best",
        ),
        ("Tune", "scope", "C", "scope", "curve of the sample, its class or all"),
        ("Tune", "baseline", "b", "baseline", "take the present scores as the baseline", "baseline"),
        ("Tune", "undo", "u", "undo", "undo the last change"),
        ("Tune", "redo", "ctrl+r", "redo", "redo"),
        ("Tune", "reset", "r", "reset", "reset the post-processing"),
        ("Tune", "presets", "P", "choose('preset')", "use a preset, or save this as one"),
        ("Model", "method.next", "m", "method(1)", "next method or stored set", "method"),
        ("Model", "method.previous", "M", "method(-1)", "previous method or stored set"),
        ("Model", "prompt", "p", "prompt", "prompt template, or free text for this sample", "prompt"),
        ("Model", "compute", "A", "compute_all", "compute the heatmaps of all samples"),
        ("Model", "inside", "w", "open('inside')", "inside the model: layers and heads"),
        ("Pictures", "picture.1", "1", "picture(1)", "show or hide the image"),
        ("Pictures", "picture.2", "2", "picture(2)", "show or hide the heatmap"),
        ("Pictures", "picture.3", "3", "picture(3)", "show or hide the mask"),
        ("Pictures", "picture.4", "4", "picture(4)", "show or hide the true mask"),
        ("Pictures", "layout", "L", "layout", "next layout: single, pair, four, contact sheet"),
        ("Pictures", "zoom", "z", "zoom", "one picture large; again: all"),
        ("Pictures", "crop", "Z", "crop", "only the surroundings of the true mask"),
        ("Pictures", "peek", "space", "peek", "hold: the true mask in every picture"),
        ("Pictures", "blink", "x", "blink", "blink between the first two pictures"),
        ("Pictures", "colours", "c", "colours", "next colour map"),
        ("Pictures", "opacity.up", "greater_than_sign", "opacity(1)", "heatmap more opaque"),
        ("Pictures", "opacity.down", "less_than_sign", "opacity(-1)", "heatmap more transparent"),
        ("Views", "sweeps", "s", "open('sweeps')", "sweeps: watch, compare, apply", "sweeps"),
        ("Views", "sweep.new", "S", "open('compose')", "compose and start a sweep"),
        ("Views", "sweep.apply", "a", "apply_best", "use the best cell of the newest sweep"),
        ("Views", "compare", "v", "open('compare')", "compare methods, presets, prompts", "compare"),
        ("Views", "statistics", "H", "open('statistics')", "the dataset in numbers"),
        ("Out", "copy", "y", "copy", "copy the present state as a command line"),
        ("Out", "export", "ctrl+e", "choose('export')", "export pictures, scores or the screen"),
    ]
    return tuple(
        Action(name, "explorer", section, keys, call, help_, *hint)
        for section, name, keys, call, help_, *hint in rows
    )


def _elsewhere() -> tuple[Action, ...]:
    rows = [
        ("app", "Everywhere", "help", "question_mark,f1", "help", "this help", "help"),
        ("app", "Everywhere", "palette", "ctrl+p,colon", "command_palette", "command palette"),
        ("app", "Everywhere", "theme", "ctrl+t", "theme", "theme: dark, light, high contrast, ANSI"),
        ("app", "Everywhere", "notices", "ctrl+n", "notices", "past notifications"),
        ("app", "Everywhere", "quit", "q,ctrl+q", "quit", "quit; sweeps go on", "quit"),
        ("page", "Lists", "row.down", "j,down", "row(1)", "next row", "row"),
        ("page", "Lists", "row.up", "k,up", "row(-1)", "previous row"),
        ("page", "Lists", "close", "escape,q", "close", "back", "back"),
        ("sweeps", "Sweeps", "run.compose", "S", "compose", "compose and start a sweep", "new"),
        (
            "sweeps",
            "Sweeps",
            "run.apply",
            "a,enter",
            "apply",
            "use the run's best cell in the explorer",
            "apply",
        ),
        ("sweeps", "Sweeps", "run.cancel", "x", "cancel", "cancel the run", "cancel"),
        ("sweeps", "Sweeps", "run.resume", "r", "resume", "resume the run where it stopped", "resume"),
        ("sweeps", "Sweeps", "run.delete", "D", "delete", "delete the run", "delete"),
        ("sweeps", "Sweeps", "run.export", "ctrl+e", "export", "export the run's cells as CSV", "CSV"),
        ("sweeps", "Sweeps", "run.score", "o", "score", "rank by the next score", "rank by"),
        ("sweeps", "Sweeps", "run.view", "v", "view", "best cells, or dilation × erosion", "view"),
        (
            "compare",
            "Compare",
            "compare.what",
            "m",
            "what",
            "compare stored sets, or presets",
            "sets/presets",
        ),
        ("compare", "Compare", "compare.table", "tab", "table", "the other table", "table"),
        ("compare", "Compare", "compare.score", "o", "score", "compare by the next score", "score"),
        ("compare", "Compare", "compare.by", "c", "by", "differences by class or by sample", "by"),
        ("compare", "Compare", "compare.go", "enter", "go", "take the row to the explorer", "take"),
        ("compare", "Compare", "compare.export", "ctrl+e", "export", "export the table as CSV", "CSV"),
    ]
    return tuple(
        Action(name, scope, section, keys, call, help_, *hint)
        for scope, section, name, keys, call, help_, *hint in rows
    )


ACTIONS: tuple[Action, ...] = (*_explorer(), *_elsewhere())
# Which actions are alive together: a screen's own and those everywhere.
ALIVE = {
    "explorer": ("explorer", "app"),
    "page": ("page", "app"),
    "sweeps": ("sweeps", "page", "app"),
    "compare": ("compare", "page", "app"),
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
    found = _read(path)
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
    return " ".join(_SIGNS.get(key, key.replace("ctrl+", "^")) for key in keys.split(",") if key)


def _read(path: Path) -> dict[str, object]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ParameterError(f"cannot read {path}: {clean(error)}; mend it or move it away") from error


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
