"""The explorer in use for long: memory, handles, threads and processes are flat; nothing is left behind.

`CLIPLOC_SOAK_SECONDS` says how long (an hour by default); run with `-m soak -s`.
"""

from __future__ import annotations

import itertools
import os
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from cliploc.tui import session
from tests.sweeping import children_of, heatmap_set, until
from tests.terminal.pseudo import PseudoTerminal

pytestmark = pytest.mark.soak
SECONDS = float(os.environ.get("CLIPLOC_SOAK_SECONDS", "3600"))
ESCAPE = "\x1b"
WALK = [*"jjjktdeiTDEu=b]", "v", ESCAPE, "H", ESCAPE, "s", ESCAPE, "?", ESCAPE, *"+-BBz", *"kkk["]
LOOKS = 20  # how often the processes are counted


def family(pid: int) -> list[int]:
    found = [pid]
    for one in found:
        found += children_of(one)
    return found


def counted(pid: int) -> dict[str, float]:
    """Of all its processes: resident MB, open files, threads, and how many there are."""
    total = dict.fromkeys(("MB", "files", "threads", "processes"), 0.0)
    for one in family(pid):
        place = Path(f"/proc/{one}")
        try:
            total["MB"] += int((place / "statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20
            total["files"] += len(list((place / "fd").iterdir()))
            total["threads"] += len(list((place / "task").iterdir()))
            total["processes"] += 1
        except OSError:
            continue  # it has just ended
    return total


def test_long_use(make_folder: Callable[..., Path], tmp_path: Path, home: Path) -> None:
    heatmap_set(make_folder)
    session.mark_hints_seen()
    argv = [
        sys.executable,
        "-m",
        "cliploc.tui",
        "--fresh",
        "--dataset",
        str(tmp_path / "toy"),
        "--heatmaps",
        "toy",
    ]
    looks: list[dict[str, float]] = []
    with PseudoTerminal(argv, environment={"CLIPLOC_HOME": str(home), "HF_HUB_OFFLINE": "1"}) as terminal:
        terminal.wait_to_show("24 samples", 120)
        begun = time.monotonic()
        for key in itertools.cycle(WALK):
            terminal.send(key)
            time.sleep(0.6 if key == ESCAPE else 0.15)
            passed = time.monotonic() - begun
            if passed > SECONDS * (len(looks) + 1) / LOOKS:
                looks.append(counted(terminal.pid))
                terminal.forget()
            if passed > SECONDS:
                break
        everyone = family(terminal.pid)
        terminal.send(ESCAPE)
        time.sleep(0.6)
        terminal.send("q")
        assert terminal.wait(60) == 0
        assert b"Traceback" not in terminal.text()
    until(lambda: not any(Path(f"/proc/{pid}/cmdline").exists() for pid in everyone), "all of it to end")
    for name in ("MB", "files", "threads", "processes"):
        early = statistics.median(look[name] for look in looks[2 : LOOKS // 2])
        late = statistics.median(look[name] for look in looks[LOOKS // 2 :])
        print(f"{name}: {early:.0f} in the first half, {late:.0f} in the second")
        assert late <= early * 1.2 + 2, name
