"""`make hard`: faults, signals and damaged files in slices, then one table of what came of them.

    python -m tests.hard [PLACE] [--seconds N] [--most N] [--inputs N]

What was tried is remembered in PLACE (`.hard`), so that a stopped run goes on; a point or a slice
that went wrong is tried again.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from tests.conftest import REPOSITORY
from tests.faults.campaign import Memory, campaign
from tests.faults.injector import missing
from tests.faults.scenarios import SCENARIOS
from tests.fuzz.run import READERS

SLICE = 250  # inputs fed to one reader's process
MOST_MB = 1000  # that one of them may hold


def faults(place: Path, most: int, seconds: float) -> None:
    """Kills, errors and signals for about so many seconds; what goes wrong is told at once."""
    if why := missing():
        print(f"no faults: {why}")
        return
    for point, ended, wrong in campaign(place, list(SCENARIOS), most, seconds):
        if wrong:
            print(f"{point} ended with {ended.status}: {wrong}", flush=True)


def fuzz(place: Path, inputs: int, seconds: float) -> None:
    """Feed every reader its share of the inputs, one process a slice."""
    known, deadline = {(found["reader"], found["seed"]) for found in fed(place)}, time.monotonic() + seconds
    rounds = -(-inputs // (SLICE * len(READERS)))
    for seed in range(100, 100 + rounds):
        for reader in READERS:
            if (reader, seed) in known or time.monotonic() > deadline:
                continue
            found = _slice(place, reader, seed)
            with (place / "fuzz.jsonl").open("a") as file:
                file.write(json.dumps(found) + "\n")
            for wrong in found["wrong"]:
                print(f"{reader}, seed {seed}: {wrong}", flush=True)


def _slice(place: Path, reader: str, seed: int) -> dict[str, Any]:
    folder = place / "fuzz"
    command = [sys.executable, "-m", "tests.fuzz.run", reader, str(seed), str(SLICE), str(folder)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "CLIPLOC_HOME": str(folder / "home")}
    done = subprocess.run(
        command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=False
    )
    shutil.rmtree(folder, ignore_errors=True)
    if done.returncode == 0:
        return {"seed": seed, **json.loads(done.stdout)}
    last = (done.stderr.splitlines() or ["nothing"])[-1]
    return {"reader": reader, "seed": seed, "tried": 0, "wrong": [f"died of {done.returncode} at {last}"]}


def fed(place: Path) -> list[dict[str, Any]]:
    """What the slices that went well, and the last of each that did not, came to."""
    path = place / "fuzz.jsonl"
    lines = path.read_text().splitlines() if path.exists() else []
    found = {(each["reader"], each["seed"]): each for each in map(json.loads, lines)}
    return [each for each in found.values() if not each["wrong"]]


def table(place: Path) -> str:
    """The one table."""
    points, slices = Memory(place / "points.db").figures(), fed(place)
    texts = [str(wrong) for each in _wrong(place) for wrong in each["wrong"]]
    rows = {
        "kill points": points["kills"],
        "injected errors": points["injected errors"],
        "real signals (SIGKILL, SIGTERM, SIGHUP)": points["signals"],
        "damaged inputs": sum(each["tried"] for each in slices),
        "losses": points["loss"],
        "corrupt": points["corrupt"],
        "tracebacks": points["traceback"] + points["end"] + sum("escape" not in text for text in texts),
        "hangs": points["hang"],
        "leaks": points["orphan"] + sum(each["peak_mb"] > MOST_MB for each in slices),
        "escapes": sum("escape" in text for text in texts),
    }
    lines = [f"| {name} | {value:,} |" for name, value in rows.items()]
    by_reader = ", ".join(
        f"{reader} {sum(each['tried'] for each in slices if each['reader'] == reader):,}"
        for reader in READERS
    )
    return "\n".join(["| what | how many |", "|---|---:|", *lines, "", f"Inputs by reader: {by_reader}."])


def _wrong(place: Path) -> list[dict[str, Any]]:
    path = place / "fuzz.jsonl"
    lines = path.read_text().splitlines() if path.exists() else []
    found = {(each["reader"], each["seed"]): each for each in map(json.loads, lines)}
    return [each for each in found.values() if each["wrong"]]


def main() -> int:
    """Run what is left, print the table; 1 when anything in it is not as it should be."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("place", type=Path, nargs="?", default=REPOSITORY / ".hard")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="of this slice, each half")
    parser.add_argument("--most", type=int, default=160, help="kill points of one scenario")
    parser.add_argument("--inputs", type=int, default=10_500, help="damaged files, over all readers")
    given = parser.parse_args()
    given.place.mkdir(parents=True, exist_ok=True)
    if given.most:
        faults(given.place, given.most, given.seconds)
    if given.inputs:
        fuzz(given.place, given.inputs, given.seconds)
    print(table(given.place))
    figures = Memory(given.place / "points.db").figures()
    wrong = ("loss", "corrupt", "traceback", "hang", "orphan", "end")
    return int(bool(_wrong(given.place)) or any(figures[name] for name in wrong))


if __name__ == "__main__":
    sys.exit(main())
