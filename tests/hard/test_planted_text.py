"""Hostile text in every name that somebody else may choose: what reaches the terminal is ours alone."""

from __future__ import annotations

import contextlib
import json
import os
import re
import sqlite3
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from cliploc.core.datasets import open_dataset
from cliploc.core.heatmaps.exchange import import_npz
from cliploc.core.heatmaps.store import HeatmapStore
from cliploc.core.sweep import sweep
from cliploc.core.sweep.ledger import Ledger
from cliploc.tui import session
from tests.conftest import write_picture
from tests.sweeping import SMALL
from tests.terminal.pseudo import PseudoTerminal

PATIENCE = 120.0
# A title, a colour, a C1 control, a mark that turns text round, a bell, a string that swallows what follows.
EVIL = "\x1b]0;OWNED\x07\x1b[31mRED\x9b41m\u202eDLO\x1bPq"
# Everything but what a file name cannot hold.
_OURS = re.compile(
    rb"\x1b\](?:8|10|11|52|22)[;?][^\x07\x1b]*(?:\x07|\x1b\\)"  # links, colours, clipboard, pointer
)


def planted(output: bytes) -> list[str]:
    """What of the hostile text arrived as something that a terminal obeys."""
    text = output.decode("utf-8", "replace")
    found = [word for word in ("\x1b]0;OWNED", "\x1b[31mRED", "\x1bPqR", "\x1bPq") if word in text]
    found += [f"C1 {c!r}" for c in sorted(set(re.findall("[\x80-\x9f]", text)))]
    found += [
        f"bidi {c!r}" for c in sorted(set(re.findall("[\u202a-\u202e\u2066-\u2069\u200e\u200f]", text)))
    ]
    return found


@pytest.fixture
def hostile(tmp_path: Path, home: Path) -> Path:
    """A dataset whose folder, files and labels are hostile, a set of its heatmaps, and a run of it."""
    root = tmp_path / f"data{EVIL}".replace("/", "")
    rng = np.random.default_rng(0)
    lines, ids = ["real,fake,mask,prompt"], []
    for number in range(6):
        name = f"s{EVIL}_{number}"
        picture = root / "real" / f"{name}.png"
        write_picture(tmp_path / "p.png", rng.integers(0, 256, (48, 64, 3), dtype=np.uint8))
        picture.parent.mkdir(parents=True, exist_ok=True)
        picture.write_bytes((tmp_path / "p.png").read_bytes())
        mask = np.zeros((48, 64), np.uint8)
        mask[8:30, 10:40] = 255
        write_picture(tmp_path / "p.png", mask)
        (root / "mask").mkdir(exist_ok=True)
        (root / f"mask/{number}.png").write_bytes((tmp_path / "p.png").read_bytes())
        lines.append(f'"real/{name}.png",,mask/{number}.png,"label{EVIL}{number % 2}"')
    (root / "table.csv").write_text("\n".join(lines))
    dataset = open_dataset(str(root))
    ids = [sample.id for sample in dataset.samples]
    np.savez(tmp_path / "a.npz", ids=np.array(ids), heatmaps=rng.random((6, 6, 8), np.float32))
    import_npz(HeatmapStore(), tmp_path / "a.npz", dataset, "toy")
    run = sweep("toy", SMALL, engine="opencv", executor="threads", workers=1).id
    with sqlite3.connect(Ledger().path) as db:
        db.execute("UPDATE runs SET message = ?, worker = ? WHERE id = ?", (EVIL, EVIL, run))
    session.mark_hints_seen()
    return root


def commands(root: Path) -> list[list[str]]:
    return [
        ["dataset", "stats", "--dataset", str(root)],
        ["dataset", "list", "--dataset", str(root)],
        ["dataset", "list", "--dataset", str(root), "--json"],
        ["dataset", "check", "--dataset", str(root)],
        ["heatmaps", "list"],
        ["heatmaps", "show", "toy"],
        ["heatmaps", "show", "toy", "--json"],
        ["heatmaps", "show", EVIL],
        ["evaluate", "--heatmaps", "toy"],
        ["runs", "list"],
        ["runs", "list", "--json"],
        ["runs", "show", "last"],
        ["runs", "show", EVIL],
        ["runs", "export", "last", "--format", "csv"],
        ["runs", "export", "last", "--format", "json"],
        ["models", "check", EVIL],
        ["fetch", "cocoglide", "--from", EVIL],
        ["runs", "import", EVIL],
        ["sweep", "--heatmaps", EVIL],
    ]


def test_commands_on_a_terminal(hostile: Path, home: Path) -> None:
    program = (
        "import json, sys; from cliploc.core.cli import main\n"
        "for argv in json.load(open(sys.argv[1])): main(argv)\n"
        "print('THE END')"
    )
    jobs = home / "jobs.json"
    jobs.write_text(json.dumps(commands(hostile)))
    argv = [sys.executable, "-c", program, str(jobs)]
    with PseudoTerminal(argv, environment={"CLIPLOC_HOME": str(home), "HF_HUB_OFFLINE": "1"}) as terminal:
        terminal.wait_for(lambda output: b"THE END" in output, PATIENCE)
        assert terminal.wait(PATIENCE) == 0
        assert b"OWNED" in terminal.text()  # it was shown, as text
        assert planted(terminal.text()) == []


WALK: Sequence[str] = ("j", "]", "S", "\x1b", "s", "\x1b", "v", "\x1b", "H", "\x1b", "W", "\x1b", "?", "\x1b",
                       "z", "p", "\x1b", "\x1b")  # fmt: skip


def explored(root: Path, home: Path, walk: Sequence[str], *more: str) -> bytes:
    argv = [sys.executable, "-m", "cliploc.tui", "--fresh", "--dataset", str(root), *more]
    environment = {"CLIPLOC_HOME": str(home), "HF_HUB_OFFLINE": "1"}
    with PseudoTerminal(argv, environment=environment) as terminal:
        terminal.wait_for(lambda output: b"\x1b[?1049h" in output, PATIENCE)
        terminal.wait_for(lambda output: b"OWNED" in output, PATIENCE)
        terminal.wait_until_quiet(1.0, PATIENCE)
        for key in walk:
            before = len(terminal.output)
            terminal.send(key)
            with contextlib.suppress(TimeoutError):  # a key may change nothing
                terminal.wait_for(lambda output, before=before: len(output) > before, 2.0)
            terminal.wait_until_quiet(0.6, PATIENCE)
        assert b"Traceback" not in terminal.text()
        return _OURS.sub(b"", terminal.text())


def test_every_page_of_the_explorer(hostile: Path, home: Path) -> None:
    assert planted(explored(hostile, home, WALK, "--heatmaps", "toy")) == []


def test_a_picture_that_cannot_be_read(hostile: Path, home: Path) -> None:
    for picture in sorted(hostile.glob("real/*"))[1:]:
        picture.write_bytes(b"no picture")
    assert planted(explored(hostile, home, ("j", "j", "k"), "--heatmaps", "toy")) == []


def test_settings_with_hostile_names(make_folder: Callable[..., Path], home: Path) -> None:
    (home / "config").mkdir(parents=True)
    evil = json.dumps(EVIL)
    for name in ("config", "keymap", "presets"):
        (home / f"config/{name}.toml").write_text(f"{evil} = 1\n")
    argv = [sys.executable, "-m", "cliploc.tui", "--fresh", "--dataset", str(make_folder())]
    with PseudoTerminal(argv, environment={"CLIPLOC_HOME": str(home)}) as terminal:
        terminal.wait(PATIENCE)
        assert planted(terminal.text()) == []
        assert os.path.basename(str(home)).encode() in terminal.text()
