"""Terminals that misbehave, windows of no size, and a dataset that changes under the explorer."""

from __future__ import annotations

import os
import random
import shutil
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from cliploc.core.sweep.ledger import Ledger
from cliploc.tui import session
from tests.sweeping import children_of, heatmap_set, small_plan, start_process, until
from tests.terminal.pseudo import PseudoTerminal

PATIENCE = 40.0
pytestmark = pytest.mark.faults


@pytest.fixture
def folder(make_folder: Callable[..., Path], tmp_path: Path) -> Path:
    heatmap_set(make_folder)
    session.mark_hints_seen()
    return tmp_path / "toy"


def explorer(
    folder: Path, home: Path, kind: type[PseudoTerminal] = PseudoTerminal, **more: object
) -> PseudoTerminal:
    argv = [sys.executable, "-m", "cliploc.tui", "--fresh", "--dataset", str(folder), "--heatmaps", "toy"]
    environment = {"CLIPLOC_HOME": str(home), "HF_HUB_OFFLINE": "1", **more.pop("environment", {})}  # type: ignore[dict-item]
    return kind(argv, environment=environment, **more)  # type: ignore[arg-type]


def pressed(terminal: PseudoTerminal, keys: str) -> None:
    for key in keys:
        terminal.send(key)
        time.sleep(0.05)  # a person's pace, not a wait for anything


def left(terminal: PseudoTerminal) -> None:
    """Quit; it ends by itself, without a traceback and without leaving a process."""
    family = [terminal.pid, *children_of(terminal.pid)]
    terminal.send("q")
    assert terminal.wait(PATIENCE) == 0
    assert b"Traceback" not in terminal.text()
    until(lambda: not any(_alive(pid) for pid in family), "its processes to end")


def _alive(pid: int) -> bool:
    try:
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False


def ready(terminal: PseudoTerminal) -> None:
    terminal.wait_to_show("24 samples", PATIENCE)


class Silent(PseudoTerminal):
    """Answers nothing, ever."""

    def _answer(self, data: bytes) -> None:
        return


class Garbage(PseudoTerminal):
    """Answers every question with bytes of no meaning."""

    def _answer_to(self, question: bytes) -> bytes:
        rng = random.Random(len(self.output))
        return (
            bytes(rng.choice(b"\x1b[]P\\0123456789;?cRtuy$qz\x07") for _ in range(rng.randint(1, 40)))
            + b"\x1b\\"
        )


class Late(PseudoTerminal):
    """Answers after seconds."""

    def _answer_to(self, question: bytes) -> bytes:
        answer = super()._answer_to(question)
        threading.Timer(2.5, lambda: self.send(answer)).start()
        return b""


@pytest.mark.parametrize("kind", [Silent, Late])
def test_a_terminal_that_does_not_answer_as_it_should(
    kind: type[PseudoTerminal], folder: Path, home: Path
) -> None:
    with explorer(folder, home, kind) as terminal:
        ready(terminal)
        pressed(terminal, "jjkt")
        time.sleep(6)  # for the last of the late answers
        left(terminal)


def test_a_terminal_that_answers_garbage(folder: Path, home: Path) -> None:
    with explorer(folder, home, Garbage) as terminal:
        terminal.wait_for(lambda output: b"\x1b[?1049h" in output, PATIENCE)
        time.sleep(5)
        terminal.send(b"\x1b\\\x1b\x1b\x03")  # end whatever the garbage began; ^C
        terminal.send("\x11")
        try:
            terminal.wait(20)
        except TimeoutError:
            os.kill(terminal.pid, 15)
            terminal.wait(PATIENCE)
        assert b"Traceback" not in terminal.text()


def test_a_terminal_that_closes(folder: Path, home: Path) -> None:
    with explorer(folder, home) as terminal:
        ready(terminal)
        family = [terminal.pid, *children_of(terminal.pid)]
        os.close(terminal.descriptor)
        terminal.wait(PATIENCE)
        until(lambda: not any(_alive(pid) for pid in family), "its processes to end")


@pytest.mark.parametrize("size", [(1, 1), (2, 1), (1, 30), (300, 2), (20, 5)])
def test_a_window_of_hardly_any_size(size: tuple[int, int], folder: Path, home: Path) -> None:
    with explorer(folder, home, columns=size[0], rows=size[1]) as terminal:
        terminal.wait_for(lambda output: b"\x1b[?1049h" in output, PATIENCE)
        terminal.wait_until_quiet(1.5, PATIENCE)
        pressed(terminal, "jkt")
        terminal.resize(120, 40)
        ready(terminal)
        left(terminal)


def test_a_storm_of_resizes(folder: Path, home: Path) -> None:
    rng = random.Random(0)
    with explorer(folder, home) as terminal:
        ready(terminal)
        for _ in range(300):
            terminal.resize(rng.randint(1, 250), rng.randint(1, 70))
            if rng.random() < 0.2:
                terminal.send("j")
        terminal.resize(160, 50)
        terminal.wait_until_quiet(1.5, PATIENCE)
        ready(terminal)
        left(terminal)


@pytest.mark.parametrize("name", ["vt100", "linux", "nonsense-term"])
def test_old_and_unknown_terminals(name: str, folder: Path, home: Path) -> None:
    with explorer(folder, home, environment={"TERM": name, "COLORTERM": ""}) as terminal:
        ready(terminal)
        pressed(terminal, "jk")
        left(terminal)


def test_two_explorers_and_a_sweep_over_one_home(folder: Path, home: Path) -> None:
    ledger = Ledger()
    run = ledger.create(small_plan("toy", shard_images=1, executor="local"))
    sweep = start_process(ledger, run)
    with explorer(folder, home) as one, explorer(folder, home) as other:
        ready(one)
        ready(other)
        for key in "jts":
            pressed(one, key)
            pressed(other, key)
        sweep.wait(PATIENCE)
        for terminal in (one, other):
            terminal.send("\x1b")
            time.sleep(0.7)
            left(terminal)
    assert ledger.run(run).state == "done"


@pytest.mark.parametrize("change", ["deleted", "replaced", "growing"])
def test_a_dataset_that_changes_under_the_explorer(change: str, folder: Path, home: Path) -> None:
    with explorer(folder, home) as terminal:
        ready(terminal)
        if change == "deleted":
            shutil.rmtree(folder)
        elif change == "replaced":
            for path in folder.glob("*/*.png"):
                path.write_bytes(b"no picture")
        else:
            with (folder / "table.csv").open("a") as table:
                table.write("real/new_0.png,,mask/new_0.png,new\n" * 1000)
        pressed(terminal, "jjj]]jkHt")
        time.sleep(3)  # lines that tick are never quiet
        terminal.send("\x1b")
        time.sleep(0.7)
        left(terminal)
