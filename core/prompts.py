"""Prompt templates: from a class label to the text that CLIP reads.

A template is one string, and is part of a heatmap set's identity. `<label>` is
the label as it stands, `<a label>` the label with its article ("an apple");
several texts joined by ` | ` are encoded one by one and averaged.
"""

from __future__ import annotations

from cliploc.core.errors import ParameterError, clean

# The poster compares the first two.
TEMPLATES = (
    "An image of a <label>",
    "There is a <label> in this image",
    "An image of <a label>",
    "There is <a label> in this image",
    "a photo of <a label>.",
    "<label>",
    "An image of a <label> | There is a <label> in this image",
)

# Words that start with a vowel letter but a consonant sound, and the reverse.
_CONSONANT_SOUND = ("uni", "use", "usa", "euro", "one", "ewe")
_VOWEL_SOUND = ("hour", "honest", "heir")


def prompt_for(template: str, label: str) -> str:
    """Put the label into the template; ParameterError where the template has no place for one."""
    if "<label>" not in template and "<a label>" not in template:
        raise ParameterError(
            f"prompt template {clean(template)!r} has no <label>; write one, for example {TEMPLATES[0]!r}"
        )
    return template.replace("<a label>", with_article(label)).replace("<label>", label)


def with_article(label: str) -> str:
    """The label after "a" or "an", by the sound of its first word: "a unicycle", "an hourglass"."""
    word = label.lower()
    vowel = word.startswith(("a", "e", "i", "o", "u")) and not word.startswith(_CONSONANT_SOUND)
    return f"{'an' if vowel or word.startswith(_VOWEL_SOUND) else 'a'} {label}"
