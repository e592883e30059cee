"""One table, three renderings: the numbers are exact in HTML and nothing from outside breaks out."""

from __future__ import annotations

import re

import hypothesis.strategies as st
from hypothesis import given

from cliploc.core.report.latex import as_latex
from cliploc.core.report.tables import Estimate, Interval, Number, Table, as_html, as_markdown

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
    assert r"x & 0.5000 \tabularnewline" in lines


def test_an_estimate_stands_over_its_interval() -> None:
    estimate = Estimate(Number(0.5), Interval(Number(0.4), Number(0.6)), "*")
    one = table(("x", estimate), ("y", Estimate(Number(0.25))))
    assert '<data value="0.5">0.5000</data>*<br><small><data value="0.4">' in as_html(one)
    assert "| x | 0.5000\\* (0.4000 to 0.6000) |" in as_markdown(one)
    assert r"0.5000*\\[-2pt] \tiny 0.4000 to 0.6000\end{tabular}" in as_latex(one)
    assert r"y & 0.2500 \tabularnewline" in as_latex(one)


def test_a_long_latex_table_is_cut_and_every_row_is_there_once() -> None:
    latex = as_latex(table(*((f"row {place:03d}", Number(place, 0)) for place in range(100))))
    assert latex.count(r"\begin{table}") == latex.count(r"\end{table}") == 3
    assert re.findall(r"row (\d{3})", latex) == [f"{place:03d}" for place in range(100)]
    assert r"\label{tab:t-3}" in latex
    assert "part 3 of 3" in latex


def test_long_texts_share_what_the_line_has_left() -> None:
    """Columns of numbers keep their width, texts wrap: together no wider than 17 cm."""
    columns = ("name", "text", "other text", *(f"number {place}" for place in range(6)))
    row = ("name", "long " * 40, "other words " * 9, *(Number(0.12345, 5) for _ in range(6)))
    latex = as_latex(Table("t", "Title.", "Caption.", columns, (row,)))
    widths = [float(width) for width in re.findall(r"p\{([\d.]+)cm\}", latex)]
    assert len(widths) == 2
    assert sum(widths) < 17 - 6 * 7 * 0.15


def test_columns_that_say_nothing_are_left_out() -> None:
    assert table(("x", None), ("y", None)).without_empty_columns().columns == ("name",)
