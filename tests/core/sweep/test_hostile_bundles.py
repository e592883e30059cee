"""Bundles from strangers: a sentence, a ledger as it was before, nothing run, nothing swelling."""

from __future__ import annotations

import hashlib
import io
import json
import sqlite3
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cliploc.core.cli import main
from cliploc.core.errors import StoreError
from cliploc.core.sweep import sweep
from cliploc.core.sweep.archive import pack, unpack
from cliploc.core.sweep.ledger import Ledger
from tests.sweeping import SMALL, heatmap_set

Members = dict[str, bytes]


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Members:
    """A sound bundle, by member."""
    from tests.conftest import folder_maker

    place = tmp_path_factory.mktemp("bundle")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CLIPLOC_HOME", str(place / "home"))
        run = sweep(heatmap_set(folder_maker(place), images=6), SMALL, executor="threads", workers=1).id
        pack(Ledger(), run, place / "run.zip")
    with zipfile.ZipFile(place / "run.zip") as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def written(path: Path, members: Members, compression: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def edited(members: Members, tmp_path: Path, sql: str, *values: object) -> Members:
    """The bundle with its ledger changed by somebody who knows SQL."""
    path = tmp_path / "edited.db"
    path.write_bytes(members["runs.db"])
    db = sqlite3.connect(path)
    db.execute("PRAGMA foreign_keys = OFF")
    if values:
        db.execute(sql, values)
        db.commit()
    else:
        db.executescript(sql)
    db.close()
    return {**members, "runs.db": path.read_bytes()}


def column(members: Members, tmp_path: Path, table: str, name: str, change: Callable[[Any], Any]) -> Members:
    """The bundle with a JSON value of its ledger changed."""
    path = tmp_path / "read.db"
    path.write_bytes(members["runs.db"])
    db = sqlite3.connect(path)
    (text,) = db.execute(f"SELECT {name} FROM {table}").fetchone()
    db.close()
    return edited(members, tmp_path, f"UPDATE {table} SET {name} = ?", json.dumps(change(json.loads(text))))


def without(plain: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in plain.items() if key != name}


def refused(members: Members, tmp_path: Path, words: str = "") -> None:
    with pytest.raises(StoreError, match=words):
        unpack(Ledger(), written(tmp_path / "evil.zip", members))
    assert Ledger().runs() == []
    left = Ledger().path.parent / "runs"
    assert not left.exists() or [path.name for path in left.iterdir() if path.name != ".import"] == []


def test_a_sound_one_is_taken_in(bundle: Members, tmp_path: Path) -> None:
    id_, notes = unpack(Ledger(), written(tmp_path / "a.zip", bundle, zipfile.ZIP_DEFLATED))
    assert (Ledger().run(id_).state, notes) == ("done", [])
    assert main(["runs", "show", id_]) == 0


@pytest.mark.parametrize(
    "sql",
    [
        "ALTER TABLE runs RENAME TO r; CREATE VIEW runs AS SELECT * FROM r",
        "CREATE VIEW extra AS WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x FROM n) SELECT * FROM n",
        "CREATE TRIGGER t AFTER INSERT ON runs BEGIN DELETE FROM runs; END",
        "CREATE TABLE more (x)",
        "DROP TABLE summaries",
        "PRAGMA user_version = 0",
        "PRAGMA user_version = 99",
        "DELETE FROM runs",
        "INSERT INTO runs SELECT 'ffffffff', created, plan, card, images, shards, state, message, request, "
        "worker, resumed, resumed_shards, updated, best, checkpoint FROM runs",
    ],
)
def test_its_ledger_is_ours_to_the_letter(bundle: Members, tmp_path: Path, sql: str) -> None:
    refused(edited(bundle, tmp_path, sql), tmp_path)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("created", "yesterday"), ("created", 1e300), ("created", -1.0), ("updated", float("inf")),
        ("state", "running"), ("state", "\x1b[2J"), ("id", "../../evil"), ("images", 7), ("shards", 0),
        ("plan", b"\xff"), ("card", "null"), ("best", "[]"),
        ("best", '{"heatmaps": "x"}'), ("checkpoint", "../x 00"), ("resumed", "now"),
    ],
)  # fmt: skip
def test_every_value_of_a_run_is_looked_at(bundle: Members, tmp_path: Path, name: str, value: object) -> None:
    refused(edited(bundle, tmp_path, f"UPDATE runs SET {name} = ?", value), tmp_path)


@pytest.mark.parametrize("plan", ["[" * 100_000, "{}", b"\xff"], ids=["deep", "empty", "bytes"])
def test_a_plan_can_be_read(bundle: Members, tmp_path: Path, plan: object) -> None:
    refused(edited(bundle, tmp_path, "UPDATE plans SET plan = ?", plan), tmp_path)


def test_a_run_has_its_plan(bundle: Members, tmp_path: Path) -> None:
    refused(edited(bundle, tmp_path, "DELETE FROM plans"), tmp_path, "without its plan")


