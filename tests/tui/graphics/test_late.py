"""What a terminal answers too late is not taken for typing; what people type is."""

from __future__ import annotations

import pytest
from textual import events

from cliploc.tui.graphics.late import Parser


def keys(data: str) -> list[str]:
    return [message.key for message in Parser().feed(data) if isinstance(message, events.Key)]


@pytest.mark.parametrize(
    "answer",
    [
        "\x1b[?62;22c",
        "\x1bP>|kitty(0.41.1)\x1b\\",
        "\x1bP1$r0;48:2::1:2:3m\x1b\\",
        "\x1b_Gi=31;OK\x1b\\",
        "\x1b[6;20;10t",
        "\x1b[?62;4;22c\x1bP>|xterm(390)\x1b\\",
    ],
)
def test_a_late_answer_is_no_key(answer: str) -> None:
    assert keys(answer) == []
    assert keys(f"j{answer}k") == ["j", "k"]


def test_what_is_typed_is_typed() -> None:
    assert keys("jkP>|\x1b[A") == ["j", "k", "P", "greater_than_sign", "vertical_line", "up"]
