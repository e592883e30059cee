"""A working folder is data: what lies in it is never run by the processes that are started there."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest

from cliploc.core.datasets import Dataset
from cliploc.core.heatmaps.client import Worker
from cliploc.core.sweep.grid import Grid
from cliploc.core.sweep.ledger import Ledger
from cliploc.tui.studio.fetching import COMMAND as FETCHING
from cliploc.tui.studio.launch import launched
from cliploc.tui.studio.runs import COMMAND as RUNNING
from cliploc.tui.studio.runs import Runs
from cliploc.tui.studio.wire import Question, packed, received
from tests.tui.conftest import toy  # noqa: F401 (a fixture)

PATIENCE = 60.0
NAMES = ("queue.py", "random.py", "core/__init__.py", "core/cli.py", "tui/__init__.py")


@pytest.fixture(autouse=True)
def trap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder: it holds files named as modules are, which leave a trace when they are run."""
    folder, trace = tmp_path / "work", tmp_path / "trace"
    for name in NAMES:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"open({str(trace)!r}, 'a').write({name!r} + ' ')\nraise SystemExit(77)\n")
    monkeypatch.chdir(folder)
    monkeypatch.delenv("PYTHONPATH", raising=False)
    return trace


def test_the_studio_answers_from_such_a_folder(toy: Dataset, trap: Path) -> None:  # noqa: F811
    with launched(toy.spec, "cpu") as studio:
        assert studio.stdin is not None
        assert studio.stdout is not None
        studio.stdin.write(packed(Question(1, "statistics")))
        studio.stdin.flush()
        assert next(iter(received(studio.stdout)), None) is not None
        studio.stdin.close()
    assert not trap.exists()


def test_a_sweep_runs_from_such_a_folder(toy: Dataset, trap: Path) -> None:  # noqa: F811
    """Through the command and the detached process that it starts."""
    runs = Runs(toy, lambda _: None, lambda error: None)
    runs.start(("good",), Grid(("bilinear",)))
    end = time.monotonic() + PATIENCE
    while not any(run.state == "done" for run in Ledger().runs()):
        assert time.monotonic() < end, "the sweep is never done"
        assert not trap.exists()
        time.sleep(0.1)
    runs.close()
    assert not trap.exists()


def test_the_heatmap_worker_starts_from_such_a_folder(toy: Dataset, trap: Path) -> None:  # noqa: F811
    events: list[object] = []
    worker = Worker(toy.spec, events.append, "cpu")
    worker.start()
    end = time.monotonic() + PATIENCE
    while not events:
        assert time.monotonic() < end, "the worker never says a word"
        time.sleep(0.1)
    worker.close()
    assert not trap.exists()


@pytest.mark.parametrize("command", [FETCHING, RUNNING])
def test_commands_do_not_look_into_the_working_folder(command: tuple[str, ...]) -> None:
    assert command[:2] == (sys.executable, "-P")
