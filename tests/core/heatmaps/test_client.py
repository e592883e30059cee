"""The client: never waits, survives the worker, ends it. Once with the real process, else with stand-ins."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cliploc.core.child import DEATHS_IN_A_ROW
from cliploc.core.datasets import Dataset
from cliploc.core.heatmaps.client import Worker
from cliploc.core.heatmaps.protocol import (
    Computed,
    Count,
    Counted,
    Died,
    Event,
    Failed,
    Loading,
    Ready,
    TextComputed,
)
from cliploc.core.heatmaps.recipe import Recipe
from cliploc.core.heatmaps.store import HeatmapStore
from cliploc.core.postprocess import PostProcess

WAIT = 120  # seconds; a bound, not an expectation

STAND_IN = """
    import json, os, sys, time
    def say(**event):
        print(json.dumps(event), flush=True)
    recipe = {"method": "gem"}
    BODY
"""
ECHO = """
    for line in sys.stdin:
        asked = json.loads(line)
        if asked["kind"] == "Request":
            say(kind="Computed", recipe=asked["recipe"], key="k", ids=asked["ids"])
"""


class Inbox:
    """What a worker's client was told, and a way to wait for it."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self._condition = threading.Condition()

    def __call__(self, event: Event) -> None:
        with self._condition:
            self.events.append(event)
            self._condition.notify_all()

    def wait_for(self, kind: type[Event], count: int = 1) -> Event:
        def found() -> list[Event]:
            return [event for event in self.events if isinstance(event, kind)]

        with self._condition:
            assert self._condition.wait_for(lambda: len(found()) >= count, WAIT), self.events
            return found()[count - 1]


@pytest.fixture
def inbox() -> Inbox:
    return Inbox()


@pytest.fixture
def stand_in(tmp_path: Path, inbox: Inbox) -> Iterator[Callable[[str], Worker]]:
    """A maker of clients whose worker is a few lines of Python."""
    made: list[Worker] = []

    def make(body: str) -> Worker:
        script = tmp_path / f"worker{len(made)}.py"
        script.write_text(textwrap.dedent(STAND_IN).replace("BODY", textwrap.dedent(body)))
        made.append(Worker("toy", inbox, command=(sys.executable, str(script))))
        return made[-1]

    yield make
    for worker in made:
        worker.close()


def test_the_real_worker_loads_computes_and_ends_with_its_input(
    inbox: Inbox, toy: Dataset, recipe: Recipe, home: Path
) -> None:
    worker = Worker(toy.spec, inbox, "cpu")
    first, second, third, *_ = (sample.id for sample in toy.samples)
    try:
        worker.start()
        worker.request(Recipe("gum"), (first,))
        worker.request(recipe, (second, third), urgent=False)
        worker.request(recipe, (first,))
        ready = inbox.wait_for(Ready)
        assert isinstance(ready, Ready)
        inbox.wait_for(Computed, 3)
        assert isinstance(inbox.events[0], Loading)
        order = [event.ids for event in inbox.events if isinstance(event, Computed)]
        assert order == [(first,), (second,), (third,)]
        failed = inbox.wait_for(Failed)
        assert isinstance(failed, Failed)
        assert "did you mean gem" in failed.message
        assert sorted(HeatmapStore().open(ready.identity).ids()) == sorted([first, second, third])
        worker.request_text(recipe, first, "a cat")
        answer = inbox.wait_for(TextComputed)
        assert isinstance(answer, TextComputed)
        assert answer.heatmap.shape == (4, 4)
        worker.count(Count(5, toy.spec, ready.identity.key, 3, (second, first), PostProcess(dilate=3)))
        counted = inbox.wait_for(Counted)
        assert isinstance(counted, Counted)
        assert counted.histograms is not None
        assert counted.histograms.sum(axis=1).tolist() == [
            toy.by_id(id_).true_mask().size for id_ in (second, first)
        ]
        process = worker._child.process
        assert process is not None
    finally:
        worker.close()
    assert process.returncode == 0
    assert not any(isinstance(event, Died) for event in inbox.events)
    assert "did you mean gem" in worker.log_file.read_text()
    assert worker.log_file.is_relative_to(home)


def test_answers_reach_the_callback(stand_in: Callable[[str], Worker], inbox: Inbox) -> None:
    worker = stand_in(ECHO)
    worker.request(Recipe("gem"), ("a", "b"))
    assert inbox.wait_for(Computed) == Computed(Recipe("gem"), "k", ("a", "b"))


def test_asking_never_waits_for_a_worker_that_does_not_read(
    stand_in: Callable[[str], Worker], inbox: Inbox
) -> None:
    worker = stand_in("say(kind='Loading', text='for ever')\ntime.sleep(3600)")
    done = threading.Event()

    def ask() -> None:
        for _ in range(20):
            worker.request(Recipe("gem"), [f"sample_{number}" for number in range(5000)])
        done.set()

    threading.Thread(target=ask, daemon=True).start()
    inbox.wait_for(Loading)
    assert done.wait(WAIT)