@pytest.mark.parametrize(
    "change",
    [
        lambda plan: plan | {"dataset": 7},
        lambda plan: plan | {"sets": []},
        lambda plan: plan | {"groups": [["a", "a"]]},
        lambda plan: plan | {"shard_images": 0},
        lambda plan: plan | {"sources": {}},
        lambda plan: plan | {"more": 1},
        lambda plan: plan | {"grid": plan["grid"] | {"dilates": ["x"]}},
        lambda plan: plan | {"grid": {axis: list(range(1, 3001, 2)) for axis in ("dilates", "erodes")}},
        lambda plan: without(plan, "truth"),
    ],
)
def test_a_plan_is_one(bundle: Members, tmp_path: Path, change: Callable[[Any], Any]) -> None:
    refused(column(bundle, tmp_path, "plans", "plan", change), tmp_path)


@pytest.mark.parametrize(
    "change",
    [
        lambda found: [],
        lambda found: without(found, "best"),
        lambda found: found | {"images": "many"},
        lambda found: found | {"cross_validated": float("nan")},
        lambda found: found | {"labels": {"cat": "x"}},
        lambda found: found | {"folds": [{}]},
    ],
)
def test_a_summary_is_one(bundle: Members, tmp_path: Path, change: Callable[[Any], Any]) -> None:
    refused(column(bundle, tmp_path, "summaries", "data", change), tmp_path)


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE scores SET data = x'00'",
        "UPDATE scores SET data = zeroblob(8) WHERE name = 'mean_iou' AND config = 0",
        "UPDATE scores SET config = 999 WHERE config = 0",
        "DELETE FROM scores WHERE name = 'mean_iou' AND config = 1",
        "UPDATE scores SET data = 'text'",
        "DELETE FROM scores",
    ],
)
def test_scores_are_those_of_the_grid(bundle: Members, tmp_path: Path, sql: str) -> None:
    refused(edited(bundle, tmp_path, sql), tmp_path)


def test_scores_out_of_range_are_no_scores(bundle: Members, tmp_path: Path) -> None:
    data = np.full(100, 5.0).tobytes()
    refused(edited(bundle, tmp_path, "UPDATE scores SET data = ? WHERE name = 'mean_iou'", data), tmp_path)


def test_every_array_must_be_there_and_be_what_it_was(bundle: Members, tmp_path: Path) -> None:
    name = next(name for name in bundle if name.startswith("counts/"))
    refused(without(bundle, name), tmp_path, "missing")
    refused({**bundle, name: bundle[name][:-1] + b"x"}, tmp_path, "damaged")
    refused(edited(bundle, tmp_path, "DELETE FROM shards"), tmp_path, "missing")


def test_what_is_no_archive_of_ours_is_not_unpacked(bundle: Members, tmp_path: Path) -> None:
    zeros = {**bundle, "counts/000000.npz": bytes(50_000_000)}
    with pytest.raises(StoreError, match="unpacks to 50,000,000 bytes"):
        unpack(Ledger(), written(tmp_path / "bomb.zip", zeros, zipfile.ZIP_DEFLATED))
    with pytest.raises(StoreError, match="not ours"):
        unpack(Ledger(), written(tmp_path / "lzma.zip", bundle, zipfile.ZIP_LZMA))
    content = bytearray(written(tmp_path / "plain.zip", bundle).read_bytes())
    for mark in (b"PK\x03\x04", b"PK\x01\x02"):
        place = -1
        while (place := content.find(mark, place + 1)) >= 0:
            content[place + (6 if mark[2] == 3 else 8)] |= 1
    (tmp_path / "encrypted.zip").write_bytes(content)
    with pytest.raises(StoreError, match="encrypted"):
        unpack(Ledger(), tmp_path / "encrypted.zip")
    with (
        pytest.warns(UserWarning, match="Duplicate"),
        zipfile.ZipFile(tmp_path / "plain.zip", "a") as archive,
    ):
        archive.writestr("runs.db", b"")
    with pytest.raises(StoreError, match="twice"):
        unpack(Ledger(), tmp_path / "plain.zip")


def test_a_cluster_is_not_followed(bundle: Members, tmp_path: Path) -> None:
    evil = column(bundle, tmp_path, "plans", "plan", lambda plan: plan | {"executor": "dask://evil:8786"})
    id_, notes = unpack(Ledger(), written(tmp_path / "a.zip", evil))
    assert Ledger().plan(id_).executor == "local"
    assert "dask://evil:8786" in notes[0]


def test_numpy_never_unpickles_an_array_of_a_bundle(bundle: Members, tmp_path: Path) -> None:
    """An honest checksum of a pickled array gets it in, but not read."""
    buffer = io.BytesIO()
    np.savez(buffer, tp=np.array([{}], dtype=object))
    name = "counts/000000.npz"
    checksum = hashlib.sha256(buffer.getvalue()).hexdigest()
    evil = edited(bundle, tmp_path, "UPDATE shards SET checksum = ? WHERE position = 0", checksum)
    id_, _ = unpack(Ledger(), written(tmp_path / "a.zip", {**evil, name: buffer.getvalue()}))
    assert main(["runs", "export", id_, "--bundle", "--out", str(tmp_path / "b.zip")]) == 0
    assert main(["report", "--runs", id_, "-o", str(tmp_path / "report")]) in (0, 2)


def test_a_bundle_names_no_folder_of_this_machine(bundle: Members, tmp_path: Path) -> None:
    assert not any(str(tmp_path.parent.parent).encode() in content for content in bundle.values())
    assert json.loads(bundle["run.json"])["plan"]["dataset"] == "toy"
