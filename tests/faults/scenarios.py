"""What is disturbed: every command that writes, on a small dataset, and what it must leave."""

from __future__ import annotations

import hashlib
import re
import shutil
import sqlite3
import threading
import zipfile
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np

from cliploc.core.datasets import open_dataset
from tests.conftest import folder_maker
from tests.faults.injector import Ended, Nursery

SAMPLES = 8
GRID = ("--interpolation", "nearest,bilinear", "--dilate", "1,5,9", "--erode", "1,5")
TABLES = {"plans": "run", "shards": "position", "scores": "set_index, config, name", "summaries": "set_index"}
# Locks, logs and what only remembers: they may be there or not, with any content.
PASSING = re.compile(r"(^|/)(lock|log|\.[^/]*\.(lock|migration)|\.import|facts\.db.*|cliploc\.log)$")
TEXTS = {".html", ".md", ".tex"}
# A report says when it was written, and how long a run took.
TIMES = re.compile(rb"\d{4}-\d\d-\d\d \d\d:\d\d(:\d\d)?|[\d,.]+ (s|min|seconds|minutes)\b")
HELD = re.compile(r"state/(runs\.db(-wal|-shm)?)$")  # compared row by row


@dataclass(frozen=True)
class Stage:
    """What scenarios share: folders with the dataset and what was made of it, and the local server."""

    place: Path
    dataset: str
    heatmaps: Path
    archive: Path
    url: str


@dataclass(frozen=True)
class Scenario:
    """A command to disturb.

    prepare: commands before it. share: of the points of others, for what takes seconds. more: what
    `Nursery.run` gets besides. again: how it is repeated, where that is not by the same words:
    called with the nursery and the root.
    """

    name: str
    argv: Callable[[Stage], Sequence[str]]
    prepare: Callable[[Stage], Sequence[Sequence[str]]] = lambda stage: ()
    more: Sequence[tuple[str, object]] = ()
    share: float = 1.0
    again: Callable[[Nursery, Path, Sequence[str]], Sequence[str]] | None = None

    def repeated(self, nursery: Nursery, root: Path, argv: Sequence[str]) -> Sequence[str]:
        """The words to repeat it by."""
        return argv if self.again is None else self.again(nursery, root, argv)

    def run(self, nursery: Nursery, root: Path, argv: Sequence[str], **disturbed: object) -> Ended:
        """Run words of this scenario."""
        return nursery.run(argv, root, **dict(self.more), **disturbed)  # type: ignore[arg-type]


def _importing(stage: Stage) -> list[str]:
    return ["heatmaps", "import", str(stage.heatmaps), "--dataset", stage.dataset, "--name", "toy"]


def _sweeping(stage: Stage, *more: str) -> list[str]:
    return ["sweep", "--heatmaps", "toy", *GRID, "--engine", "opencv", *more]


def _threads(stage: Stage) -> list[str]:
    return _sweeping(stage, "--executor", "threads", "--workers", "1")


def _gone_on(nursery: Nursery, root: Path, argv: Sequence[str]) -> Sequence[str]:
    """A sweep that has a run goes on with it; one that has none begins."""
    runs = _runs(root)
    return ["runs", "resume", runs[0]] if runs else argv


def _poster(stage: Stage) -> list[str]:
    grid = ["--grid", "dilate=1,5", "--grid", "erode=1,5", "--grid", "order=dilate-erode"]
    return [
        "poster", "--dataset", stage.dataset, "--methods", "gem", "--network", "gem=demo-vit", *grid,
        "--grid", "interpolation=nearest", "--template", "a <label>", "--device", "cpu", "--workers", "1",
        "-o", "poster",
    ]  # fmt: skip


def _prepared(stage: Stage) -> list[list[str]]:
    return [_importing(stage), _threads(stage)]


def _bundled(stage: Stage) -> list[list[str]]:
    bundled = ["runs", "export", "last", "--bundle", "--out", "in.zip"]
    return [*_prepared(stage), bundled, ["runs", "delete", "last"]]


SCENARIOS = {
    scenario.name: scenario
    for scenario in (
        Scenario("heatmaps import", _importing),
        Scenario(
            "heatmaps compute",
            lambda stage: [
                "heatmaps", "compute", "--dataset", stage.dataset, "--backbone", "demo-vit",
                "--method", "gem,maskclip", "--device", "cpu", "--batch", "2",
            ],
        ),
        Scenario(
            "heatmaps remove", lambda stage: ["heatmaps", "remove", "toy"], lambda s: [_importing(s)],
            again=lambda nursery, root, argv: argv if _sets(root) else ["heatmaps", "list"],
        ),
        Scenario(
            "heatmaps export", lambda stage: ["heatmaps", "export", "toy", "out.npz"],
            lambda s: [_importing(s)],
        ),
        Scenario("sweep, driver", _threads, lambda s: [_importing(s)], again=_gone_on),
        Scenario(
            "sweep, sums",
            lambda s: _sweeping(s, "--executor", "threads", "--workers", "1", "--keep", "sums"),
            lambda s: [_importing(s)],
            again=_gone_on,
        ),
        Scenario(
            "sweep, workers",
            lambda s: _sweeping(s, "--executor", "local", "--workers", "2"),
            lambda s: [_importing(s)],
            again=_gone_on,
            share=0.4,
        ),
        Scenario("fetch", lambda s: ["fetch", "cocoglide", "--url", s.url], more=[("samples", SAMPLES)]),
        Scenario(
            "fetch, carried", lambda s: ["fetch", "cocoglide", "--from", str(s.archive)],
            more=[("samples", SAMPLES)],
        ),
        Scenario(
            "runs export", lambda s: ["runs", "export", "last", "--bundle", "--out", "out.zip"], _prepared
        ),
        Scenario(
            "runs export, csv",
            lambda s: ["runs", "export", "last", "--format", "csv", "--out", "out.csv"],
            _prepared,
        ),
        Scenario("runs import", lambda s: ["runs", "import", "in.zip"], _bundled),
        Scenario(
            "runs delete", lambda s: ["runs", "delete", "last"], _prepared,
            again=lambda nursery, root, argv: argv if _runs(root) else ["runs", "list"],
        ),
        Scenario("report", lambda s: ["report", "--runs", "last", "-o", "report"], _prepared, share=0.2),
        Scenario(
            "predictions export",
            lambda s: ["predictions", "export", "--heatmaps", "toy", "--threshold", "0.5", "-o", "masks"],
            lambda s: [_importing(s)],
        ),
        Scenario(
            "look",
            lambda s: [
                "look", f"{s.dataset}/real", "a cat", "--backbone", "demo-vit", "--device", "cpu",
                "-o", "seen",
            ],
            share=0.2,
        ),
        Scenario("poster", _poster, share=0.1),
    )
}  # fmt: skip


