"""What one settled key costs the explorer's event loop, as a ratio to a bare Textual app of one line.

Run with `pytest -m benchmark -s tests/benchmarks/test_settled_keys.py`, with CLIPLOC_BENCH_LOAD=FOLDER and
CLIPLOC_BENCH_SETS=glide-512,coco-40000: sets of `make load`, made there where they are not yet. CPU time of
the event loop's thread in the seconds after a key, less that of as long a while without one; medians of keys
pressed in turn in both, since machines are faster in one minute than in another. Prints ratios and asserts no
time.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
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


def medians(apps: dict[str, tuple[PseudoTerminal, Path]], keys: dict[str, str]) -> dict[str, float]:
    """Milliseconds by app. keys: the one that is pressed in each, "" for none."""
    found: dict[str, list[float]] = {name: [] for name in apps}
    for _ in range(REPEATS):
        for name, (terminal, report) in apps.items():
            found[name].append(spent(terminal, report, keys[name]))
    return {name: statistics.median(each) for name, each in found.items()}


@contextmanager
def bare(report: Path) -> Iterator[PseudoTerminal]:
    """A Textual app of one line."""
    command = [sys.executable, "-m", "tests.benchmarks.bare_loop", str(report)]
    with PseudoTerminal(command, environment={"CLIPLOC_TICK": "0"}) as terminal:
        terminal.wait_to_show("0 keys")
        yield terminal


def prepared(name: str) -> tuple[str, Path]:
    """The spec of a set with heatmaps, and its home."""
    kind, _, images = name.partition("-")
    place = Path(FOLDER).resolve() / name
    spec = {"coco": sets.coco, "glide": sets.glide}[kind](place, int(images))
    load.measured(spec, "import", place / "home")
    return spec, place / "home"


@pytest.mark.parametrize("kind", ["halfcell", "kitty", "sixel"])
@pytest.mark.parametrize("name", SETS)
def test_a_settled_key(name: str, kind: str, tmp_path: Path) -> None:
    spec, home = prepared(name)
    report, of_bare = tmp_path / "report", tmp_path / "bare"
    environment = {"CLIPLOC_TICK": "0", "CLIPLOC_HOME": str(home)}
    command = [sys.executable, "-m", "tests.benchmarks.explorer_loop", str(report), "--fresh"]
    command += ["--dataset", spec, "--heatmaps", "load", "--threshold", "0.2", "--dilate", "9"]
    with (
        bare(of_bare) as line,
        PseudoTerminal(command, kind=kind, environment=environment) as terminal,
    ):
        terminal.wait_to_show("prec .", 180)  # of the dataset's curves
        terminal.wait_until_quiet(QUIET, 120)
        terminal.send("d")
        terminal.wait_until_quiet(QUIET, 120)
        apps = {"bare": (line, of_bare), "explorer": (terminal, report)}
        idle = medians(apps, {"bare": "", "explorer": ""})
        print(f"\n{name}, {kind}, 200 x 60: idle {idle['explorer']:.1f} ms")
        for what, key in KEYS.items():
            busy = medians(apps, {"bare": "x", "explorer": key})
            one, cost = (busy[app] - idle[app] for app in apps)
            print(f"  {what:10} {cost:5.1f} ms, bare app {one:.1f} ms, {cost / one:5.1f} times")
        terminal.send("q")
        terminal.wait(60)
