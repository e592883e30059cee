"""A dropped connection or a polite kill: the session is kept and the exit code says why."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from core.datasets import Dataset
from tests.tui.conftest import toy  # noqa: F401 (a fixture)

PATIENCE = 90.0


def read_until(descriptor: int, text: bytes) -> None:
    """Read what the program draws until a text was among it."""
    received, end = b"", time.monotonic() + PATIENCE
    while text not in received:
        assert time.monotonic() < end, received[-2000:]
        received += os.read(descriptor, 65536)


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGTERM])
def test_a_signal_keeps_the_session(
    toy: Dataset,  # noqa: F811 (the fixture)
    home: Path,
    number: signal.Signals,
) -> None:
    outer, inner = os.openpty()
    command = [
        sys.executable,
        "-m",
        "tui",
        "--dataset",
        toy.spec,
        "--heatmaps",
        "good",
        "--graphics",
        "halfcell",
    ]
    environment = {**os.environ, "TERM": "xterm-256color", "LINES": "40", "COLUMNS": "120"}
    process = subprocess.Popen(
        command, stdin=inner, stdout=inner, stderr=inner, start_new_session=True, env=environment
    )
    os.close(inner)
    read_until(outer, b"star_0000")
    os.write(outer, b"j")
    read_until(outer, b"7 of 9")
    process.send_signal(number)
    end = time.monotonic() + PATIENCE
    while process.poll() is None and time.monotonic() < end:
        os.set_blocking(outer, False)
        try:
            os.read(outer, 65536)
        except OSError:
            time.sleep(0.05)
    assert process.wait(1) == 128 + number
    saved = json.loads((home / "state" / "session.json").read_text())
    assert saved["datasets"][toy.spec]["sample"] == "star_0001"
    os.close(outer)
