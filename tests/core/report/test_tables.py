"""One table, three renderings: the numbers are exact in HTML and nothing from outside breaks out."""

from __future__ import annotations

import re

import hypothesis.strategies as st
from hypothesis import given

from core.report.tables import Interval, Number, Table, as_html, as_latex, as_markdown

NASTY = "a|b <script>alert(1)</script> & 50 % \\x_y$ \x1b[31m"


def table(*rows: tuple[object, ...]) -> Table:
    return Table("t", "Title.", "Caption.", ("name", "value"), rows, frozenset({"value"}))  # type: ignore[arg-type]


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_html_carries_every_float_exactly(value: float) -> None:
    found = re.search(r'<data value="([^"]+)">', as_html(table(("x", Number(value)))))
    assert found
    assert float(found[1]) == value


def test_numbers_are_shown_with_digits_sign_and_unit() -> None:
    assert str(Number(0.60539, 5)) == "0.60539"
    assert str(Number(7.4, 1, " %", signed=True)) == "+7.4 %"
    assert str(Number(-0.0123, signed=True)) == "−0.0123"
    assert str(Number(-0.0004, 1, " %", signed=True)) == "0.0 %"
    assert str(Number(76800, 0)) == "76,800"
    assert str(Interval(Number(0.1), Number(0.2))) == "0.1000 to 0.2000"


def test_text_from_outside_is_only_text() -> None:
    nasty = table((NASTY, NASTY))
    html = as_html(nasty)
    assert "<script>" not in html
    assert "&lt;script&gt;" in html
    assert r"a\|b \<script\>" in as_markdown(nasty)
    latex = as_latex(nasty)
    assert r"\& 50 \% \textbackslash{}x\_y\$" in latex
    assert "\x1b" not in html + as_markdown(nasty) + latex


def test_quoted_columns_and_numeric_columns_are_marked() -> None:
    html = as_html(table(("x", Number(1.0)), ("y", None)))
    assert html.count('class="quoted number"') == 3


def test_latex_stands_on_booktabs_with_a_label() -> None:
    lines = as_latex(table(("x", Number(0.5)))).splitlines()
    assert r"\label{tab:t}" in lines
    assert r"\begin{tabular}{lr}" in lines
    assert r"x & 0.5000 \\" in lines


def test_columns_that_say_nothing_are_left_out() -> None:
    assert table(("x", None), ("y", None)).without_empty_columns().columns == ("name",)
