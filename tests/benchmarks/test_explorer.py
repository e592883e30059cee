"""The explorer on a real dataset: cost of a key, updates under a held key, memory, time to first text.

Run with `CLIPLOC_BENCH_DATASET=FOLDER CLIPLOC_BENCH_HEATMAPS=FILE.npz pytest -m benchmark -s
tests/benchmarks/test_explorer.py`, the file holding a heatmap of every sample of that dataset.
Prints figures and asserts no time.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import time
from pathlib import Path

import pytest

from cliploc.core.datasets import open_dataset
from cliploc.core.heatmaps.exchange import import_npz
from cliploc.core.heatmaps.store import HeatmapStore
from tests.benchmarks.test_pictures import held_key, picture_frames
from tests.terminal.pseudo import PseudoTerminal

DATASET, HEATMAPS = os.environ.get("CLIPLOC_BENCH_DATASET", ""), os.environ.get("CLIPLOC_BENCH_HEATMAPS", "")
pytestmark = [
    pytest.mark.benchmark,
    pytest.mark.skipif(not (DATASET and HEATMAPS), reason="CLIPLOC_BENCH_DATASET, CLIPLOC_BENCH_HEATMAPS"),
]
BEGIN, END = "\x1b[23~", "\x1b[24~"  # F11, F12
HELD = {"threshold": "t", "dilation": "d", "walking": "j"}
# 45 steps: as many as a kernel has from 9 to the end of its range.
BEGIN_AT = ["--threshold", "0.2", "--dilate", "9"]
SECONDS, PER_SECOND = 1.5, 30
STARTS = 11
# Half-cells that only a picture has.
CELLS = 300
BARE = """
from textual.app import App
from textual.widgets import Label
class Bare(App):
    def compose(self):
        yield Label("cliploc")
    def on_mount(self):
        self.set_timer(3, self.exit)
Bare().run()
"""


@pytest.fixture(autouse=True)
def imported() -> None:
    """The heatmap set `measured` in this test's own store."""
    import_npz(HeatmapStore(), Path(HEATMAPS), open_dataset(DATASET), "measured")


def explorer(report: Path) -> list[str]:
    command = [sys.executable, "-m", "tests.benchmarks.explorer_loop", str(report), "--fresh"]
    return [*command, "--dataset", DATASET, "--heatmaps", "measured", *BEGIN_AT]


def ready(terminal: PseudoTerminal) -> None:
    """Wait until the whole dataset is scored and shown, and has been scored once more."""
    images = len(open_dataset(DATASET).samples)
    terminal.wait_to_show(f"{images} of {images} images", 60)
    for key in ("d", "D"):
        # Longer than the notice of a first start stays.
        terminal.send(key)
        terminal.wait_until_quiet(1.5, 60)


def wait_for_file(path: Path) -> None:
    end = time.monotonic() + 20
    while not path.exists():
        assert time.monotonic() < end, "the explorer does not answer"
        time.sleep(0.02)


def measured(terminal: PseudoTerminal, report: Path, work: object) -> dict[str, float]:
    """What the stopwatch says about `work()`, with the bytes that came."""
    lines = len(report.read_text().splitlines()) if report.exists() else 0
    terminal.send(BEGIN)
    time.sleep(0.2)
    before = len(terminal.text())
    count = work()  # type: ignore[operator]
    terminal.wait_until_quiet(0.8, 60, before)
    sent = len(terminal.text()) - before
    terminal.send(END)
    end = time.monotonic() + 20
    while not report.exists() or len(report.read_text().splitlines()) == lines:
        assert time.monotonic() < end, "the explorer does not answer"
        time.sleep(0.02)
    row = json.loads(report.read_text().splitlines()[-1])
    return {**row, "keys": count, "kb": sent / 1000}


