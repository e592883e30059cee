"""Readers of what this program wrote itself, and somebody changed: stores, ledgers, bundles, settings."""

from __future__ import annotations

import argparse
import contextlib
import functools
import io
import json
import os
import random
import sqlite3
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from cliploc.core.cli import main
from cliploc.core.datasets import open_dataset
from cliploc.core.datasets.drawn import Drawing
from cliploc.core.errors import ClipLocError
from cliploc.core.heatmaps.store import HeatmapStore
from cliploc.core.sweep import sweep
from cliploc.core.sweep.archive import pack, unpack
from cliploc.core.sweep.ledger import Ledger
from cliploc.tui import keymap, presets, session, start
from cliploc.tui.state import ExplorerState, Source
from tests.conftest import folder_maker, write_picture
from tests.fuzz.mutate import rewritten, spoiled
from tests.sweeping import SMALL, heatmap_set

Wrong = AssertionError


@contextmanager
def at_home(folder: Path) -> Iterator[Path]:
    """A home of its own for one input."""
    before = os.environ.get("CLIPLOC_HOME")
    os.environ["CLIPLOC_HOME"] = str(folder / "home")
    try:
        yield folder / "home"
    finally:
        if before is None:
            del os.environ["CLIPLOC_HOME"]
        else:
            os.environ["CLIPLOC_HOME"] = before


@functools.cache
def _made() -> tuple[Mapping[str, bytes], Mapping[str, bytes], str]:
    """A home with a heatmap set and a run, and the run's bundle, by name of file; the run."""
    with tempfile.TemporaryDirectory() as folder, at_home(Path(folder)) as home:
        name = heatmap_set(folder_maker(Path(folder)), images=6)
        run = sweep(name, SMALL, engine="opencv", executor="threads", workers=1).id
        pack(Ledger(), run, Path(folder) / "run.zip")
        with closing(sqlite3.connect(Ledger().path)) as db:
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        files = {str(path.relative_to(home)): path.read_bytes() for path in home.rglob("*") if path.is_file()}
        with zipfile.ZipFile(Path(folder) / "run.zip") as archive:
            return files, {name: archive.read(name) for name in archive.namelist()}, run


def _put(files: Mapping[str, bytes], folder: Path) -> None:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)


def said(*argv: str) -> int:
    """The exit code of a command; what it prints must be free of escapes and tracebacks."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main(list(argv))
    for text in (out.getvalue(), err.getvalue()):
        if any(bad in text for bad in ("\x1b", "\x9b", "Traceback", "cliploc: unexpected")):
            raise Wrong(f"{argv}: {text[-500:]!r}")
    if code not in (0, 1, 2):
        raise Wrong(f"{argv} ends with {code}")
    return code


def _judged(codes: list[int]) -> None:
    """A command that failed said so: as good as an error."""
    if any(codes):
        raise ClipLocError("said")


def bundles(rng: random.Random, folder: Path) -> None:
    """A run's archive with a changed ledger, array or container; what is taken in must be readable."""
    _, members, _ = _made()
    changed, way = dict(members), rng.random()
    if way < 0.5:
        changed["runs.db"] = _edited(members["runs.db"], rng, folder)
    elif way < 0.75:
        name = rng.choice(sorted(changed))
        changed[name] = spoiled(changed[name], rng)
    path = folder / "run.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in changed.items():
            archive.writestr(name, content)
    if way >= 0.75:
        path.write_bytes(spoiled(path.read_bytes(), rng))
    with at_home(folder):
        try:
            found, _ = unpack(Ledger(), path)
        except ClipLocError:
            if Ledger().runs():
                raise Wrong("refused, and in the ledger") from None
            raise
        row = Ledger().run(found)
        if row.state == "done" and said("runs", "show", found, "--json"):
            raise Wrong("taken in, and cannot be shown")
        if said("runs", "list") or said("runs", "list", "--json"):
            raise Wrong("taken in, and the list is broken")


