"""A page or dialog that was opened and closed leaves the screen as a fresh start would show it."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest

import cliploc
from cliploc.core.datasets import Dataset
from cliploc.core.heatmaps.identity import Identity
from cliploc.core.heatmaps.recipe import Recipe
from cliploc.core.heatmaps.store import HeatmapStore
from cliploc.core.sweep.database import writing
from cliploc.core.sweep.grid import Grid
from cliploc.core.sweep.ledger import Ledger
from cliploc.tui import session
from tests.terminal.pixels import Sight
from tests.terminal.pseudo import PseudoTerminal, settle
from tests.tui.conftest import toy  # noqa: F401 (a fixture)

KINDS = ("halfcell", "kitty", "sixel")
SIZE = (116, 38)
PATIENCE = 120.0
ESCAPE = "\x1b"
# The left edge of a notice.
NOTICE = "▌"
# What leads to a place: for each screen on the way what is typed until it is open and does something.
PLACES = {
    "help": [["?"]],
    "palette": [[":"]],
    "theme": [["\x14"]],
    "notices": [["\x0e"]],
    "sort": [[","]],
    "facet": [["."]],
    "presets": [["P"]],
    "prompt": [["p"]],
    "several prompts": [["p", "a disc ; a ring", "\r"]],
    "data": [["W"]],
    "export": [["\x05"]],
    "compose": [["S"]],
    "statistics": [["H"]],
    "sweeps": [["s"]],
    "a sweep, and a dialog over it": [["s"], ["S"]],
    "two runs": [["s", "*", "j"], ["c"]],
    "compare": [["v"]],
    "compare, and a dialog over it": [["v"], ["m"]],
    "compare, and the help over it": [["v"], ["?"]],
    "inside": [["w"]],
}


@pytest.fixture
def explorers(toy: Dataset, tmp_path: Path) -> Iterator[dict[str, PseudoTerminal]]:  # noqa: F811
    """The explorer in a terminal of each kind, over heatmaps of a method and two finished runs."""
    for name in ("noisy", "good"):
        cliploc.sweep(
            name,
            Grid(("bilinear",), dilates=(1, 5), erodes=(1, 5)),
            dataset=toy.spec,
            executor="threads",
            workers=1,
        )
    with writing(Ledger().path) as db:  # long ago, so that nothing of them ages meanwhile
        db.execute(
            "UPDATE runs SET created = created - 1e6, updated = updated - 1e6, resumed = resumed - 1e6"
        )
    made = Recipe("gem", backbone="demo-vit").completed(toy.name)
    identity = Identity(
        toy.pictures, made.method, made.parameters, made.backbone, made.checkpoint,
        "d" * 64, made.template, made.size, version=made.spec.version,
    )  # fmt: skip
    maps = np.random.default_rng(5).random((len(toy.samples), 8, 8), np.float32)
    HeatmapStore().open(identity).write(dict(zip((s.id for s in toy.samples), maps, strict=True)))
    session.mark_hints_seen()
    # A heatmap worker that is loading for ever: nothing here is computed by a network.
    (tmp_path / "torch.py").write_text("import signal\nsignal.pause()\n")
    environment = {"PYTHONPATH": os.pathsep.join([str(tmp_path), os.getcwd()])}
    program = [sys.executable, "-m", "cliploc.tui", "--fresh", "--dataset", toy.spec]
    program += ["--method", made.method, "--backbone", made.backbone]
    with ExitStack() as stack:
        yield {
            kind: stack.enter_context(
                PseudoTerminal(program, kind=kind, columns=SIZE[0], rows=SIZE[1], environment=environment)
            )
            for kind in KINDS
        }


def settled(terminals: dict[str, PseudoTerminal]) -> dict[str, Sight]:
    """What is seen at rest, without notices."""
    settle(terminals.values(), PATIENCE)
    end = time.monotonic() + PATIENCE
    while noticed := [terminal.shown() for terminal in terminals.values() if NOTICE in terminal.shown()]:
        assert time.monotonic() < end, f"a notice stays:\n{noticed[0]}"
        settle(terminals.values(), PATIENCE)
    return {kind: terminal.seen() for kind, terminal in terminals.items()}


def typed(terminals: dict[str, PseudoTerminal], keys: list[str]) -> dict[str, Sight]:
    """What is seen in each terminal when keys, one after another, have done what they do."""
    for key in keys:
        for terminal in terminals.values():
            terminal.send(key)
        sights = settled(terminals)
    return sights


def test_back_from_anywhere_everything_is_as_at_a_fresh_start(explorers: dict[str, PseudoTerminal]) -> None:
    for terminal in explorers.values():
        terminal.wait_to_show("9 of 9  IoU", PATIENCE)
    first = settled(explorers)
    typed(explorers, ["w"])  # starts the heatmap worker, of which the first line tells
    fresh = typed(explorers, [ESCAPE])
    for kind in KINDS:
        assert all(line.startswith("row 0,") for line in fresh[kind].differs_from(first[kind]))
    for place, way in PLACES.items():
        sights = [fresh]
        for keys in way:
            sights.append(typed(explorers, keys))
            for kind in KINDS:
                assert sights[-1][kind].differs_from(sights[-2][kind]), f"{kind}: {keys} open no {place}"
        for wanted in reversed(sights[:-1]):
            back = typed(explorers, [ESCAPE])
            for kind, terminal in explorers.items():
                left = back[kind].differs_from(wanted[kind])
                assert not left, f"{kind}: {place} has left something:\n{terminal.shown()}"
