"""Kill and error points, one after the other, resumable: `python -m tests.faults.campaign DIR`.

A point is (scenario, kind, N). What became of each is a row of DIR/points.db; a campaign that is
stopped goes on with the points that have none.
"""

from __future__ import annotations

import argparse
import re
import signal
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from tests.faults.injector import Ended, Nursery, nursery
from tests.faults.scenarios import SCENARIOS, Scenario, Stage, copied, left, staged, template

ERRORS = ("ENOSPC", "EIO", "EROFS", "EIO once")
SIGNALS = {"SIGKILL": signal.SIGKILL, "SIGTERM": signal.SIGTERM, "SIGHUP": signal.SIGHUP}
READERS = (["runs", "list"], ["heatmaps", "list"])
# How a command that met no fault, one, or a signal may end.
_ENDS = {"kill": (0, -9, 1), "SIGKILL": (0, -9), "SIGTERM": (0, -15, 130, 143), "SIGHUP": (0, -1, 129)}


@dataclass(frozen=True)
class Point:
    """Where one run is disturbed. at: the N-th call, or hundredths of an undisturbed run for a signal."""

    scenario: str
    kind: str
    at: int


@dataclass(frozen=True)
class Calm:
    """An undisturbed run: how many calls it makes, how long it takes, what it leaves."""

    root: Path
    argv: Sequence[str]
    calls: int
    seconds: float
    left: dict[str, object]


def calm(nursery: Nursery, stage: Stage, scenario: Scenario) -> Calm:
    """Run a scenario twice undisturbed. What differs between the two is compared by its presence alone."""
    start, argv = template(nursery, stage, scenario), scenario.argv(stage)
    found = []
    for _ in range(2):
        root = copied(start, stage.place / "work")
        ended = scenario.run(nursery, root, argv, kind="count")
        assert ended.status == 0, (scenario.name, ended)
        found.append(left(root))
    assert found[0].keys() == found[1].keys()
    same = {name: value if found[1][name] == value else "there" for name, value in found[0].items()}
    return Calm(start, argv, ended.calls, ended.seconds, same)


