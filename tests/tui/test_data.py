"""The data dialog: datasets that can be opened, and downloads with their progress."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from cliploc.core import paths
from cliploc.core.commands.progress import progress
from cliploc.core.lock import is_held
from cliploc.tui import session
from cliploc.tui.app import ExplorerApp, Reopen
from cliploc.tui.screens.data_choice import data_choices, is_place
from cliploc.tui.state import ExplorerState, Source
from cliploc.tui.studio.fetching import Progress, last_said
from cliploc.tui.widgets.fetch_line import FetchLine
from tests.tui.conftest import settled, until

Make = Callable[..., ExplorerApp]
SIZE = (120, 40)
# A download that says how far it is, then waits for a file before it ends.
SLOW = """
import pathlib, sys, time
print('{{"progress": "downloading", "said": "41.0 of 123.0 MB", "part": 0.333}}', file=sys.stderr, flush=True)
end = time.monotonic() + 120  # it must not outlive a test that failed
while not pathlib.Path({gate!r}).exists() and time.monotonic() < end:
    time.sleep(0.01)
sys.exit({code})
"""


@pytest.fixture
def gate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Downloads are stood in for by a process that ends when this file appears."""
    path = tmp_path / "gate"
    monkeypatch.setattr(
        "cliploc.tui.studio.fetching.COMMAND", (sys.executable, "-c", SLOW.format(gate=str(path), code=0))
    )
    return path


def line(app: ExplorerApp) -> str:
    if not app.explorer.query(FetchLine):
        return ""  # the explorer is not open yet
    widget = app.explorer.query_one(FetchLine)
    return str(widget.content) if widget.has_class("-active") else ""


async def test_a_download_shows_its_progress_until_it_is_done(make_app: Make, gate: Path) -> None:
    app = make_app()
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await pilot.press("W", *"fetch cocog", "enter")
        await until(lambda: "fetching CocoGlide" in line(app) and " 33%" in line(app), pilot)
        assert "41.0 of 123.0 MB" in line(app)
        gate.touch()
        await until(lambda: "CocoGlide is here; W opens it" in app.notices, pilot)
        assert line(app) == ""


async def test_the_same_dialog_stops_it(make_app: Make, gate: Path) -> None:
    app = make_app()
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await pilot.press("W", *"fetch cocog", "enter")
        await until(lambda: "33%" in line(app), pilot)
        await pilot.press("W", *"stop fetching", "enter")
        await until(lambda: any("stopped fetching CocoGlide" in text for text in app.notices), pilot)
        assert line(app) == ""
        assert not gate.exists()


async def test_it_goes_on_after_the_explorer_and_the_next_one_follows_it(make_app: Make, gate: Path) -> None:
    app = make_app()
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await pilot.press("W", *"fetch cocog", "enter")
        await until(lambda: "33%" in line(app), pilot)
    app.client.close()
    assert is_held(paths.state_dir() / "fetch.log")
    later = make_app()
    async with later.run_test(size=SIZE) as pilot:
        await until(lambda: "fetching CocoGlide" in line(later), pilot)
        gate.touch()
        await until(lambda: "CocoGlide is here; W opens it" in later.notices, pilot)


async def test_a_download_that_fails_says_why(
    make_app: Make, gate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing = "import sys; print('cliploc: the server does not answer', file=sys.stderr); sys.exit(1)"
    monkeypatch.setattr("cliploc.tui.studio.fetching.COMMAND", (sys.executable, "-c", failing))
    app = make_app()
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await pilot.press("W", *"fetch weights", "enter")
        await until(lambda: "the server does not answer" in app.notices, pilot)


def test_a_log_says_how_far_it_is_as_the_command_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What `progress` writes for programs is what is read here, and any other line is words."""
    monkeypatch.setenv("CLIPLOC_PROGRESS", "json")
    log = tmp_path / "log"
    for done, total, part in ((41_000_000, 123_000_000, 1 / 3), (5_000_000, 0, None)):
        with progress("bytes") as report:
            report("downloading", done, total)
        log.write_text(capsys.readouterr().err)
        found = last_said(log)
        assert found.said.startswith("downloading: ")
        assert found.part == (None if part is None else pytest.approx(part))
    log.write_text("cliploc: the server does not answer\n")
    assert last_said(log) == Progress("cliploc: the server does not answer", None)
    assert last_said(tmp_path / "nothing") == Progress("", None)


async def test_a_dataset_that_cannot_be_opened_leaves_everything_as_it_is(make_app: Make) -> None:
    app = make_app()
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await pilot.press("d", "W", *"/nowhere", "enter")
        await until(lambda: any("no dataset at /nowhere" in text for text in app.notices), pilot)
        assert app.is_running
        assert app.explorer.now.config.dilate == 5


async def test_a_word_chooses_what_it_narrows_down_to(make_app: Make) -> None:
    app = make_app()
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await pilot.press("W", *"dem", "enter")
        await until(lambda: app.return_value == Reopen("demo"), pilot)


async def test_a_choice_named_in_full_is_meant_although_others_match(make_app: Make, gate: Path) -> None:
    app = make_app()
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await pilot.press("W", *"fetch coco", "enter")
        await until(lambda: "fetching COCO val2017" in line(app), pilot)
        gate.touch()


async def test_a_highlight_that_was_moved_is_meant(make_app: Make) -> None:
    app = make_app()
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await pilot.press("P", *"closing", "down", "enter")
        await until(lambda: app.explorer.now.config.dilate == 61, pilot)


def test_datasets_that_were_opened_before_are_offered(tmp_path: Path) -> None:
    for place in (tmp_path / "gone", tmp_path):
        session.save(str(place), ExplorerState("a", Source()))
    assert [choice.value for choice in data_choices("demo")] == ["demo", str(tmp_path)]
    with_options = f"{tmp_path}?mask-value=1"
    session.save(with_options, ExplorerState("a", Source()))
    assert [choice.value for choice in data_choices("demo")] == ["demo", with_options, str(tmp_path)]


def test_two_folders_of_one_relative_name_have_sessions_of_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("one", "two"):
        (tmp_path / name / "data").mkdir(parents=True)
        monkeypatch.chdir(tmp_path / name)
        session.save("data", ExplorerState(name, Source()))
    monkeypatch.chdir(tmp_path / "one")
    assert session.restored("data", ExplorerState("", Source())).sample == "one"


@pytest.mark.parametrize(("text", "place"), [("~/data", True), ("coco:a:b", True), ("glide", False)])
def test_a_place_is_told_from_a_word(text: str, place: bool) -> None:
    assert is_place(text) == place
