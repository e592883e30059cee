"""Parameters: declared once, checked, parsed and stepped the same everywhere."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cliploc.core.errors import ParameterError
from cliploc.core.parameters import Parameter, Value, checked

KERNEL = Parameter("dilate", "a side", 1, low=1, high=99, step=4, odd=True)
LEVEL = Parameter("level", "a level", 0.5, low=0.0, high=1.0, step=0.25)
MODE = Parameter("mode", "a mode", "a", choices=("a", "b", "c"))
SWITCH = Parameter("switch", "a switch", False)
NOTE = Parameter("note", "free text", "")


@pytest.mark.parametrize(
    ("parameter", "value", "words"),
    [
        (KERNEL, 4, "odd"),
        (KERNEL, 101, "1 to 99, odd"),
        (KERNEL, 2.5, "whole number"),
        (KERNEL, True, "1 to 99"),
        (LEVEL, float("nan"), "0 to 1"),
        (LEVEL, "high", "0 to 1"),
        (MODE, "d", "unknown mode 'd'"),
        (MODE, 3, "a, b, c"),
        (SWITCH, 1, "yes or no"),
        (NOTE, 1, "text"),
    ],
)
def test_a_bad_value_is_told_what_is_allowed(parameter: Parameter, value: object, words: str) -> None:
    with pytest.raises(ParameterError, match=words):
        parameter.check(value)


@pytest.mark.parametrize(
    ("parameter", "text", "value"),
    [(KERNEL, "41", 41), (LEVEL, "0.25", 0.25), (MODE, "b", "b"), (SWITCH, "Yes", True), (NOTE, "hi", "hi")],
)
def test_typed_text_is_read_in_the_parameters_type(parameter: Parameter, text: str, value: Value) -> None:
    assert parameter.parse(text) == value
    assert type(parameter.parse(text)) is type(value)


@pytest.mark.parametrize(
    ("parameter", "text"), [(KERNEL, "many"), (KERNEL, "1.5"), (LEVEL, "x"), (SWITCH, "maybe")]
)
def test_typed_text_of_another_kind_is_refused(parameter: Parameter, text: str) -> None:
    with pytest.raises(ParameterError, match="expected"):
        parameter.parse(text)


@given(st.integers(-200, 200), st.integers(0, 24))
def test_steps_stay_in_range_and_odd(steps: int, start: int) -> None:
    value = KERNEL.stepped(1 + 4 * start, steps)
    assert KERNEL.check(value) == value


def test_choices_and_switches_go_round() -> None:
    assert MODE.stepped("c", 1) == "a"
    assert MODE.stepped("a", -1) == "c"
    assert SWITCH.stepped(False, 1) is True
    assert SWITCH.stepped(True, 2) is True


def test_defaults_fill_in_and_unknown_names_are_refused() -> None:
    assert checked((KERNEL, MODE), {"mode": "c"}) == {"dilate": 1, "mode": "c"}
    with pytest.raises(ParameterError, match="did you mean dilate"):
        checked((KERNEL, MODE), {"dilat": 5})


def test_a_text_with_one_form_is_always_in_it() -> None:
    def sorted_words(text: str) -> str:
        if "?" in text:
            raise ParameterError("words: found a question")
        return " ".join(sorted(set(text.split())))

    words = Parameter("words", "some words", "", canonical=sorted_words)
    assert words.check("b a  b") == words.parse("a b") == checked([words], {"words": "b a"})["words"] == "a b"
    with pytest.raises(ParameterError, match="a question"):
        words.check("a ?")
