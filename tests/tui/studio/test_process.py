"""The studio as the process that it is: it answers, dies, comes back, and does not outlive the screen."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from cliploc.core.datasets import Dataset
from cliploc.core.postprocess import PostProcess
from cliploc.core.terminal import Terminal
from cliploc.tui import session
from cliploc.tui.app import ExplorerApp
from cliploc.tui.engine import DEATHS_IN_A_ROW, Engine
from cliploc.tui.messages import PicturesReady, StudioBack, Told, Trouble
from cliploc.tui.state import ExplorerState, Source
from cliploc.tui.studio.launch import launched
from tests.tui.conftest import KEYS, settled, until
from tests.tui.graphics.jobs import job

PATIENCE = 60.0


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
    engine = Engine(toy, heard.append)
    engine.draw(1, state_of(toy), False)
    await asyncio.to_thread(wait_for, lambda: heard.newest(PicturesReady))
    found = heard.newest(PicturesReady)
    assert isinstance(found, PicturesReady)
    assert set(found.pictures) == {"image", "heatmap", "mask", "truth"}
    frame = await engine.encode(found.pictures["mask"], job())
    assert frame is not None
    assert len(set(frame.cells.values)) > 10
    engine.close()


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
    engine = Engine(toy, heard.append)
    engine.export_text("kept", tmp_path / "late.txt")
    engine.close()
    wait_for(lambda: (tmp_path / "late.txt").exists())
    assert (tmp_path / "late.txt").read_text() == "kept"


def test_a_wrong_request_is_answered_with_trouble(toy: Dataset, tmp_path: Path) -> None:
    heard = Heard()
    engine = Engine(toy, heard.append)
    engine.score(Source(stored="nowhere"), PostProcess())
    wait_for(lambda: heard.newest(Trouble))
    engine.export_text("on", tmp_path / "after.txt")
    wait_for(lambda: heard.newest(Told))
    engine.close()


def test_one_that_keeps_dying_is_not_started_forever(toy: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    dead = [sys.executable, "-c", "import sys; sys.exit(3)"]
    started = []

    def stillborn(*_: object) -> subprocess.Popen[bytes]:
        started.append(subprocess.Popen(dead, stdin=subprocess.PIPE, stdout=subprocess.PIPE))
        return started[-1]

    monkeypatch.setattr("cliploc.tui.engine.launched", stillborn)
    heard = Heard()
    engine = Engine(toy, heard.append)
    wait_for(lambda: any("not started again" in m.text for m in heard if isinstance(m, Trouble)))
    assert len(started) == 1 + DEATHS_IN_A_ROW
    assert not engine.busy
    engine.close()


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
        first = app.engine._process.pid
        os.kill(first, signal.SIGKILL)
        await until(lambda: app.engine._process.pid != first, pilot)
        await pilot.press("d", "j")
        await settled(pilot)
        assert app.explorer.now.sample == toy.samples[1].id
        assert app.explorer.board is not None
        assert app.explorer.board.config.dilate == app.explorer.now.config.dilate
        said = [notice for notice in app.notices if "SIGKILL" in notice]
        assert len(said) == 1
        assert "started again" in said[0]


def test_coming_back_is_said_after_the_death(toy: Dataset) -> None:
    heard = Heard()
    engine = Engine(toy, heard.append)
    engine._process.kill()
    wait_for(lambda: heard.newest(StudioBack))
    kinds = [type(message) for message in heard]
    assert kinds.index(Trouble) < kinds.index(StudioBack)
    engine.draw(1, state_of(toy), False)
    wait_for(lambda: heard.newest(PicturesReady))
    engine.close()
