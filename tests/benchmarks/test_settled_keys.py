"""What one settled key costs the explorer's event loop, as a ratio to a bare Textual app of one line.

Run with `pytest -m benchmark -s tests/benchmarks/test_settled_keys.py`, with CLIPLOC_BENCH_LOAD=FOLDER and
CLIPLOC_BENCH_SETS=glide-512,coco-40000: sets of `make load`, made there where they are not yet. CPU time of
the event loop's thread in the seconds after a key, less that of as long a while without one; medians, in one
run. Prints ratios and asserts no time.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import time
from pathlib import Path

import pytest

from tests.load import __main__ as load
from tests.load import sets
from tests.terminal.pseudo import PseudoTerminal

FOLDER = os.environ.get("CLIPLOC_BENCH_LOAD", "")
SETS = os.environ.get("CLIPLOC_BENCH_SETS", "glide-512,coco-512,coco-40000").split(",")
pytestmark = [
    pytest.mark.benchmark,
    pytest.mark.skipif(not FOLDER, reason="CLIPLOC_BENCH_LOAD"),
]
BEGIN, END = "\x1b[23~", "\x1b[24~"  # F11, F12
KEYS = {"threshold": "t", "dilation": "d", "walk": "j"}
# Seconds until everything that follows from a key is there, and how often each is pressed.
WHILE, REPEATS = 2.0, 7
# Seconds without a change: exact scores are there, or estimates have become rare.
QUIET = 4.0
# Half-cells that only a picture has.
CELLS = 300


def spent(terminal: PseudoTerminal, report: Path, key: str) -> float:
    """CPU milliseconds of the event loop in the seconds after a key, "" for none."""
    lines = len(report.read_text().splitlines()) if report.exists() else 0
    terminal.send(BEGIN)
    time.sleep(0.1)
    if key:
        terminal.send(key)
    time.sleep(WHILE)
    terminal.send(END)
    end = time.monotonic() + 30
    while not report.exists() or len(report.read_text().splitlines()) == lines:
        assert time.monotonic() < end, "the app does not answer"
        time.sleep(0.02)
    return float(json.loads(report.read_text().splitlines()[-1])["loop_ms"])


def median(terminal: PseudoTerminal, report: Path, key: str) -> float:
    return statistics.median(spent(terminal, report, key) for _ in range(REPEATS))


def bare(report: Path) -> float:
    command = [sys.executable, "-m", "tests.benchmarks.bare_loop", str(report)]
    with PseudoTerminal(command, environment={"CLIPLOC_TICK": "0"}) as terminal:
        terminal.wait_to_show("0 keys")
        return median(terminal, report, "x") - median(terminal, report, "")


def prepared(name: str) -> tuple[str, Path]:
    """The spec of a set with heatmaps, and its home."""
    kind, _, images = name.partition("-")
    place = Path(FOLDER).resolve() / name
    spec = {"coco": sets.coco, "glide": sets.glide}[kind](place, int(images))
    load.measured(spec, "import", place / "home")
    return spec, place / "home"


@pytest.mark.parametrize("kind", ["halfcell", "kitty"])
@pytest.mark.parametrize("name", SETS)
def test_a_settled_key(name: str, kind: str, tmp_path: Path) -> None:
    spec, home = prepared(name)
    report, environment = tmp_path / "report", {"CLIPLOC_TICK": "0", "CLIPLOC_HOME": str(home)}
    command = [sys.executable, "-m", "tests.benchmarks.explorer_loop", str(report), "--fresh"]
    command += ["--dataset", spec, "--heatmaps", "load", "--threshold", "0.2", "--dilate", "9"]
    one = bare(tmp_path / "bare")
    with PseudoTerminal(command, kind=kind, environment=environment) as terminal:
        terminal.wait_for(lambda output: output.count("▀".encode()) > CELLS or b"\x1b_G" in output, 120)
        terminal.wait_to_show("prec .", 180)  # of the dataset's curves
        terminal.wait_until_quiet(QUIET, 120)
        terminal.send("d")
        terminal.wait_until_quiet(QUIET, 120)
        idle = median(terminal, report, "")
        print(f"\n{name}, {kind}, 200 x 60: bare app {one:.1f} ms a key, idle {idle:.1f} ms")
        for what, key in KEYS.items():
            cost = median(terminal, report, key) - idle
            print(f"  {what:10} {cost:5.1f} ms, {cost / one:5.1f} times")
        terminal.send("q")
        terminal.wait(60)
