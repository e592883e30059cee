"""What is said about a scene: captions, prompt templates and how class words are read back."""

from __future__ import annotations

import re
from collections.abc import Sequence

from cliploc.core.demo.shapes import LABELS
from cliploc.core.prompts import with_article

TEMPLATES: tuple[str, ...] = (
    "<label>",
    "a <label>",
    "<a label>",
    "the <label>",
    "a photo of a <label>",
    "a photo of <a label>.",
    "a picture of <a label>",
    "An image of a <label>",
    "An image of <a label>",
    "An image of the <label>",
    "There is a <label> in this image",
    "There is <a label> in this image",
    "There is <a label> in the picture.",
    "a drawing of <a label>",
    "a scene with <a label>",
    "this is <a label>",
    "a <label> shape",
    "one <label> on a cluttered background",
)


def caption(labels: Sequence[str]) -> str:
    """`a star`, `a star and a ring`, `a star, a ring and an arrow`."""
    parts = [with_article(label) for label in labels]
    if len(parts) == 1:
        return parts[0]
    return f"{', '.join(parts[:-1])} and {parts[-1]}"


def plural(label: str) -> str:
    """`stars`, `crosses`, `fishes`."""
    return label + ("es" if label.endswith(("s", "sh")) else "s")


def caption_labels(text: str) -> tuple[str, ...]:
    """The class words of a caption, in the order of the class list."""
    words = set(re.findall(r"[a-z]+", text.lower()))
    return tuple(label for label in LABELS if label in words)
