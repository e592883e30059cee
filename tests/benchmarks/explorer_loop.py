"""`cliploc-tui` with a stopwatch on its event loop: the same program, and what it costs.

`python -m tests.benchmarks.explorer_loop REPORT ...` runs the explorer with the remaining arguments.
F12 writes what happened since the last F12 as one line of JSON to REPORT: CPU milliseconds of the
event loop's thread and of the process, the longest time that a timer of 5 ms came too late, how often
other scores were painted than before, how many samples were painted as the chosen one, and the peak of
the process's memory in MB. F11 begins anew.
With CLIPLOC_PROFILE=FILE the event loop's thread is profiled between F11 and F12; with CLIPLOC_TICK=0
there is no such timer.
"""

from __future__ import annotations

import asyncio
import cProfile
import json
import os
import resource
import sys
import time
from pathlib import Path

from rich.segment import Segment
from rich.style import Style
from textual import events

from cliploc.tui.__main__ import main
from cliploc.tui.app import ExplorerApp
from cliploc.tui.widgets.by_line import Line
from cliploc.tui.widgets.sample_list import Row, SampleList
from cliploc.tui.widgets.scores import ScorePanel

TICK = 0.005


class Stopwatch:
    """What the event loop did since `begin`."""

    def __init__(self, report: Path, profile: str) -> None:
        self.report, self.profile = report, cProfile.Profile() if profile else None
        self.profile_path = profile
        self.painted: list[tuple[int, bytes]] = []
        self.samples: set[str] = set()
        self.begin()

    def begin(self) -> None:
        self.painted.clear()
        self.samples.clear()
        self.late = 0.0
        self.over_30 = 0
        self.cpu, self.process = time.thread_time(), time.process_time()
        if self.profile:
            self.profile.disable()
            self.profile = cProfile.Profile()
            self.profile.enable()

    def end(self) -> None:
        if self.profile:
            self.profile.disable()
            self.profile.dump_stats(self.profile_path)
        row = {
            "loop_ms": (time.thread_time() - self.cpu) * 1000,
            "process_ms": (time.process_time() - self.process) * 1000,
            "stall_ms": self.late * 1000,
            "stalls_over_30": self.over_30,
            "states": len(self.painted),
            "samples": len(self.samples),
            "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        }
        with self.report.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")

    async def tick(self) -> None:
        while True:
            before = time.monotonic()
            await asyncio.sleep(TICK)
            late = time.monotonic() - before - TICK
            self.late = max(self.late, late)
            self.over_30 += late > 0.03


def instrument(watch: Stopwatch) -> None:
    """Hang the stopwatch into the app and the score panel."""
    mounted, rendered, listed = ExplorerApp.on_mount, ScorePanel.lines, SampleList._segments

    def on_mount(app: ExplorerApp) -> None:
        mounted(app)
        if os.environ.get("CLIPLOC_TICK") != "0":
            app.run_worker(watch.tick())

    async def on_key(app: ExplorerApp, event: events.Key) -> None:
        if event.key in ("f11", "f12"):
            (watch.begin if event.key == "f11" else watch.end)()

    def lines(panel: ScorePanel) -> list[Line]:
        curves = panel.curves.get("all")
        state = (panel.index, bytes(curves.values["mean_iou"]) if curves else b"")
        if watch.painted[-1:] != [state]:
            watch.painted.append(state)
        return rendered(panel)

    def segments(samples: SampleList, row: Row, width: int, base: Style, here: bool) -> list[Segment]:
        if here:
            watch.samples.add(row.id)
        return listed(samples, row, width, base, here)

    ExplorerApp.on_mount = on_mount  # type: ignore[method-assign]
    ExplorerApp.on_key = on_key  # type: ignore[method-assign]
    ScorePanel.lines = lines  # type: ignore[method-assign]
    SampleList._segments = segments  # type: ignore[method-assign]


if __name__ == "__main__":
    report, *arguments = sys.argv[1:]
    instrument(Stopwatch(Path(report), os.environ.get("CLIPLOC_PROFILE", "")))
    sys.exit(main(arguments))
