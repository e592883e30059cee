"""The studio as the process that it is: it answers, dies, comes back, and does not outlive the screen."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from textual.screen import Screen

from cliploc.core.child import DEATHS_IN_A_ROW
from cliploc.core.datasets import Dataset
from cliploc.core.postprocess import PostProcess
from cliploc.core.terminal import Terminal
from cliploc.tui import session
from cliploc.tui.answers import PicturesReady, RunsRead, StudioBack, Told, Trouble
from cliploc.tui.app import ExplorerApp
from cliploc.tui.messages import message_of
from cliploc.tui.state import ExplorerState, Source
from cliploc.tui.studio.launch import launched
from cliploc.tui.studio_client import Caller, StudioClient
from tests.tui.conftest import KEYS, settled, until
from tests.tui.graphics.jobs import job

PATIENCE = 60.0
REPOSITORY = Path(__file__).resolve().parents[3]


def wait_for(condition: Callable[[], object]) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.005)  # between two looks, until the condition holds


class Heard(list[object]):
    """The messages of an engine, and the newest of a kind."""

    def newest(self, kind: type) -> object:
        return next((message for message in reversed(self) if isinstance(message, kind)), None)


def state_of(dataset: Dataset) -> ExplorerState:
    return ExplorerState(dataset.samples[0].id, Source(stored="good"))


async def test_a_picture_is_drawn_and_encoded_over_there(toy: Dataset) -> None:
    heard = Heard()
    client = StudioClient(toy, heard.append)
    client.studio.draw(1, state_of(toy), False)
    await asyncio.to_thread(wait_for, lambda: heard.newest(PicturesReady))
    found = heard.newest(PicturesReady)
    assert isinstance(found, PicturesReady)
    assert set(found.pictures) == {"image", "heatmap", "mask", "truth"}
    frame = await client.encode(found.pictures["mask"], job())
    assert frame is not None
    assert len(set(frame.cells.values)) > 10
    client.close()


def test_it_ends_with_the_screen(toy: Dataset) -> None:
    script = "import sys, os; from cliploc.tui.studio.launch import launched; " + (
        "p = launched(sys.argv[1], 'cpu'); print(p.pid, flush=True); os.kill(os.getpid(), 9)"
    )
    screen = subprocess.run(
        [sys.executable, "-c", script, toy.spec], capture_output=True, text=True, check=False
    )
    pid = int(screen.stdout)
    assert screen.returncode == -signal.SIGKILL
    wait_for(lambda: not Path(f"/proc/{pid}").exists() or b"Z" in Path(f"/proc/{pid}/stat").read_bytes())


def test_a_file_that_is_being_written_is_finished(toy: Dataset, tmp_path: Path) -> None:
    heard = Heard()
    client = StudioClient(toy, heard.append)
    client.studio.export_text("kept", tmp_path / "late.txt")
    client.close()
    wait_for(lambda: (tmp_path / "late.txt").exists())
    assert (tmp_path / "late.txt").read_text() == "kept"


def test_a_wrong_request_is_answered_with_trouble(toy: Dataset, tmp_path: Path) -> None:
    heard = Heard()
    client = StudioClient(toy, heard.append)
    client.studio.score(Source(stored="nowhere"), PostProcess())
    wait_for(lambda: heard.newest(Trouble))
    client.studio.export_text("on", tmp_path / "after.txt")
    wait_for(lambda: heard.newest(Told))
    client.close()


def test_one_that_keeps_dying_is_not_started_forever(toy: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    dead = [sys.executable, "-c", "import sys; sys.exit(3)"]
    started = []

    def stillborn(*_: object) -> subprocess.Popen[bytes]:
        started.append(subprocess.Popen(dead, stdin=subprocess.PIPE, stdout=subprocess.PIPE))
        return started[-1]

    monkeypatch.setattr("cliploc.tui.studio_client.launched", stillborn)
    heard = Heard()
    client = StudioClient(toy, heard.append)
    wait_for(lambda: any("not started again" in m.text for m in heard if isinstance(m, Trouble)))
    assert len(started) == DEATHS_IN_A_ROW
    assert not client.busy
    client.close()


async def test_after_a_kill_the_screen_goes_on_as_if_nothing_had_happened(
    toy: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cliploc.tui.app.POLL_SECONDS", 3600.0)
    session.mark_hints_seen()
    app = ExplorerApp(
        toy, state_of(toy), Terminal("halfcell", truecolor=True), KEYS, studio=launched(toy.spec, "cpu")
    )
    app.animation_level = "none"
    async with app.run_test(size=(120, 40)) as pilot:
        await settled(pilot)
        first = app.client._child.process.pid
        os.kill(first, signal.SIGKILL)
        await until(lambda: app.client._child.process and app.client._child.process.pid != first, pilot)
        await pilot.press("d", "j")
        await settled(pilot)
        assert app.explorer.now.sample == toy.samples[1].id
        assert app.explorer.scores.board is not None
        assert app.explorer.scores.board.config.dilate == app.explorer.now.config.dilate
        said = [notice for notice in app.notices if "SIGKILL" in notice]
        assert len(said) == 1
        assert "started again" in said[0]
    app.leave()


def test_coming_back_is_said_after_the_death(toy: Dataset) -> None:
    heard = Heard()
    client = StudioClient(toy, heard.append)
    client._child.process.kill()
    wait_for(lambda: heard.newest(StudioBack))
    kinds = [type(message) for message in heard]
    assert kinds.index(Trouble) < kinds.index(StudioBack)
    client.studio.draw(1, state_of(toy), False)
    wait_for(lambda: heard.newest(PicturesReady))
    client.close()


def test_to_the_type_checker_a_question_is_the_studios_own_method(tmp_path: Path) -> None:
    """Declared once: a wrong argument is found without running, though nothing lists the questions."""
    wrong = tmp_path / "wrong.py"
    wrong.write_text(
        "from cliploc.tui.studio_client import StudioClient\n"
        "def ask(client: StudioClient) -> None:\n"
        "    client.studio.list_sets()\n"
        "    client.studio.list_sets(3)\n"
        "    client.studio.runs.pause(7)\n"
        "    client.studio.no_such_question()\n"
    )
    found = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--no-error-summary", str(wrong)],
        capture_output=True, text=True, check=False, cwd=REPOSITORY,
    ).stdout  # fmt: skip
    assert [line.split(":")[1] for line in found.splitlines() if ": error:" in line] == ["4", "5", "6"]


async def test_a_new_answer_reaches_a_screen_that_has_a_handler_for_it(
    make_app: Callable[..., ExplorerApp],
) -> None:
    """Nothing routes it: the class and the handler are all there is."""

    @dataclass
    class WeatherChanged:
        text: str

    heard = []

    class Window(Screen[None]):
        def on_weather_changed(self, message: WeatherChanged) -> None:
            heard.append((self, message.text))

    app = make_app()
    async with app.run_test(size=(120, 40)) as pilot:
        await settled(pilot)
        below, above = Window(), Window()
        await app.push_screen(below)
        await app.push_screen(above)
        app.client._hear(WeatherChanged("rain"))
        await until(lambda: len(heard) == 2, pilot)
        assert set(heard) == {(below, "rain"), (above, "rain")}


async def test_of_answers_that_wait_only_the_newest_is_heard_where_nothing_else_matters() -> None:
    newer, older = message_of(RunsRead(())), message_of(RunsRead(()))
    assert older.can_replace(newer)
    assert not older.can_replace(message_of(Told("x")))
    assert not message_of(Told("x")).can_replace(message_of(Told("y")))


def test_what_libraries_look_for_in_any_object_is_no_question() -> None:
    asked: list[object] = []
    caller = Caller(lambda *question, **options: asked.append((question, options)))
    caller.runs.poll()
    caller.score(3, anew=True)
    assert asked == [(("runs.poll",), {}), (("score", 3), {"anew": True})]
    for name in ("_param_count", "__wrapped__", "__fspath__"):
        assert not hasattr(caller.runs.poll, name)
