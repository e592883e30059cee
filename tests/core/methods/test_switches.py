"""Switching heads off: what a text of places means, and its one form."""

from __future__ import annotations

import pytest

from cliploc.core.errors import ParameterError
from cliploc.core.heatmaps.recipe import Recipe
from cliploc.core.methods.head_switches import ALL, canonical_off, kept, off_text, parsed_off


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("", ""),
        (" , ", ""),
        ("10.3,11.0,9.*", "9.*,10.3,11.0"),
        ("3.1, 3.1 ,3.0", "3.0,3.1"),
        ("3.1,3.*,2.0", "2.0,3.*"),
        ("03.1", "3.1"),
    ],
)
def test_equal_choices_have_one_form(text: str, form: str) -> None:
    assert canonical_off(text) == form
    assert off_text(parsed_off(form)) == form
    made = [Recipe("textspan", parameters=(("off", each),)).completed("demo") for each in (text, form)]
    assert made[0] == made[1]


@pytest.mark.parametrize(
    "text", ["3", "3.", ".1", "*.1", "a.1", "-1.0", "3.1.2", "3;1", "3.1 4.1", "٣.1", "1.9999"]
)
def test_another_text_is_told_what_is_expected(text: str) -> None:
    with pytest.raises(ParameterError, match=r"off: found .*, expected layer\.head with commas between"):
        Recipe("textspan", parameters=(("off", text),)).completed("demo")


def test_what_counts_is_what_is_chosen_and_not_off() -> None:
    assert kept(2, 2) == ((True, True), (True, True))
    assert kept(2, 2, off="1.0") == ((True, True), (False, True))
    assert kept(2, 2, layer=1, off="1.0") == ((False, False), (False, True))
    assert kept(2, 2, head=0, off="1.*") == ((True, False), (False, False))
    assert kept(2, 2, layer=0, head=1) == ((False, True), (False, False))
    assert kept(2, 2, off=off_text([(0, ALL), (1, ALL)])) == ((False, False), (False, False))


def test_places_that_a_backbone_has_not_are_told() -> None:
    for choice, words in (
        ({"off": "0.0,2.1"}, r"off: found 2\.1, expected layers 0 to 1 and heads 0 to 2"),
        ({"off": "2.*"}, r"off: found 2\.\*"),
        ({"off": "1.3"}, r"off: found 1\.3"),
        ({"layer": 2}, "layer: found 2, expected -1"),
        ({"head": 3}, "head: found 3, expected -1"),
    ):
        with pytest.raises(ParameterError, match=words):
            kept(2, 3, **choice)  # type: ignore[arg-type]
