"""A page or dialog that was opened and closed leaves the screen as a fresh start would show it."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import core
from core.datasets import Dataset
from core.sweep.grid import Grid
from tests.terminal.pixels import Sight
from tests.terminal.pseudo import PseudoTerminal
from tests.tui.conftest import toy  # noqa: F401 (a fixture)
from tui import session

KINDS = ("halfcell", "kitty", "sixel")
SIZE = (150, 48)
PATIENCE = 60.0
# Seconds without a byte after which a page has been drawn.
QUIET = 0.5
# Seconds without a byte after which nothing more is to be expected.
LAST = 3.0
ESCAPE = "\x1b"
# What leads to a place: for each screen on the way the key that opens it, and keys that do something there.
PLACES = {
    "help": ["?"],
    "palette": [":"],
    "theme": ["\x14"],
    "notices": ["\x0e"],
    "sort": [","],
    "facet": ["."],
    "presets": ["P"],
    "prompt": ["p"],
    "data": ["W"],
    "export": ["\x05"],
    "compose": ["S"],
    "statistics": ["H"],
    "sweeps": ["s"],
    "a sweep, and a dialog over it": ["s", "S"],
    "two runs": ["s*j", "c"],
    "compare": ["v"],
    "compare, and a dialog over it": ["v", "m"],
    "compare, and the help over it": ["v", "?"],
    "inside": ["w"],
}

# What a page shows when all that it asked for has come.
COMPLETE = {"s": "cross-val.", "v": "IoU by class"}


@pytest.fixture
def explorer(
    toy: Dataset,  # noqa: F811
    request: pytest.FixtureRequest,
    tmp_path: Path,
) -> Iterator[PseudoTerminal]:
    """The explorer at rest in a terminal of a kind, with two finished runs in its ledger."""
    for name in ("noisy", "good"):
        core.sweep(
            name,
            Grid(("bilinear",), dilates=(1, 5), erodes=(1, 5)),
            dataset=toy.spec,
            executor="threads",
            workers=1,
        )
    session.mark_hints_seen()
    # A heatmap worker that ends at once: nothing here is computed by a network.
    (tmp_path / "torch.py").write_text("raise SystemExit('no network is loaded here')\n")
    program = [sys.executable, "-m", "tui", "--fresh", "--dataset", toy.spec, "--heatmaps", "good"]
    environment = {"PYTHONPATH": os.pathsep.join([str(tmp_path), os.getcwd()])}
    with PseudoTerminal(
        program, kind=request.param, columns=SIZE[0], rows=SIZE[1], environment=environment
    ) as terminal:
        terminal.wait_to_show("9 of 9  IoU", PATIENCE)
        terminal.wait_until_quiet(2.0, PATIENCE)
        yield terminal


def opened(terminal: PseudoTerminal, keys: str) -> Sight:
    """What is seen when keys have opened something."""
    for key in keys:
        before = len(terminal.output)
        terminal.send(key)
        if key in COMPLETE:
            terminal.wait_to_show(COMPLETE[key], PATIENCE)
        terminal.wait_until_quiet(QUIET, PATIENCE, after=before)
    return terminal.seen()


def differences_in_the_end(terminal: PseudoTerminal, wanted: Sight) -> list[str]:
    """Where the screen differs from what is wanted when nothing comes any more; [] as soon as it is it."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        seen = len(terminal.output)
        if not (differences := terminal.seen().differs_from(wanted)):
            break
        while len(terminal.output) == seen:
            if time.monotonic() - terminal.last_arrival() > LAST:
                return differences
            time.sleep(0.02)
        terminal.wait_until_quiet(0.1, PATIENCE)
    return differences


@pytest.mark.parametrize("explorer", KINDS, indirect=True)
def test_back_from_anywhere_everything_is_as_at_a_fresh_start(explorer: PseudoTerminal) -> None:
    fresh = explorer.seen()
    left_behind: dict[str, list[str]] = {}
    for place, way in PLACES.items():
        sights = [fresh]
        for keys in way:
            sights.append(opened(explorer, keys))
            assert sights[-1].differs_from(sights[-2]), f"{keys!r} opens nothing on the way to {place}"
        for wanted in reversed(sights[:-1]):
            explorer.send(ESCAPE)
            if differences := differences_in_the_end(explorer, wanted):
                left_behind[place] = differences
            # A key that comes while a dialog is being taken away would still be the dialog's.
            explorer.wait_until_quiet(QUIET, PATIENCE, after=-1)
    assert not left_behind
