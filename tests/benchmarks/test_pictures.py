"""Pictures over a wire: bytes, latency and event-loop CPU of one change, and lag under a held key.

Run with `pytest -m benchmark -s tests/benchmarks/test_pictures.py`; set CLIPLOC_BENCH_IMAGES to a
folder of photographs. Prints tables and asserts no time.
"""

from __future__ import annotations

import json
import math
import os
import re
import statistics
import sys
import time
from pathlib import Path

import pyte
import pytest

from tests.terminal.emulated import pixels_on
from tests.terminal.pseudo import PseudoTerminal

pytestmark = pytest.mark.benchmark
IMAGES = os.environ.get("CLIPLOC_BENCH_IMAGES", "")
CASES = {"threshold step": "t", "new heatmap": "h", "new image": "n"}
REPEATS = 9
# Seconds after the last key at which the final picture should be there.
SOON = 0.25
SHOWN = b"\x1b[?2026l"


def gallery(widget: str, size: str, *more: str) -> list[str]:
    command = [sys.executable, "-m", "tests.terminal.gallery", "--widget", widget, "--size", size]
    return [*command, *(["--images", IMAGES] if IMAGES else []), *more]


def ready(terminal: PseudoTerminal) -> None:
    terminal.wait_for(lambda output: b"state 0" in output)
    terminal.wait_until_quiet(0.8)


def measured(kind: str, widget: str, size: str, report: Path) -> dict[str, tuple[float, float, float]]:
    """Medians of (event-loop CPU ms, latency ms, KB) for each case."""
    with PseudoTerminal(gallery(widget, size, "--report", str(report)), kind=kind) as terminal:
        ready(terminal)
        wire: dict[str, list[tuple[float, float]]] = {}
        for name, key in CASES.items():
            for _ in range(REPEATS):
                before, start = len(terminal.text()), time.monotonic()
                terminal.send(key)
                end = terminal.wait_until_quiet(0.25, after=before)
                wire.setdefault(name, []).append(
                    ((end - start) * 1000, (len(terminal.text()) - before) / 1000)
                )
        terminal.send("tq")
        terminal.wait()
    # The first entry belongs to the start; entry i + 1 is the cost of update i.
    cpu = json.loads(report.read_text())["loop_cpu_ms"][2:]
    table = {}
    for number, (name, rows) in enumerate(wire.items()):
        loop = statistics.median(cpu[number * REPEATS : (number + 1) * REPEATS])
        latency, size_kb = (statistics.median(column) for column in zip(*rows, strict=True))
        table[name] = (loop, latency, size_kb)
    return table


@pytest.mark.parametrize("size", ["40x20", "80x40"])
def test_cost_of_one_change(size: str, tmp_path: Path) -> None:
    print(f"\n{size} cells, 200 x 60 terminal, medians of {REPEATS}: event-loop CPU ms / latency ms / KB")
    nothing = measured("halfcell", "none", size, tmp_path / "report")
    print(f"  {'text only':28}" + cells(nothing))
    for kind in ("halfcell", "kitty", "sixel"):
        for widget, name in (("picture", "Picture"), (kind, "textual-image")):
            row = measured(kind, widget, size, tmp_path / "report")
            print(f"  {kind + ', ' + name:28}" + cells(row))


def cells(table: dict[str, tuple[float, float, float]]) -> str:
    return "".join(
        f"{name}: {cpu:5.1f} / {latency:4.0f} / {kb:6.1f}   " for name, (cpu, latency, kb) in table.items()
    )


@pytest.mark.parametrize(
    ("kind", "size", "rate", "key"),
    [
        ("halfcell", "80x40", 200_000, "t"),
        ("halfcell", "80x40", 200_000, "h"),
        ("kitty", "40x20", 1_000_000, "t"),
        ("kitty", "40x20", 200_000, "h"),
        ("sixel", "40x20", 1_000_000, "t"),
        ("sixel", "40x20", 200_000, "t"),
    ],
)
@pytest.mark.parametrize("widget", ["picture", "textual-image"])
def test_held_key_over_a_slow_link(kind: str, size: str, rate: float, key: str, widget: str) -> None:
    chosen = kind if widget == "textual-image" else widget
    with PseudoTerminal(gallery(chosen, size), kind=kind, rate=rate) as terminal:
        ready(terminal)
        start_byte = len(terminal.text())
        held = held_key(terminal, key, 30, 3.0)
        last_key = time.monotonic()
        painted = terminal.wait_for(lambda output: b"state %d" % held in output, start=start_byte)
        quiet = terminal.wait_until_quiet(0.6)
        output = terminal.text(start_byte)
        states = {int(number) for number in re.findall(rb"state (\d+)", output)}
        frames = picture_frames(terminal, start_byte, kind, last_key)
        soon = f"{fidelity(terminal, last_key + SOON, size):.1f} dB" if kind == "halfcell" else "not measured"
        print(
            f"\n  {kind} {size} {rate / 1000:.0f} KB/s {key} {widget}: lag {quiet - last_key:5.2f} s, "
            f"text lag {painted - last_key:5.2f} s, states painted {len(states)} of {held}, "
            f"pictures a second while held {frames / 3:.1f}, {len(output) / 1000:.0f} KB, "
            f"{SOON} s after the last key: {soon}"
        )


def fidelity(terminal: PseudoTerminal, moment: float, size: str) -> float:
    """PSNR in dB of the half-cells that had arrived at a moment, against those at the end."""
    columns, rows = (range(int(side)) for side in size.split("x"))
    screen = pyte.Screen(200, 60)
    stream = pyte.ByteStream(screen)
    output, shown = terminal.text(), []
    # A terminal shows a synchronized update when all of it is there.
    arrived = output.rfind(SHOWN, 0, terminal.arrived_until(moment)) + len(SHOWN)
    for part in (output[:arrived], output[arrived:]):
        stream.feed(part)
        shown.append(pixels_on(screen, range(1, 1 + len(rows)), columns).astype(float))
    error = float(((shown[0] - shown[1]) ** 2).mean())
    return 10 * math.log10(255**2 / error) if error else math.inf


def held_key(terminal: PseudoTerminal, key: str, per_second: int, seconds: float) -> int:
    """Send a key as a keyboard repeats it; returns how many."""
    count = int(per_second * seconds)
    start = time.monotonic()
    for number in range(count):
        time.sleep(max(0.0, start + number / per_second - time.monotonic()))
        terminal.send(key)
    return count


MARKS = {"halfcell": rb"\x1b7\x1b\[\d+;\d+H|\x1b\[3;1H", "kitty": rb"a=T", "sixel": rb"\x1bP[\d;]*q\""}


def picture_frames(terminal: PseudoTerminal, start: int, kind: str, until: float) -> int:
    """How many pictures began to arrive before `until`."""
    found = re.finditer(MARKS[kind], terminal.text(start))
    return sum(terminal.arrival_of(start + match.start()) < until for match in found)
