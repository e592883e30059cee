"""The first and the last line of every screen: where we are, and what the keys do."""

from __future__ import annotations

from collections.abc import Mapping

from textual.content import Content
from textual.reactive import reactive
from textual.style import Style

from cliploc.core.datasets import Dataset
from cliploc.core.errors import clean
from cliploc.tui.actions import ACTIONS, Action
from cliploc.tui.head_selection import choice_text
from cliploc.tui.keymap import ALIVE, shown
from cliploc.tui.state import ExplorerState
from cliploc.tui.widgets.by_line import ByLine, Line

LIGHTS = {"ready": "$better", "loading": "$accent", "busy": "$accent", "failed": "$worse", "died": "$worse"}
PARTNERS = {"next": "previous", "up": "down", "down": "up", "right": "left", "longer": "shorter"}
SEPARATOR = " · "


def title_of(dataset: Dataset) -> tuple[str, ...]:
    """What the first line begins with."""
    return (
        "cliploc",
        f"{clean(dataset.name)}: {len(dataset.samples)} samples, {len(dataset.labels)} classes",
    )


def source_facts(state: ExplorerState, worker: tuple[str, str], present: int, total: int) -> tuple[str, ...]:
    """What makes the heatmaps, and how its worker (its state, and more about it) does.

    present: how many of `total` heatmaps there are.
    """
    recipe, title = state.source.recipe, clean(state.source.title)
    if state.source.stored:
        return (title, "stored set")
    doing = f"ready on {worker[1]}" if worker[0] == "ready" else worker[1]
    doing = f"{doing} {present}/{total}" if 0 < present < total else doing
    facts = [title, *(clean(part) for part in (choice_text(dict(recipe.parameters)), doing) if part)]
    facts += [clean(recipe.backbone), f"“{clean(state.prompt or recipe.template)}”"]
    return (*facts, *([clean(recipe.weights)] if recipe.weights else []))


class StatusLine(ByLine):
    """left: what is open. right: facts from the most to the least important; those without room go."""

    left: reactive[tuple[str, ...]] = reactive(())
    right: reactive[tuple[str, ...]] = reactive(())
    light: reactive[str] = reactive("$dim")

    def lines(self) -> list[Line]:
        room = self.size.width - 2
        left, right = list(self.left), list(self.right)
        while right and len(_joined(left)) + len(_joined(right)) + 6 > room:
            right.pop()
        while len(left) > 1 and len(_joined(left)) + len(_joined(right)) + 6 > room:
            left.pop()
        gap = " " * max(room - len(_joined(left)) - len(_joined(right)) - 2, 1)
        name = left[0] if left else ""
        return [
            Content.assemble(
                (name, "bold $primary"),
                (_joined(left)[len(name) :], "$dim"),
                gap,
                ("● " if right else "", self.light),
                (_joined(right), "$dim"),
            )
        ]


def _joined(parts: list[str]) -> str:
    return SEPARATOR.join(parts)


class HintLine(ByLine):
    """The actions of a scope that have a hint, with their keys, as many as fit."""

    pending: reactive[str] = reactive("")

    def __init__(self, scope: str, keymap: Mapping[str, str], *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._scope = scope
        self._keymap = keymap

    def lines(self) -> list[Line]:
        hints = [(hint_keys(a, self._keymap), a) for a in ACTIONS if a.scope in ALIVE[self._scope] and a.hint]
        last = [hint for hint in hints if hint[1].scope == "app" and self._scope == "explorer"]
        last += [hint for hint in hints if hint[1].name in ("help", "close") and self._scope != "explorer"]
        room = self.size.width - len(self.pending) - sum(_width(hint) for hint in last) - 1
        first = []
        for hint in (hint for hint in hints if hint not in last and hint[1].scope != "app"):
            if (room := room - _width(hint)) < 0:
                break
            first.append(hint)
        parts: list[tuple[str, str | Style]] = [(self.pending + " " * bool(self.pending), "bold $accent")]
        for keys, action in (*first, *last):
            target = "app" if action.scope == "app" else "screen"
            call = action.call if "(" in action.call else f"{action.call}()"
            link = Style.from_meta({"@click": f"{target}.{call}"})
            parts += [(keys, link), (f" {action.hint}  ", "$dim")]
        return [Content.assemble(*parts)]


def hint_keys(action: Action, keymap: Mapping[str, str]) -> str:
    """The first key of an action, and of its partner: `j k` for next and previous."""
    keys = [keymap[action.name].split(",")[0]]
    head, _, tail = action.name.rpartition(".")
    partner = f"{head}.{PARTNERS.get(tail, '')}"
    if partner in keymap:
        keys.append(keymap[partner].split(",")[0])
    return " ".join(shown(key) for key in keys if key)


def _width(hint: tuple[str, Action]) -> int:
    return len(hint[0]) + len(hint[1].hint) + 3