def staged(place: Path) -> Stage:
    """Make the dataset, heatmaps of it, an archive of it, and a server of the archive."""
    place.mkdir(parents=True, exist_ok=True)
    spec = str(folder_maker(place)({"cat": SAMPLES // 2, "red car": SAMPLES // 2}))
    dataset = open_dataset(spec)
    rng = np.random.default_rng(0)
    ids = np.array([sample.id for sample in dataset.samples])
    np.savez(place / "toy.npz", ids=ids, heatmaps=rng.random((SAMPLES, 6, 8), np.float32))
    archive = place / "www" / "CocoGlide.zip"
    archive.parent.mkdir(exist_ok=True)
    with zipfile.ZipFile(archive, "w") as file:
        for path in sorted(Path(spec).rglob("*")):
            file.write(path, Path("CocoGlide") / path.relative_to(spec))
        for id_ in ids:  # the table's fake pictures, which CocoGlide has
            file.write(Path(spec) / "real" / f"{id_}.png", f"CocoGlide/fake/{id_}.png")
    server = _Server(("127.0.0.1", 0), partial(_Quiet, directory=str(archive.parent)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_address[1]}/CocoGlide.zip"
    return Stage(place, spec, place / "toy.npz", archive, url)


class _Server(ThreadingHTTPServer):
    def handle_error(self, *args: object) -> None:
        """A command that was killed no longer listens."""


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *args: object) -> None:
        """Say nothing."""


def template(nursery: Nursery, stage: Stage, scenario: Scenario) -> Path:
    """The folder in which the scenario's commands begin, made once."""
    root = stage.place / "templates" / re.sub(r"\W+", "-", scenario.name)
    if not root.exists():
        (root / "home").mkdir(parents=True)
        for argv in scenario.prepare(stage):
            ended = nursery.run(argv, root)
            assert ended.status == 0, (argv, ended)
    return root


def copied(root: Path, to: Path) -> Path:
    """A fresh copy of a template."""
    shutil.rmtree(to, ignore_errors=True)
    shutil.copytree(root, to, symlinks=True)
    return to


def _sets(root: Path) -> list[Path]:
    return list((root / "home/cache/heatmaps").glob("[!.]*/identity.json"))


def _runs(root: Path) -> list[str]:
    ledger = root / "home/state/runs.db"
    if not ledger.exists():
        return []
    with closing(sqlite3.connect(ledger)) as db:
        if not db.execute("PRAGMA user_version").fetchone()[0]:
            return []
        return [row[0] for row in db.execute("SELECT id FROM runs ORDER BY created, id")]


def left(root: Path) -> dict[str, object]:
    """Everything below `root` that must not depend on what happened: files by content, rows by value.

    Ids of runs, which are drawn, become RUN0, RUN1, …
    """
    names = {id_: f"RUN{number}" for number, id_ in enumerate(_runs(root))}

    def plain(text: str) -> str:
        for id_, name in names.items():
            text = text.replace(id_, name)
        return text

    found: dict[str, object] = {}
    for path in sorted(root.rglob("*")):
        name = path.relative_to(root).as_posix()
        if path.is_file() and not PASSING.search(name) and not HELD.search(name):
            content = TIMES.sub(b"TIME", path.read_bytes()) if path.suffix in TEXTS else path.read_bytes()
            for id_, other in names.items():
                content = content.replace(id_.encode(), other.encode())
            found[plain(name)] = hashlib.sha256(content).hexdigest()
    ledger = root / "home/state/runs.db"
    if names:
        with closing(sqlite3.connect(ledger)) as db:
            assert db.execute("PRAGMA integrity_check").fetchone()[0] == "ok", "the ledger is damaged"
            for id_, name in names.items():
                state = db.execute("SELECT state, message, plan, best FROM runs WHERE id = ?", (id_,))
                found[f"row of {name}"] = state.fetchone()
                for table, order in TABLES.items():
                    rows = db.execute(f"SELECT * FROM {table} WHERE run = ? ORDER BY {order}", (id_,))
                    found[f"{table} of {name}"] = [row[1:] for row in rows]
    return found
