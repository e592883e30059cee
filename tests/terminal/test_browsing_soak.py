"""An hour's worth of browsing all of CocoGlide with all parameters: the processes' memory has an end.

Run with `pytest -m soak -s tests/terminal/test_browsing_soak.py`; it takes some minutes.
"""

from __future__ import annotations

import itertools
import statistics
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from cliploc.core.datasets import open_dataset
from cliploc.core.heatmaps.exchange import import_npz
from cliploc.core.heatmaps.store import HeatmapStore
from cliploc.tui import session
from tests.terminal.pseudo import PseudoTerminal

pytestmark = pytest.mark.soak
# One a second for an hour.
KEYS = 3600
LOOK_EVERY = 150
SCREEN_LIMIT_MB = 300
ESCAPE, REDO = "\x1b", "\x12"
TUNING = [*"tdeiTo", "DE", "=", "u", REDO, "b"]
LOOKING = [*"czz11xx+-BB*lh"]
PAGES = ["v", ESCAPE, "H", ESCAPE, "s", ESCAPE, "?", ESCAPE]
WALK = [*"jjjj]", *TUNING, *"jjj]", *LOOKING, *"jjjj", *PAGES]
# Seconds of silence before the next key; after an escape, longer than one that begins a sequence.
PAUSE, PAGE_PAUSE, REACTION = 0.02, 0.3, 0.1


def resident_mb(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS"))


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@pytest.mark.parametrize("kind", ["halfcell", "kitty"])
def test_an_hour_of_browsing(cocoglide: Path, tmp_path: Path, kind: str) -> None:
    dataset, rng = open_dataset(str(cocoglide)), np.random.default_rng(0)
    ids = [sample.id for sample in dataset.samples]
    np.savez(tmp_path / "maps.npz", ids=ids, heatmaps=rng.random((len(ids), 14, 14), np.float32))
    import_npz(HeatmapStore(), tmp_path / "maps.npz", dataset, "random")
    session.mark_hints_seen()
    program = [
        sys.executable,
        "-m",
        "cliploc.tui",
        "--fresh",
        "--dataset",
        dataset.spec,
        "--heatmaps",
        "random",
    ]
    screen: list[float] = []
    studio: list[float] = []
    with PseudoTerminal(program, kind=kind) as terminal:
        terminal.wait_to_show(f"{len(ids)} of {len(ids)} images", 120)
        for number, key in zip(range(KEYS), itertools.cycle(WALK), strict=False):
            before, sent = len(terminal.output), time.monotonic()
            terminal.send(key)
            # A key may change nothing; then the next one comes after as long as a person needs.
            while len(terminal.output) == before and time.monotonic() - sent < REACTION:
                time.sleep(0.005)
            terminal.wait_until_quiet(PAGE_PAUSE if key in PAGES else PAUSE, 60, after=-1)
            if number % LOOK_EVERY == LOOK_EVERY - 1:
                screen.append(resident_mb(terminal.pid))
                studio.append(sum(map(resident_mb, children(terminal.pid))))
                terminal.forget()
    middle = len(screen) // 2
    early, late = statistics.median(screen[2:middle]), statistics.median(screen[middle:])
    print(f"\n{kind}, {KEYS} keys, MB: screen {early:.0f} then {late:.0f}, at most {max(screen):.0f}")
    print(f"  studio {statistics.median(studio[2:middle]):.0f} then {statistics.median(studio[middle:]):.0f}")
    print("  screen:", " ".join(f"{value:.0f}" for value in screen))
    assert max(screen) < SCREEN_LIMIT_MB
    assert late < 1.1 * early
    assert statistics.median(studio[middle:]) < 1.1 * statistics.median(studio[2:middle])
