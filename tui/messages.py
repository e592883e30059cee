"""The studio's answers as messages of the event loop, made by what they are: nobody lists them."""

from __future__ import annotations

from dataclasses import dataclass
from types import new_class
from typing import Any

from textual.message import Message


class Answered(Message, bubble=False):
    """The studio has answered; the app offers it to every screen."""

    def __init__(self, answer: object) -> None:
        super().__init__()
        self.answer = answer


def message_of(answer: Any) -> Message:  # noqa: ANN401  any dataclass of cliploc.tui.answers
    """An answer as a message of its class's name, after which handlers are called; still that answer."""
    kind = type(answer)
    if kind not in _MADE:
        _MADE[kind] = _message_class(kind)
    return _MADE[kind](**vars(answer))


_MADE: dict[type, type[Message]] = {}


def _message_class(kind: type[Any]) -> type[Message]:
    def can_replace(self: Message, message: Message) -> bool:
        return isinstance(message, type(self))

    body: dict[str, Any] = {"__doc__": kind.__doc__}
    if getattr(kind, "ONLY_NEWEST", False):
        body["can_replace"] = can_replace
    made = new_class(kind.__name__, (kind, Message), {"bubble": False}, lambda space: space.update(body))
    return dataclass(made)  # anew: the answer's own `__init__` knows of no message
