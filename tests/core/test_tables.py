"""Tables in a terminal: what does not fit is said, and no number is broken or cut."""

from __future__ import annotations

import re
import sys

import pytest

from cliploc.core.commands.output import print_table

ROWS = [
    {"set": f"gem-{n}", "order": "dilate", "note": "", **{f"score_{k}": (n + k) / 7 for k in range(9)}}
    for n in range(3)
]


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    """What is printed in a terminal of so many columns; of a pipe for 0."""

    def printed(columns: int) -> list[str]:
        monkeypatch.setenv("COLUMNS", str(columns or 80))
        monkeypatch.setattr(sys.stdout, "isatty", lambda: columns > 0)
        print_table(ROWS, as_json=False, caption="of these images")
        return re.sub(r"\x1b\[[0-9;]*m", "", capsys.readouterr().out).splitlines()

    return printed


@pytest.mark.parametrize("columns", [0, 40, 80, 120, 200])
def test_numbers_are_whole_and_columns_are_shown_or_named(lines, columns: int) -> None:
    found = lines(columns)
    text = " ".join(found)
    header = next(line for line in found if line.startswith("set")).split()
    shown = [name for name in header if name.startswith("score")]
    assert shown == [f"score_{k}" for k in range(len(shown))]
    for n, row in enumerate(ROWS):
        (line,) = (line for line in found if line.startswith(f"gem-{n}"))
        assert [each for each in line.split() if "." in each] == [f"{row[name]:.4f}" for name in shown]
    for k in range(len(shown), 9):
        assert f"score_{k}" in text
    assert ("in all rows: order dilate" in text) == (columns in (40, 80))
    assert "order" in text


@pytest.mark.parametrize("columns", [0, 20, 80])
def test_what_a_row_lacks_is_empty(monkeypatch, capsys, columns: int) -> None:
    monkeypatch.setenv("COLUMNS", str(columns or 80))
    monkeypatch.setattr(sys.stdout, "isatty", lambda: columns > 0)
    print_table([{"set": "random", "mean": 0.25}, {"set": "gem", "low": 0.5, "mean": 0.75}], as_json=False)
    lines = re.sub(r"\x1b\[[0-9;]*m", "", capsys.readouterr().out).splitlines()
    assert [line.split()[:2] for line in lines[-3:]] == [
        ["set", "mean"],
        ["random", "0.2500"],
        ["gem", "0.7500"],
    ]


@pytest.mark.parametrize("columns", [0, 200])
def test_a_table_that_fits_is_whole(lines, columns: int) -> None:
    found = lines(columns)
    assert found[0].split() == list(ROWS[0])
    assert len(found) == 5
