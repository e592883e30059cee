"""Prompt templates and articles."""

from __future__ import annotations

import pytest

from cliploc.core.errors import ParameterError
from cliploc.core.prompts import TEMPLATES, prompt_for, with_article


def test_the_posters_templates_come_first() -> None:
    assert TEMPLATES[:2] == ("An image of a <label>", "There is a <label> in this image")
    assert prompt_for(TEMPLATES[0], "dining table") == "An image of a dining table"
    assert prompt_for(TEMPLATES[1], "airplane") == "There is a airplane in this image"


@pytest.mark.parametrize("template", TEMPLATES)
def test_every_builtin_template_takes_a_label(template: str) -> None:
    assert "fire hydrant" in prompt_for(template, "fire hydrant")
    assert "<" not in prompt_for(template, "fire hydrant")


@pytest.mark.parametrize(
    ("label", "expected"),
    [("dog", "a dog"), ("airplane", "an airplane"), ("Umbrella", "an Umbrella"), ("unicycle", "a unicycle"),
     ("hourglass", "an hourglass"), ("one-eyed cat", "a one-eyed cat"), ("umpire", "an umpire")],
)  # fmt: skip
def test_articles_follow_the_sound(label: str, expected: str) -> None:
    assert with_article(label) == expected
    assert prompt_for("An image of <a label>", label) == f"An image of {expected}"


def test_a_template_without_a_place_for_the_label_is_refused() -> None:
    with pytest.raises(ParameterError, match="no <label>"):
        prompt_for("An image of a dog", "dog")