def _edited(content: bytes, rng: random.Random, folder: Path) -> bytes:
    """The ledger with one value changed: a JSON text inside, or a column."""
    path = folder / "edited.db"
    path.write_bytes(content)
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        table, column = rng.choice(
            (
                ("plans", "plan"), ("runs", "card"), ("runs", "best"), ("summaries", "data"),
                ("runs", rng.choice(("id", "created", "state", "images", "shards", "checkpoint", "updated"))),
                ("scores", rng.choice(("data", "config", "name", "set_index"))),
                ("shards", rng.choice(("position", "checksum"))),
            )
        )  # fmt: skip
        value = db.execute(f"SELECT {column} FROM {table} LIMIT 1").fetchone()[0]
        with contextlib.suppress(sqlite3.Error, OverflowError, UnicodeEncodeError):
            if column in ("plan", "card", "best") or table == "summaries":
                new: Any = json.dumps(rewritten(json.loads(value), rng))
            else:
                changed = rewritten([value], rng)
                new = changed[0] if isinstance(changed, list) and changed else changed
                new = new if isinstance(new, int | float | str | bytes | None) else json.dumps(new)
            db.execute(f"UPDATE OR REPLACE {table} SET {column} = ?", (new,))
    return path.read_bytes()


def ledgers(rng: random.Random, folder: Path) -> None:
    """A damaged ledger of ours: every command says a sentence or prints what it can."""
    files, _, run = _made()
    with at_home(folder) as home:
        _put(files, home)
        path = home / "state/runs.db"
        path.write_bytes(spoiled(path.read_bytes(), rng))
        _judged(
            [
                said("runs", "list"),
                said("runs", "show", "last"),
                said("runs", "export", run, "--format", "csv", "--out", str(folder / "o.csv")),
            ]
        )


def stores(rng: random.Random, folder: Path) -> None:
    """A damaged heatmap set: what is read is heatmaps."""
    files, _, _ = _made()
    name = rng.choice([name for name in files if name.endswith(("heatmaps.npy", "identity.json"))])
    content = files[name]
    if name.endswith(".json") and rng.random() < 0.7:
        content = json.dumps(rewritten(json.loads(content), rng)).encode("utf-8", "surrogatepass")
    else:
        content = spoiled(content, rng)
    with at_home(folder) as home:
        _put({**files, name: content}, home)
        codes = [said("heatmaps", "list"), said("heatmaps", "show", "toy")]
        for heatmap_set in HeatmapStore().sets():
            for heatmap in heatmap_set.values().values():
                if not (np.isfinite(heatmap).all() and heatmap.min() >= 0 and heatmap.max() <= 1):
                    raise Wrong("a heatmap that is none")
        _judged(codes)


def arrays(rng: random.Random, folder: Path) -> None:
    """Damaged counts of a run: never taken for those that were acknowledged."""
    files, _, run = _made()
    name = rng.choice([name for name in files if "/counts/" in name and name.endswith(".npz")])
    with at_home(folder) as home:
        content = spoiled(files[name], rng) if rng.random() < 0.9 else files[name]
        _put({**files, name: content}, home)
        code = said("runs", "export", run, "--bundle", "--out", str(folder / "run.zip"))
        if code == 0 and content != files[name]:
            raise Wrong("damaged counts were exported")
        _judged([code])


CONFIG = 'theme = "ansi-dark"\nkeymap = "vim"\ngraphics = "halfcell"\ncolor = "truecolor"\n'
KEYMAP = 'preset = "vim"\n[keys]\ninside = "w"\ncompare = "v,Q"\nstatistics = "H"\n'
PRESETS = (
    '["mine"]\ninterpolation = "bilinear"\norder = "dilate-erode"\ndilate = 41\nerode = 41\nthreshold = 0.5\n'
)


