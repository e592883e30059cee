"""Progress on stderr: a bar with rate and time left on a terminal, a few lines elsewhere.

With CLIPLOC_PROGRESS=json it is lines of JSON, for programs that follow us: `{"progress": TEXT, "said":
"41.0 of 123.0 MB", "part": 0.33}`, part being null where the whole is not known.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)
from rich.text import Text

from cliploc.core.child import PROGRESS
from cliploc.core.commands.output import say
from cliploc.core.errors import clean

# Called with what is being done, how much of it is done, and how much there is (0: not known).
Report = Callable[[str, int, int], None]


@contextmanager
def progress(unit: str = "images") -> Iterator[Report]:
    """Show what is reported inside the block. unit: what is counted; `bytes` are shown as sizes."""
    if os.environ.get(PROGRESS) == "json":
        yield _in_steps(unit, _print_json)
    elif sys.stderr.isatty():
        with _bars(unit) as bars:
            yield _on_bars(bars)
    else:
        yield _in_steps(unit, lambda text, said, _: say(f"{text}: {said}"))


def _bars(unit: str) -> Progress:
    counts = (
        (DownloadColumn(), TransferSpeedColumn()) if unit == "bytes" else (MofNCompleteColumn(), _Rate(unit))
    )
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        *counts,
        TimeRemainingColumn(),
        console=Console(stderr=True),
    )


class _Rate(ProgressColumn):
    def __init__(self, unit: str) -> None:
        super().__init__()
        self._unit = unit

    def render(self, task: Task) -> Text:
        """How many per second, of those that were done while we watched."""
        return Text(f"{task.speed:.3g} {self._unit}/s" if task.speed else "")


def _on_bars(bars: Progress) -> Report:
    tasks: dict[str, TaskID] = {}

    def report(text: str, done: int, total: int) -> None:
        if text not in tasks:
            # What was there at the start does not count towards the rate.
            tasks[text] = bars.add_task(escape(clean(text)), total=total or None, completed=done)
        bars.update(tasks[text], completed=done, total=total or None)

    return report


def _in_steps(unit: str, tell: Callable[[str, str, float | None], None]) -> Report:
    """Told a tenth at a time; a percent of a download, which takes long and which a screen may follow."""
    parts = 100 if unit == "bytes" else 10
    steps: dict[str, int] = {}

    def report(text: str, done: int, total: int) -> None:
        step = parts * done // total if total else 0
        if steps.get(text) != step:
            steps[text] = step
            counted = f"{_count(done, unit)} of {_count(total, unit)}" if total else _count(done, unit)
            told = f"{counted} {'MB' if unit == 'bytes' else unit}"
            tell(text, told, min(done / total, 1.0) if total else None)

    return report


def _print_json(text: str, said: str, part: float | None) -> None:
    print(json.dumps({"progress": clean(text), "said": said, "part": part}), file=sys.stderr, flush=True)  # noqa: T201


def _count(number: int, unit: str) -> str:
    return f"{number / 1e6:,.1f}" if unit == "bytes" else f"{number:,}"
