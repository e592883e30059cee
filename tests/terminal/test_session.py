"""A session as a new user would have it, in tmux: find, tune, sweep, quit, come back, apply, export."""

from __future__ import annotations

import csv
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from cliploc.core.datasets import Dataset
from tests.tui.conftest import toy  # noqa: F401 (a fixture)

PATIENCE = 120.0
pytestmark = pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")


class Tmux:
    """A terminal of 120 x 40 with a shell of its own."""

    def __init__(self, folder: Path) -> None:
        self.socket = folder / "tmux.sock"
        self._run("-f", "/dev/null", "new-session", "-d", "-x", "120", "-y", "40", "-c", str(folder), "sh")

    def _run(self, *arguments: str) -> str:
        command = ["tmux", "-S", str(self.socket), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    def type(self, *keys: str) -> None:
        """Press keys by tmux's names, one after the other."""
        for key in keys:
            self._run("send-keys", key)

    def line(self, text: str) -> None:
        """Type a line into the shell."""
        self._run("send-keys", "-l", text)
        self.type("Enter")

    @property
    def text(self) -> str:
        """What the terminal shows."""
        return self._run("capture-pane", "-p")

    def shows(self, pattern: str) -> re.Match[str]:
        """Wait until the terminal shows a pattern."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            if found := re.search(pattern, self.text):
                return found
            time.sleep(0.1)
        raise AssertionError(f"{pattern!r} never came; the terminal shows\n{self.text}")

    def close(self) -> None:
        """End the terminal and what runs in it."""
        subprocess.run(["tmux", "-S", str(self.socket), "kill-server"], check=False)


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Tmux]:
    folder = tmp_path / "work"
    folder.mkdir()
    tmux = Tmux(folder)
    yield tmux
    tmux.close()


def test_a_whole_session(terminal: Tmux, toy: Dataset, home: Path) -> None:  # noqa: F811 (the fixture)
    repository = Path(__file__).resolve().parents[2]
    environment = f"env -u COLUMNS -u LINES HF_HUB_OFFLINE=1 PYTHONPATH={repository}"
    environment += f" CLIPLOC_HOME={shlex.quote(str(home))}"
    program = f"{environment} {shlex.quote(sys.executable)} -m tui --dataset {shlex.quote(toy.spec)}"

    terminal.line(f"{program} --heatmaps good")
    terminal.shows(r"mean IoU +\.\d{3} +\.\d{3} +\.\d{3}")
    assert "heart_0000" in terminal.text

    terminal.type("/", *"ring", "Enter")
    terminal.shows(r"ring_0000  1 of 3")
    terminal.type("/", *["BSpace"] * 4, "Enter")
    terminal.shows(r"ring_0000  \d of 9")

    terminal.type("=")
    terminal.shows(r"tuned on these 9 images")
    terminal.shows(r"mean IoU .*\+\.\d{3}")

    terminal.type("S")
    terminal.shows(r"Compose a sweep")
    terminal.shows(r"768 configs × 100 thresholds × 9 images")
    terminal.type("Enter")
    terminal.shows(r"sweep started")
    terminal.type("q")
    terminal.shows(r"(?m)^[#$] ?$")

    terminal.line("clear")
    terminal.line(program)
    terminal.shows(r"ring_0000  \d of 9")
    terminal.type("s")
    terminal.shows(r"done .*100%")
    terminal.shows(r"tuned +\.\d{3}")
    terminal.shows(r"cross-val\. +\.\d{3}")
    terminal.type("a")
    terminal.shows(r"best cell of a sweep: tuned")

    terminal.type("C-e")
    terminal.shows(r"Export")
    terminal.type(*"every sample", "Enter")
    terminal.shows(r"wrote scores-by-sample\.csv")
    terminal.type("q")
    terminal.shows(r"(?m)^[#$] ?$")

    with open(terminal.socket.parent / "scores-by-sample.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 9
    assert all(0 <= float(row["mean_iou"]) <= 1 for row in rows)
    assert os.path.exists(home / "state" / "session.json")