def test_lines_that_are_no_events_and_a_failing_callback_are_survived(
    stand_in: Callable[[str], Worker], inbox: Inbox
) -> None:
    worker = stand_in("print('a library says hello', flush=True)\n" + textwrap.dedent(ECHO))

    def picky(event: Event) -> None:
        inbox(event)
        raise RuntimeError("the screen is closing")

    worker._on_event = picky
    worker.request(Recipe("gem"), ("a",))
    inbox.wait_for(Computed, 1)
    worker.request(Recipe("gem"), ("b",))
    inbox.wait_for(Computed, 2)


def test_a_killed_worker_is_reported_once_and_started_again_by_the_next_request(
    stand_in: Callable[[str], Worker], inbox: Inbox
) -> None:
    worker = stand_in(ECHO)
    worker.request(Recipe("gem"), ("a",))
    inbox.wait_for(Computed)
    assert worker._child.process is not None
    os.kill(worker._child.process.pid, signal.SIGKILL)
    died = inbox.wait_for(Died)
    assert isinstance(died, Died)
    assert "SIGKILL" in died.message
    worker.request(Recipe("gem"), ("b",))
    assert inbox.wait_for(Computed, 2) == Computed(Recipe("gem"), "k", ("b",))
    assert sum(isinstance(event, Died) for event in inbox.events) == 1


def test_a_request_just_after_a_death_does_not_hide_it(
    stand_in: Callable[[str], Worker], inbox: Inbox
) -> None:
    worker = stand_in(ECHO)
    worker.request(Recipe("gem"), ("a",))
    inbox.wait_for(Computed)
    assert worker._child.process is not None
    os.kill(worker._child.process.pid, signal.SIGKILL)
    worker.request(Recipe("gem"), ("b",))
    inbox.wait_for(Died)
    worker.request(Recipe("gem"), ("c",))
    inbox.wait_for(Computed, 2)


def test_a_worker_that_keeps_dying_is_given_up(stand_in: Callable[[str], Worker], inbox: Inbox) -> None:
    worker = stand_in("say(kind='Loading', text='weights')\nsys.exit('no weights here')")
    for count in range(1, DEATHS_IN_A_ROW + 1):
        worker.request(Recipe("gem"), ("a",))
        died = inbox.wait_for(Died, count)
        assert isinstance(died, Died)
        assert "exit code 1 (no weights here)" in died.message
    worker.request(Recipe("gem"), ("a",))
    failed = inbox.wait_for(Failed)
    assert isinstance(failed, Failed)
    assert f"died {DEATHS_IN_A_ROW} times" in failed.message
    assert str(worker.log_file) in failed.message
    worker.start()
    inbox.wait_for(Died, DEATHS_IN_A_ROW + 1)


def test_closing_ends_even_a_worker_that_does_not_listen(
    stand_in: Callable[[str], Worker], inbox: Inbox
) -> None:
    worker = stand_in("say(kind='Loading', text='for ever')\ntime.sleep(3600)")
    worker.start()
    inbox.wait_for(Loading)
    process = worker._child.process
    worker.close()
    assert process is not None
    assert process.returncode is not None
    assert worker._child.process is None
    worker.close()


def test_a_worker_that_cannot_be_started_is_reported(inbox: Inbox) -> None:
    worker = Worker("toy", inbox, command=("/nowhere/python",))
    worker.request(Recipe("gem"), ("a",))
    failed = inbox.wait_for(Failed)
    assert isinstance(failed, Failed)
    assert "cannot be started" in failed.message


def test_without_a_place_for_its_log_the_worker_still_runs(
    stand_in: Callable[[str], Worker], inbox: Inbox, home: Path
) -> None:
    home.mkdir()
    (home / "state").write_text("in the way")
    worker = stand_in(ECHO)
    worker.request(Recipe("gem"), ("a",))
    inbox.wait_for(Computed)


def test_the_worker_dies_with_the_program_that_started_it(tmp_path: Path) -> None:
    """A program is killed while its worker loads; the worker's end shows as the end of its output."""
    program = textwrap.dedent("""
        import sys, time
        from cliploc.core.heatmaps.client import Worker
        worker = Worker("toy", lambda event: print(worker._child.process.pid, flush=True), "cpu")
        worker.start()
        time.sleep(3600)
    """)
    parent = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    parent.kill()
    parent.wait()
    until = time.monotonic() + WAIT
    while Path(f"/proc/{pid}").exists() and _state(pid) != "Z":
        assert time.monotonic() < until, "the worker outlived its program"
        time.sleep(0.02)


def _state(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return "Z"


def test_the_client_needs_neither_torch_nor_numpy() -> None:
    program = (
        "import sys\nimport cliploc.core.heatmaps.client\n"
        "heavy = {'torch', 'open_clip', 'numpy', 'cv2', 'PIL'} & set(sys.modules)\nassert not heavy, heavy"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
