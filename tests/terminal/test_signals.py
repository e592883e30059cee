"""A dropped connection or a polite kill: the session is kept, the exit code says why, nothing is left."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cliploc.core.datasets import Dataset
from tests.terminal.pseudo import PseudoTerminal
from tests.tui.conftest import toy  # noqa: F401 (a fixture)

PATIENCE = 90.0


@pytest.fixture
def explorer(toy: Dataset) -> Iterator[PseudoTerminal]:  # noqa: F811 (the fixture)
    """The explorer on its second sample."""
    arguments = ["--dataset", toy.spec, "--heatmaps", "good", "--graphics", "halfcell"]
    with PseudoTerminal([sys.executable, "-m", "cliploc.tui", *arguments], columns=120, rows=40) as terminal:
        terminal.wait_for(lambda output: b"heart_0000" in output, timeout=PATIENCE)
        terminal.send("j")
        terminal.wait_to_show("2 of 9", PATIENCE)
        yield terminal


def kept_sample(home: Path, dataset: Dataset) -> str:
    saved = json.loads((home / "state" / "session.json").read_text())
    return str(saved["datasets"][dataset.spec]["sample"])


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGTERM])
def test_a_signal_keeps_the_session(
    explorer: PseudoTerminal,
    toy: Dataset,  # noqa: F811 (the fixture)
    home: Path,
    number: signal.Signals,
) -> None:
    os.kill(explorer.pid, number)
    assert explorer.wait(PATIENCE) == 128 + number
    assert kept_sample(home, toy) == "heart_0001"


def test_a_vanished_terminal_ends_the_explorer_and_keeps_the_session(
    explorer: PseudoTerminal,
    toy: Dataset,  # noqa: F811 (the fixture)
    home: Path,
) -> None:
    os.close(explorer.descriptor)  # every write fails from now on, and the kernel sends SIGHUP
    assert explorer.wait(PATIENCE) == 128 + signal.SIGHUP
    assert kept_sample(home, toy) == "heart_0001"
