"""Errors and outside text: what may reach a terminal, and what a bad name is answered with."""

from __future__ import annotations

import json
import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from cliploc.core.errors import clean, escaped, unknown


@given(st.text())
def test_clean_text_holds_no_control_characters(text: str) -> None:
    assert not [
        c for c in clean(text) if unicodedata.category(c).startswith("C") and unicodedata.category(c) != "Cn"
    ]


@given(st.text(alphabet=st.characters(categories=["L", "N", "P", "S", "Zs"])))
def test_clean_keeps_everything_that_can_be_seen(text: str) -> None:
    assert clean(text) == text


@given(
    st.recursive(st.text() | st.integers(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner))
)
def test_json_is_the_same_value_and_holds_nothing_unsafe(value: object) -> None:
    text = escaped(json.dumps(value, ensure_ascii=False, indent=1))
    assert json.loads(text) == value
    assert clean(text.replace("\n", "")) == text.replace("\n", "")


def test_escape_sequences_lose_their_power() -> None:
    assert clean("\x1b[2Jcat\x07\u202edog") == "[2Jcatdog"


def test_a_near_name_is_offered() -> None:
    assert str(unknown("method", "gemm", ["gem", "textspan"])) == "unknown method 'gemm'; did you mean gem?"


def test_without_a_near_name_all_are_listed() -> None:
    assert str(unknown("method", "zzz", ["gem", "textspan"])) == "unknown method 'zzz'; known: gem, textspan"