@pytest.mark.parametrize("kind", ["halfcell", "kitty"])
def test_held_keys(kind: str, tmp_path: Path) -> None:
    report = tmp_path / "report"
    with PseudoTerminal(explorer(report), kind=kind) as terminal:
        ready(terminal)
        print(f"\n{kind}, 200 x 60, {PER_SECOND} keys a second for {SECONDS} s")
        for name, key in HELD.items():

            def hold(key: str = key) -> int:
                return held_key(terminal, key, PER_SECOND, SECONDS)

            row = measured(terminal, report, hold)
            print(
                f"  {name:10} loop {row['loop_ms'] / row['keys']:5.1f} ms a key, process "
                f"{row['process_ms'] / row['keys']:5.1f}, longest stall {row['stall_ms']:5.1f} ms "
                f"({row['stalls_over_30']:.0f} over 30), {row['states'] / SECONDS:5.1f} states a second, "
                f"{row['kb'] / row['keys']:6.1f} KB a key, peak {row['peak_mb']:.0f} MB"
            )
        terminal.send("q")
        terminal.wait()


@pytest.mark.parametrize("name", ["threshold", "walking"])
@pytest.mark.parametrize(
    ("kind", "rate"), [("halfcell", 200_000), ("kitty", 200_000), ("kitty", 1_000_000), ("sixel", 1_000_000)]
)
def test_a_held_key_over_a_slow_link(kind: str, rate: float, name: str, tmp_path: Path) -> None:
    """Lag: from the last key to the last byte of the final picture."""
    with PseudoTerminal(explorer(tmp_path / "report"), kind=kind, rate=rate) as terminal:
        ready(terminal)
        terminal.send(BEGIN)
        terminal.wait_until_quiet(0.5)
        start = len(terminal.text())
        held = held_key(terminal, HELD[name], PER_SECOND, SECONDS)
        last = time.monotonic()
        lag = terminal.wait_until_quiet(0.6, 60) - last
        frames = picture_frames(terminal, start, kind, last) / SECONDS
        sent = len(terminal.text()) - start
        terminal.send(END)
        wait_for_file(tmp_path / "report")
        row = json.loads((tmp_path / "report").read_text().splitlines()[-1])
        what = "samples" if name == "walking" else "states"
        print(
            f"\n  {kind} {rate / 1000:.0f} KB/s, {name}: lag {lag:.2f} s, {what} painted {row[what]} of "
            f"{held}, pictures a second {frames:.1f}, {sent / 1000:.0f} KB"
        )
        terminal.send("q")
        terminal.wait()


@pytest.mark.parametrize("kind", ["halfcell", "kitty"])
def test_single_keys(kind: str, tmp_path: Path) -> None:
    report = tmp_path / "report"
    with PseudoTerminal(explorer(report), kind=kind) as terminal:
        ready(terminal)
        print(f"\n{kind}, 200 x 60, one key, medians of 7")
        for name, key in HELD.items():

            def press(key: str = key) -> int:
                terminal.send(key)
                return 1

            rows = [measured(terminal, report, press) for _ in range(7)]
            loop, kb = (statistics.median(row[what] for row in rows) for what in ("loop_ms", "kb"))
            print(f"  {name:10} loop {loop:5.1f} ms, {kb:6.1f} KB")
        terminal.send("q")
        terminal.wait()


def first_text(command: list[str], picture: bool = False) -> tuple[float, float]:
    """Milliseconds to the first text of the app, and to the first picture of a stored heatmap."""
    with PseudoTerminal(command, kind="halfcell") as terminal:
        text = terminal.wait_for(lambda output: b"cliploc" in output)
        drawn = terminal.wait_for(lambda output: output.count("▀".encode()) > CELLS) if picture else text
        return (text - terminal.started) * 1000, (drawn - terminal.started) * 1000


def test_first_text_and_first_picture() -> None:
    real = [sys.executable, "-m", "cliploc.tui", "--fresh", "--dataset", DATASET, "--heatmaps", "measured"]
    bare = [sys.executable, "-c", BARE]
    pairs = [(first_text(bare)[0], *first_text(real, picture=True)) for _ in range(STARTS)]
    bares, reals, pictures = (statistics.median(column) for column in zip(*pairs, strict=True))
    print(
        f"\nfirst text, medians of {STARTS}: bare {bares:.0f} ms, explorer {reals:.0f}, "
        f"ratio {reals / bares:.2f}; first picture {pictures:.0f} ms"
    )
