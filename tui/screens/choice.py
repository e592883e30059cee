"""A dialog that chooses one of some things; typing narrows them down."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.message_pump import MessagePump
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from cliploc.core.errors import clean
from cliploc.tui.screens.cut_short import CutShort


@dataclass(frozen=True)
class Choice:
    """One thing to choose. detail: what it means, in a few words."""

    value: str
    title: str
    detail: str = ""


class ChoiceScreen(CutShort, ModalScreen[str | None]):
    """Dismisses with the chosen value, or None.

    free: a sentence; when given, what was typed may be taken as it is. literal: whether it
    is, although it also narrows the choices down; a highlight that was moved is always meant.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "back", show=False),
        Binding("down,ctrl+n", "move(1)", "next", show=False),
        Binding("up,ctrl+p", "move(-1)", "previous", show=False),
    ]

    def __init__(
        self,
        title: str,
        choices: Sequence[Choice],
        *,
        present: str = "",
        free: str = "",
        literal: Callable[[str], bool] = bool,
    ) -> None:
        super().__init__(classes="dialog")
        self._title = title
        self._choices = tuple(choices)
        self._present = present
        self._free = free
        self._literal = literal
        self._moved = False
        self._found: tuple[Choice, ...] = self._choices

    def compose(self) -> ComposeResult:
        with Vertical() as box:
            box.border_title = self._title
            yield Input(placeholder=self._free or "type to narrow down")
            yield OptionList()
            yield Static(Content("⏎ choose   Esc back"), classes="foot")

    def on_mount(self) -> None:
        self._fill("")
        self.query_one(Input).focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        self._fill(event.value)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        options = self.query_one(OptionList)
        typed = event.value.strip()
        known = typed in {choice.title for choice in self._found} or self._moved
        meant = not self._found or (self._literal(typed) and not known)
        if self._free and typed and meant:
            self.dismiss(typed)
        elif options.highlighted is not None and self._found:
            self.dismiss(self._found[options.highlighted].value)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(self._found[event.option_index].value)

    def action_move(self, step: int) -> None:
        """Move the highlight."""
        self._moved = True
        options = self.query_one(OptionList)
        if step > 0:
            options.action_cursor_down()
        else:
            options.action_cursor_up()

    def _fill(self, text: str) -> None:
        self._moved = False
        words = text.casefold().split()
        self._found = tuple(
            choice
            for choice in self._choices
            if all(word in f"{choice.title} {choice.detail}".casefold() for word in words)
        )
        options = self.query_one(OptionList)
        options.clear_options()
        width = max((len(choice.title) for choice in self._found), default=0) + 3
        options.add_options([Option(_line(choice, width)) for choice in self._found])
        options.highlighted = self._first(text) if self._found else None

    def _first(self, text: str) -> int:
        """The choice that is named in full, else the present one, else the top one."""
        titles = [choice.title.casefold() for choice in self._found]
        values = [choice.value for choice in self._found]
        if text.casefold().strip() in titles:
            return titles.index(text.casefold().strip())
        return values.index(self._present) if self._present in values else 0


def ask(
    node: MessagePump,
    title: str,
    choices: Sequence[Choice],
    chosen: Callable[[str], object],
    **options: Any,  # noqa: ANN401  the dialog's own
) -> None:
    """Have something chosen, and do it; nothing happens where nothing is."""

    async def answered(name: str | None) -> None:
        done = None if name is None else chosen(name)
        if isinstance(done, Awaitable):
            await done

    node.app.push_screen(ChoiceScreen(title, choices, **options), answered)


def _line(choice: Choice, width: int) -> Content:
    return Content.assemble((clean(choice.title).ljust(width), ""), (clean(choice.detail), "dim"))
