"""The help: every key, generated from the keymap that is in use; typing narrows them down."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from cliploc.tui.actions import ACTIONS, Action
from cliploc.tui.keymap import ALIVE, shown
from cliploc.tui.screens.cut_short import CutShort

KEYS_WIDTH = 12
GAP = 2


class HelpScreen(CutShort, ModalScreen[None]):
    """The keys of one scope and of everywhere, in sections."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,f1", "dismiss(None)", "back", show=False),
        Binding("down,ctrl+n", "scroll(3)", "down", show=False),
        Binding("up,ctrl+p", "scroll(-3)", "up", show=False),
        Binding("pagedown", "scroll(15)", "page down", show=False),
        Binding("pageup", "scroll(-15)", "page up", show=False),
    ]

    def __init__(self, scope: str, keymap: Mapping[str, str]) -> None:
        super().__init__(id="help", classes="dialog")
        self._scope = scope
        self._keymap = keymap

    def compose(self) -> ComposeResult:
        with Vertical() as box:
            box.border_title = "Keys"
            box.border_subtitle = "Esc back"
            yield Input(placeholder="type to narrow down: words, or a key")
            with VerticalScroll(classes="help-body", can_focus=False):
                yield Static(id="keys")

    def on_resize(self) -> None:
        for body in self.query(VerticalScroll):  # none while it is being closed
            width, text = body.scrollable_content_region.width, self.query_one(Input).value
            body.query_one("#keys", Static).update(help_text(self._scope, self._keymap, width, text))

    def on_mount(self) -> None:
        # At once: keys typed meanwhile are text, too.
        self.set_focus(self.query_one(Input))
        self.call_after_refresh(self.on_resize)

    def on_input_changed(self, event: Input.Changed) -> None:
        """Only the keys that match; the key that opened the help closes it."""
        if event.value == "?":
            self.dismiss(None)
        else:
            self.on_resize()

    def action_scroll(self, lines: int) -> None:
        """Scroll by some lines."""
        self.query_one(VerticalScroll).scroll_relative(y=lines, animate=False)


def help_text(scope: str, keymap: Mapping[str, str], width: int, wanted: str = "") -> Content:
    """Sections in one column, or in two where the width allows.

    wanted: a key, or words of an action's help or section: only what has them. Without it the explorer's
    help begins with the actions that its last line hints at.
    """
    sections: dict[str, list[Content]] = {}
    for title, action in _titled(scope, keymap, wanted):
        lines = sections.setdefault(title, [Content.styled(title, "bold $primary")])
        keys = shown(keymap[action.name]) or "–"
        lines.append(Content.assemble((keys.ljust(KEYS_WIDTH) + " ", "$foreground"), (action.help, "$dim")))
    blocks = [[*lines, Content("")] for lines in sections.values()]
    if wanted and not blocks:
        return Content.styled("no key does that; : searches the actions, too", "$dim")
    if not wanted:
        blocks.append([Content.styled(line, "$dim") for line in NOTES])
    if width < 100 or wanted:
        return Content("\n").join([line for block in blocks for line in block])
    left, right = _balanced(blocks)
    half = width // 2
    rows = []
    for n in range(max(len(left), len(right))):
        cell = _cut(left, n, half - GAP)
        rows.append(Content.assemble(cell, " " * (half - cell.cell_length), _cut(right, n, width - half)))
    return Content("\n").join(rows)


NOTES = (
    "Numbers before a key repeat it: 10j, 5t.",
    "Keys are data: keymap.toml in the folder that",
    "`cliploc doctor` names; presets cliploc, vim, plain.",
    "Sweeps run on when this screen or the connection",
    "closes. For the screen itself, use tmux.",
)


def _titled(scope: str, keymap: Mapping[str, str], wanted: str) -> Iterator[tuple[str, Action]]:
    """The actions to name, each with the title that it stands under."""
    alive, words = [action for action in ACTIONS if action.scope in ALIVE[scope]], wanted.casefold().split()
    for action in alive:
        if words and wanted.strip() in (shown(keymap[action.name]) or "").split():
            yield "This key", action
        elif not words and action.hint and action.scope == "explorer":
            yield "First", action
    for action in alive:
        if all(word in f"{action.section} {action.help}".casefold() for word in words):
            yield action.section, action


def _balanced(blocks: list[list[Content]]) -> tuple[list[Content], list[Content]]:
    total = sum(len(block) for block in blocks)
    left: list[Content] = []
    right: list[Content] = []
    for block in blocks:
        (left if len(left) + len(block) // 2 <= total // 2 and not right else right).extend(block)
    return left, right


def _cut(lines: list[Content], index: int, width: int) -> Content:
    return lines[index].truncate(width, ellipsis=True) if index < len(lines) else Content("")