def points_of(name: str, calls: int, most: int) -> list[Point]:
    """Points of a scenario, evenly over its calls: at most `most` kills, half as many of each error."""
    found = [Point(name, "kill", at) for at in _spread(calls, most)]
    found += [Point(name, kind, at) for kind in ERRORS for at in _spread(calls, max(1, most // 5))]
    return found + [Point(name, kind, at) for kind in SIGNALS for at in _spread(95, max(1, most // 20))]


def _spread(calls: int, most: int) -> list[int]:
    if calls <= most:
        return list(range(1, calls + 1))
    return sorted({1 + round(place * (calls - 1) / max(most - 1, 1)) for place in range(most)})


def disturbed(nursery: Nursery, stage: Stage, point: Point, expected: Calm) -> tuple[str, Ended]:
    """Disturb a run, look, repeat it, compare. What went wrong, empty for nothing; and how it ended."""
    scenario = SCENARIOS[point.scenario]
    root = copied(expected.root, stage.place / "work")
    if point.kind in SIGNALS:
        after = expected.seconds * point.at / 100
        ended = scenario.run(nursery, root, expected.argv, signal=SIGNALS[point.kind], after=after)
    else:
        ended = scenario.run(nursery, root, expected.argv, kind=point.kind, at=point.at)
    if wrong := _end_of(point, ended):
        return wrong, ended
    # What could not be cleared away (a name with a dot) is cleared by the next start, which is below.
    if ended.status == 0 and (wrong := _compared(root, expected, hidden=False)):
        return f"corrupt: done with exit 0, but {wrong}", ended
    for argv in READERS:
        read = nursery.run(argv, root)
        if read.status != 0 or "Traceback" in read.output:
            return f"loss: afterwards {' '.join(argv)} ends with {read.status}: {read.output[-600:]}", ended
    again = scenario.run(nursery, root, scenario.repeated(nursery, root, expected.argv))
    done_already = again.status == 2 and "already" in again.output
    if again.status != 0 and not done_already:
        return f"loss: repeated, it ends with {again.status}: {again.output[-600:]}", ended
    if wrong := _compared(root, expected):
        return f"loss: repeated, {wrong}", ended
    return "", ended


def _end_of(point: Point, ended: Ended) -> str:
    if ended.status is None:
        return f"hang: {ended.output[-600:]}"
    if "Traceback" in ended.output or "cliploc: unexpected" in ended.output:
        return f"traceback: {ended.output[-1200:]}"
    if ended.orphans:
        return f"orphan: {ended.orphans} processes did not end"
    ends = _ENDS.get(point.kind, (0, 1, 2))
    return "" if ended.status in ends else f"end: {ended.status} with {ended.output[-600:]}"


def _compared(root: Path, expected: Calm, *, hidden: bool = True) -> str:
    found = left(root)
    missing = sorted(expected.left.keys() - found.keys())
    extra = sorted(
        name for name in found.keys() - expected.left.keys() if hidden or not re.search(r"(^|/)\.", name)
    )
    other = [n for n, v in expected.left.items() if n in found and v not in ("there", found[n])]
    words = (("missing", missing), ("left over", extra), ("other than undisturbed", other))
    return "; ".join(f"{what}: {', '.join(names[:4])}" for what, names in words if names)


class Memory:
    """The points that are done, and what became of them."""

    def __init__(self, file: Path) -> None:
        self._file = file
        with self._open() as db:
            db.execute(
                "CREATE TABLE IF NOT EXISTS points (scenario TEXT, kind TEXT, at INTEGER, status INTEGER, "
                "trips INTEGER, seconds REAL, wrong TEXT, PRIMARY KEY (scenario, kind, at))"
            )

    def _open(self) -> closing[sqlite3.Connection]:
        return closing(sqlite3.connect(self._file, isolation_level=None))

    def done(self) -> set[Point]:
        """The points that need not be tried again: those that went well."""
        with self._open() as db:
            rows = db.execute("SELECT scenario, kind, at FROM points WHERE wrong = ''")
            return {Point(*row) for row in rows}

    def failed(self) -> list[Point]:
        """The points at which something went wrong."""
        with self._open() as db:
            rows = db.execute("SELECT scenario, kind, at FROM points WHERE wrong != ''")
            return [Point(*row) for row in rows]

    def keep(self, point: Point, ended: Ended, wrong: str) -> None:
        """Remember a point."""
        with self._open() as db:
            db.execute(
                "INSERT OR REPLACE INTO points VALUES (?, ?, ?, ?, ?, ?, ?)",
                (point.scenario, point.kind, point.at, ended.status, ended.trips, ended.seconds, wrong),
            )

    def figures(self) -> dict[str, int]:
        """Of all points: kills and errors that fell, signals, and what went wrong by its first word."""
        with self._open() as db:
            rows = list(db.execute("SELECT kind, trips, wrong FROM points"))
        counts = {
            "kills": sum(trips > 0 for kind, trips, _ in rows if kind == "kill"),
            "injected errors": sum(trips > 0 for kind, trips, _ in rows if kind in ERRORS),
            "signals": sum(kind in SIGNALS for kind, _, _ in rows),
        }
        for what in ("loss", "corrupt", "traceback", "hang", "orphan", "end"):
            counts[what] = sum(wrong.startswith(what) for _, _, wrong in rows)
        return counts


def campaign(
    place: Path, names: Sequence[str], most: int, cpu_seconds: float = float("inf")
) -> Iterator[tuple[Point, Ended, str]]:
    """Disturb these scenarios at the points that are not done yet, for about so many seconds."""
    stage, memory, deadline = staged(place), Memory(place / "points.db"), time.monotonic() + cpu_seconds
    with nursery(place / "nursery") as running:
        for name in names:
            expected = calm(running, stage, SCENARIOS[name])
            known = memory.done()
            share = max(1, round(most * SCENARIOS[name].share))
            failed = [point for point in memory.failed() if point.scenario == name]
            for point in dict.fromkeys([*failed, *points_of(name, expected.calls, share)]):
                if point in known:
                    continue
                if time.monotonic() > deadline:
                    return
                wrong, ended = disturbed(running, stage, point, expected)
                memory.keep(point, ended, wrong)
                yield point, ended, wrong


def main() -> None:
    """Run a slice and print what went wrong, then the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("place", type=Path)
    parser.add_argument("--scenarios", nargs="*", default=list(SCENARIOS), metavar="NAME")
    parser.add_argument("--most", type=int, default=120, help="kill points of one scenario")
    parser.add_argument("--seconds", type=float, default=3600.0, help="of this slice")
    given = parser.parse_args()
    for number, (point, ended, wrong) in enumerate(
        campaign(given.place, given.scenarios, given.most, given.seconds)
    ):
        if wrong or number % 50 == 0:
            print(f"{point} status {ended.status}, {ended.seconds:.1f} s: {wrong or 'well'}", flush=True)
    print(Memory(given.place / "points.db").figures())


if __name__ == "__main__":
    main()
