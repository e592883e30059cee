"""A dialog that chooses one of some things; typing narrows them down."""

from __future__ import annotations

import asyncio
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
from cliploc.tui.places import shared
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
    typed: what stands in the field at first. completions: what a text may be going on to, for Tab; it may
    look at the disk, and is called on a thread.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "back", show=False),
        Binding("down,ctrl+n", "move(1)", "next", show=False),
        Binding("up,ctrl+p", "move(-1)", "previous", show=False),
        Binding("tab", "complete", "complete", show=False, priority=True),
    ]

    def __init__(
        self,
        title: str,
        choices: Sequence[Choice],
        *,
        present: str = "",
        free: str = "",
        literal: Callable[[str], bool] = bool,
        typed: str = "",
        completions: Callable[[str], tuple[str, ...]] | None = None,
    ) -> None:
        super().__init__(classes="dialog")
        self._title = title
        self._choices = tuple(choices)
        self._present = present
        self._free = free
        self._literal = literal
        self._typed = typed
        self._completions = completions
        self._moved = False
        self._found: tuple[Choice, ...] = self._choices

    def compose(self) -> ComposeResult:
        with Vertical() as box:
            box.border_title = self._title
            yield Input(self._typed, placeholder=self._free or "type to narrow down")
            yield OptionList()
            tab = "Tab complete   " if self._completions else ""
            yield Static(Content(f"⏎ choose   {tab}Esc back"), classes="foot")

    def on_mount(self) -> None:
        self._fill("")
        self.query_one(Input).focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        # What stood there at first has narrowed nothing down.
        self._fill("" if event.value == self._typed else event.value)

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

    def action_complete(self) -> None:
        """Complete what is typed as far as that is clear, and list what it may be."""
        if self._completions is None:
            self.app.action_focus_next()
        else:
            self.run_worker(self._complete(self._completions), exclusive=True)

    async def _complete(self, completions: Callable[[str], tuple[str, ...]]) -> None:
        typed = self.query_one(Input)
        begun = typed.value
        found = await asyncio.to_thread(completions, begun)
        if not found or typed.value != begun:
            return
        with self.prevent(Input.Changed):
            typed.value = shared(found)
        typed.cursor_position = len(typed.value)
        self._list([Choice(place, place) for place in found], typed.value)

    def _fill(self, text: str) -> None:
        words = text.casefold().split()
        self._list(
            [
                choice
                for choice in self._choices
                if all(word in f"{choice.title} {choice.detail}".casefold() for word in words)
            ],
            text,
        )

    def _list(self, found: Sequence[Choice], text: str) -> None:
        self._moved, self._found = False, tuple(found)
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
