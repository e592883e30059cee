"""Completing a typed place, and the dialog that does."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.widgets import Input, OptionList

from cliploc.tui.app import ExplorerApp
from cliploc.tui.places import completions, shared
from tests.tui.conftest import settled, until

Make = Callable[..., ExplorerApp]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("pictures/cats", "pictures/cars", "pictures/.git", "masks"):
        (tmp_path / "places" / name).mkdir(parents=True)
    (tmp_path / "places/pictures/all.json").write_text("{}")
    return tmp_path / "places"


def test_folders_and_files_that_begin_so(folder: Path) -> None:
    assert completions(f"{folder}/pi") == (f"{folder}/pictures/",)
    assert completions(f"{folder}/pictures/c") == (f"{folder}/pictures/cars/", f"{folder}/pictures/cats/")
    assert completions(f"{folder}/pictures/") == tuple(
        f"{folder}/pictures/{n}" for n in ("all.json", "cars/", "cats/")
    )
    assert completions(f"{folder}/pictures/.g") == (f"{folder}/pictures/.git/",)
    assert (
        completions(f"{folder}/nothing") == completions(f"{folder}/no/folder") == completions("a\0b/c") == ()
    )


def test_only_the_last_part_of_a_spec_is_completed(folder: Path) -> None:
    assert completions(f"coco:{folder}/pictures:{folder}/pictures/a") == (
        f"coco:{folder}/pictures:{folder}/pictures/all.json",
    )


def test_home_and_the_working_folder(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.chdir(folder)
    assert completions("~/ma") == ("~/masks/",)
    assert completions("ma") == ("masks/",)
    assert shared(completions("")) == ""


async def test_tab_completes_and_a_place_that_cannot_be_opened_is_there_again(
    make_app: Make, folder: Path
) -> None:
    app = make_app()
    async with app.run_test(size=(120, 40)) as pilot:
        await settled(pilot)
        await pilot.press("W")
        typed = app.screen.query_one(Input)
        typed.value = f"{folder}/pi"
        await pilot.press("tab")
        await until(lambda: typed.value == f"{folder}/pictures/", pilot)
        await pilot.press("c", "tab")
        await until(lambda: typed.value == f"{folder}/pictures/ca", pilot)
        assert app.screen.query_one(OptionList).option_count == 2
        await pilot.press("r", "enter")
        await until(lambda: app.notices, pilot)
        await pilot.press("W")
        typed = app.screen.query_one(Input)
        assert typed.value == f"{folder}/pictures/car"
        assert app.screen.query_one(OptionList).option_count > 2
        await pilot.press("escape")


@given(st.lists(st.text("ab/", max_size=6), min_size=1))
def test_what_is_shared_is_the_longest_beginning_of_all(found: list[str]) -> None:
    longest = shared(found)
    assert all(text.startswith(longest) for text in found)
    assert len({text[: len(longest) + 1] for text in found}) > 1 or longest in found
