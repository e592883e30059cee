"""Free-text prompts as they are typed: several in a line, templates with a label. Pure functions."""

from __future__ import annotations

from collections.abc import Sequence

from cliploc.core.prompts import prompt_for

SEPARATOR = ";"
MOST = 8


def is_template(text: str) -> bool:
    """Whether a text has a place for a label."""
    return "<label>" in text or "<a label>" in text


def prompts_in(typed: str, label: str) -> tuple[str, ...]:
    """The prompts of a line, each once; a template among them gets the label."""
    texts = (" ".join(text.split()) for text in typed.split(SEPARATOR))
    return tuple(
        dict.fromkeys(prompt_for(text, label) if is_template(text) else text for text in texts if text)
    )


def edited(prompts: Sequence[str], place: int, new: Sequence[str], *, added: bool) -> tuple[str, ...]:
    """With new prompts after the one at `place`, or instead of it; each once, the first MOST of them."""
    before = prompts[: place + 1] if added else prompts[:place]
    return tuple(dict.fromkeys((*before, *new, *prompts[place + 1 :])))[:MOST]
