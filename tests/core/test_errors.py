"""Errors and outside text: what may reach a terminal, and what a bad name is answered with."""

from __future__ import annotations

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from core.errors import clean, unknown


@given(st.text())
def test_clean_text_holds_no_control_characters(text: str) -> None:
    assert not [
        c for c in clean(text) if unicodedata.category(c).startswith("C") and unicodedata.category(c) != "Cn"
    ]


@given(st.text(alphabet=st.characters(categories=["L", "N", "P", "S", "Zs"])))
def test_clean_keeps_everything_that_can_be_seen(text: str) -> None:
    assert clean(text) == text


def test_escape_sequences_lose_their_power() -> None:
    assert clean("\x1b[2Jcat\x07\u202edog") == "[2Jcatdog"


def test_a_near_name_is_offered() -> None:
    assert str(unknown("method", "gemm", ["gem", "textspan"])) == "unknown method 'gemm'; did you mean gem?"


def test_without_a_near_name_all_are_listed() -> None:
    assert str(unknown("method", "zzz", ["gem", "textspan"])) == "unknown method 'zzz'; known: gem, textspan"
