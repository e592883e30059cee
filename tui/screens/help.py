"""The help: every key, generated from the keymap that is in use."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from cliploc.tui.actions import ACTIONS
from cliploc.tui.keymap import ALIVE, shown
from cliploc.tui.screens.cut_short import CutShort

KEYS_WIDTH = 12
GAP = 2


class HelpScreen(CutShort, ModalScreen[None]):
    """The keys of one scope and of everywhere, in sections."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,question_mark,q,f1", "dismiss(None)", "back", show=False),
        Binding("j,down", "scroll(1)", "down", show=False),
        Binding("k,up", "scroll(-1)", "up", show=False),
    ]

    def __init__(self, scope: str, keymap: Mapping[str, str]) -> None:
        super().__init__(id="help", classes="dialog")
        self._scope = scope
        self._keymap = keymap

    def compose(self) -> ComposeResult:
        with Vertical() as box:
            box.border_title = "Keys"
            box.border_subtitle = "Esc back"
            with VerticalScroll(classes="help-body"):
                yield Static(id="keys")

    def on_resize(self) -> None:
        for body in self.query(VerticalScroll):  # none while it is being closed
            width = body.scrollable_content_region.width
            body.query_one("#keys", Static).update(help_text(self._scope, self._keymap, width))

    def on_mount(self) -> None:
        self.call_after_refresh(self.on_resize)

    def action_scroll(self, step: int) -> None:
        """Scroll by a few lines."""
        self.query_one(VerticalScroll).scroll_relative(y=3 * step, animate=False)


def help_text(scope: str, keymap: Mapping[str, str], width: int) -> Content:
    """Sections in one column, or in two where the width allows."""
    sections: dict[str, list[Content]] = {}
    for action in ACTIONS:
        if action.scope in ALIVE[scope]:
            lines = sections.setdefault(action.section, [Content.styled(action.section, "bold $primary")])
            keys = shown(keymap[action.name]) or "–"
            lines.append(
                Content.assemble((keys.ljust(KEYS_WIDTH) + " ", "$foreground"), (action.help, "$dim"))
            )
    blocks = [[*lines, Content("")] for lines in sections.values()]
    blocks.append([Content.styled(line, "$dim") for line in NOTES])
    if width < 100:
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


def _balanced(blocks: list[list[Content]]) -> tuple[list[Content], list[Content]]:
    total = sum(len(block) for block in blocks)
    left: list[Content] = []
    right: list[Content] = []
    for block in blocks:
        (left if len(left) + len(block) // 2 <= total // 2 and not right else right).extend(block)
    return left, right


def _cut(lines: list[Content], index: int, width: int) -> Content:
    return lines[index].truncate(width, ellipsis=True) if index < len(lines) else Content("")