def settings(rng: random.Random, folder: Path) -> None:
    """Settings, keys and presets in TOML: values or a sentence."""
    arguments = argparse.Namespace(**dict.fromkeys(start.SETTINGS))
    with at_home(folder) as home:
        (home / "config").mkdir(parents=True)
        spoilt = rng.randrange(4)  # of the fourth there is none
        for number, (name, text) in enumerate((("config", CONFIG), ("keymap", KEYMAP), ("presets", PRESETS))):
            content = spoiled(text.encode(), rng) if number == spoilt else text.encode()
            (home / f"config/{name}.toml").write_bytes(content)
        reads: tuple[Callable[[], object], ...] = (
            lambda: start.settings_of(arguments),
            lambda: keymap.load(home / "config/keymap.toml"),
            presets.load,
        )
        failed = 0
        for read in reads:
            try:
                read()
            except ClipLocError:
                failed += 1
        _judged([failed])


def sessions(rng: random.Random, folder: Path) -> None:
    """A session: the state it holds, or none."""
    fallback = ExplorerState("star_0009", Source(stored="toy"))
    with at_home(folder) as home:
        session.save("demo", fallback)
        path = home / "state/session.json"
        content = json.loads(path.read_text())
        if rng.random() < 0.7:
            path.write_text(json.dumps(rewritten(content, rng)))
        else:
            path.write_bytes(spoiled(path.read_bytes(), rng))
        session.datasets()
        found = session.restored("demo", fallback)
        if not isinstance(found, ExplorerState):
            raise Wrong(f"no state: {found!r}")
        found.to_dict()
        session.save("demo", found)


MODEL = {
    "model_cfg": {
        "embed_dim": 32,
        "vision_cfg": {"image_size": 32, "layers": 2, "width": 64, "patch_size": 8},
        "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 1},
    },
    "preprocess_cfg": {"mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5]},
}


def configs(rng: random.Random, folder: Path) -> None:
    """A model folder's config: known keys, or a sentence."""
    from cliploc.core.backbones.configs import read_config  # torch, which no other reader waits for

    text = json.dumps(rewritten(MODEL, rng)).encode("utf-8", "surrogatepass")
    path = folder / "open_clip_config.json"
    path.write_bytes(spoiled(text, rng) if rng.random() < 0.3 else text)
    read_config(path)


def drawings(rng: random.Random, folder: Path) -> None:
    """What was drawn on a picture: a true mask of the picture's size, or a sentence."""
    write_picture(folder / "photo.png", np.zeros((12, 20, 3), np.uint8))
    with at_home(folder) as home:
        spec = f"{folder / 'photo.png'}?prompt=a car ; a tree"
        drawing = _drawing_of(spec)
        drawing.add("a car_photo", [[2, 2, 9, 2, 9, 8, 2, 8]], (20, 12))
        runs = {"size": [12, 20], "counts": [30, 10, 200]}
        drawing.add("a tree_photo", runs, (20, 12))
        (path,) = (home / "data/drawn").glob("*.json")
        if rng.random() < 0.8:
            content = json.dumps(rewritten(json.loads(path.read_bytes()), rng))
            path.write_bytes(content.encode("utf-8", "surrogatepass"))
        else:
            path.write_bytes(spoiled(path.read_bytes(), rng))
        dataset = open_dataset(spec)
        for sample in dataset.samples:
            if sample.id not in dataset.without_truth and sample.true_mask().shape != (12, 20):
                raise Wrong("a true mask of another size")
        dataset.truth  # noqa: B018
        dataset.empty  # noqa: B018
        drawing = _drawing_of(spec)
        json.dumps(drawing.coco())
        drawing.add("a car_photo", [[2, 2, 9, 2, 9, 8, 2, 8]], (20, 12))
        drawing.undo("a car_photo")


def _drawing_of(spec: str) -> Drawing:
    found = open_dataset(spec).drawing
    assert found is not None
    return found


OURS: dict[str, Callable[[random.Random, Path], None]] = {
    each.__name__: each for each in (bundles, ledgers, stores, arrays, settings, sessions, configs, drawings)
}
