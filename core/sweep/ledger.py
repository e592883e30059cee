"""The run ledger: what was asked, how far it is, what came out. All SQL is here.

The contract:
- The driver of a run is the only writer of its rows; anyone may write a request
  (pause, cancel), which the driver reads between shards.
- A shard's row is committed after its arrays are in place on disk, so a row
  never speaks of a file that is not there.
- The scores of a heatmap set are committed in one transaction: a reader sees
  all of them or none.
- `running` in the table is a claim; a reader sees `interrupted` when the run's
  lock is free, because then nobody is at work.
"""

from __future__ import annotations

import json
import os
import secrets
import socket
import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from cliploc.core.datasets.spec import options_of
from cliploc.core.errors import ParameterError, StoreError, clean
from cliploc.core.lock import is_held
from cliploc.core.machine import machine
from cliploc.core.metrics import Scores
from cliploc.core.paths import state_dir
from cliploc.core.postprocess import THRESHOLDS
from cliploc.core.sweep import removal
from cliploc.core.sweep.database import Rows, insert, reading, rows_of, writing
from cliploc.core.sweep.earlier import upgraded
from cliploc.core.sweep.plan import Plan
from cliploc.core.sweep.rows import Best, Cell, RunRow

STARTING_SECONDS = 60.0  # how long a run may wait for its process before it counts as interrupted


class Ledger:
    """The ledger at `path` (by default in the state folder). Safe to share between threads."""

    def __init__(self, path: Path | None = None) -> None:
        self.path = path or state_dir() / "runs.db"

    def folder(self, run: str) -> Path:
        """Where the run's arrays, lock and log are."""
        return self.path.parent / "runs" / run

    def lock(self, run: str) -> Path:
        """The file whose lock the run's process holds."""
        return self.folder(run) / "lock"

    # What readers ask.

    def runs(self) -> list[RunRow]:
        """All runs, the newest first. StoreError when the ledger cannot be read."""
        if not self.path.exists():
            return []
        return [self._row(row) for row in self._asked(f"{_RUN} ORDER BY created DESC, id")]

    def run(self, id_: str) -> RunRow:
        """One run by its whole id; ParameterError when it is gone."""
        return self._row(self._only(f"{_RUN} WHERE id = ?", id_))

    def find(self, text: str) -> RunRow:
        """The run with this id or beginning of one; `last` is the newest. ParameterError otherwise."""
        runs = self.runs()
        if text == "last" and runs:
            return runs[0]
        matches = [run for run in runs if text and run.id.startswith(text)]
        if len(matches) == 1:
            return matches[0]
        if matches:
            raise ParameterError(f"{clean(text)!r} could be run {' or '.join(run.id for run in matches)}")
        raise ParameterError(f"no run {clean(text)!r}; `cliploc runs list` shows all {len(runs)}")

    def plan(self, run: str) -> Plan:
        """The plan that a run follows."""
        for row in self._asked("SELECT plan FROM plans WHERE run = ?", run):
            return Plan.from_dict(json.loads(row[0]))
        raise _gone(run)

    def machine(self, run: str) -> dict[str, str]:
        """Versions and hardware where the run was planned, see `cliploc.core.machine`."""
        return dict(json.loads(self._value("card", run)).get("machine", {}))

    def shards(self, run: str) -> dict[int, str]:
        """Checksums of the finished shards by position."""
        found = self._asked("SELECT position, checksum FROM shards WHERE run = ? ORDER BY 1", run)
        return dict(map(tuple, found))

    def checkpoint(self, run: str) -> str:
        """`FILE CHECKSUM` of the sums that a streaming run continues from; empty at its start."""
        return self._value("checkpoint", run)

    def request_for(self, run: str) -> str:
        """What somebody asks of the run: `pause`, `cancel` or nothing."""
        return self._value("request", run)

    def finished_sets(self, run: str) -> list[int]:
        """The heatmap sets whose scores are in, by index."""
        found = self._asked("SELECT set_index FROM summaries WHERE run = ? ORDER BY 1", run)
        return [row[0] for row in found]

    def scores(self, run: str, set_index: int, name: str) -> Scores:
        """One score of every config, in the grid's order, at each threshold: (C, T)."""
        sql = "SELECT data FROM scores WHERE run = ? AND set_index = ? AND name = ? ORDER BY config"
        return np.array([np.frombuffer(row[0]) for row in self._asked(sql, run, set_index, name)])

    def config_scores(self, run: str, set_index: int, config: int) -> dict[str, Scores]:
        """Every score of one config by name: 100 values, or 1 for scores over all thresholds.

        `folds` holds mean IoU by fold, 100 values each, one after the other.
        """
        sql = f"{_OF_CONFIG} AND name != 'labels' ORDER BY rowid"
        return {name: np.frombuffer(data) for name, data in self._asked(sql, run, set_index, config)}

    def label_scores(self, run: str, set_index: int, config: int) -> dict[str, Scores]:
        """Mean IoU by label under one config, at each threshold (stored as float32).

        Kept of the config of the best cell alone, by earlier releases of all; nothing for others.
        """
        summary = self.summary(run, set_index)
        found = self._asked(f"{_OF_CONFIG} AND name = 'labels'", run, set_index, config)
        if summary is None or not found:
            return {}
        values = np.frombuffer(found[0]["data"], np.float32).astype(np.float64).reshape(-1, len(THRESHOLDS))
        return dict(zip(summary["labels"], values, strict=True))

    def summary(self, run: str, set_index: int) -> dict[str, Any] | None:
        """What the run found under one heatmap set (`cliploc.core.sweep.summary`); None until it is done."""
        found = self._asked("SELECT data FROM summaries WHERE run = ? AND set_index = ?", run, set_index)
        return upgraded(json.loads(found[0][0])) if found else None

    def block(self, run: str, set_index: int, first: int, last: int) -> dict[str, Scores]:
        """Every score of the configs from `first` to before `last`: (configs, 100), or (configs, 1)."""
        sql = (
            "SELECT name, data FROM scores WHERE run = ? AND set_index = ? AND config >= ? AND config < ? "
            "AND name NOT IN ('labels', 'folds') ORDER BY rowid"
        )
        found: dict[str, list[bytes]] = {}
        for name, data in self._asked(sql, run, set_index, first, last):
            found.setdefault(name, []).append(data)
        return {name: np.frombuffer(b"".join(each)).reshape(len(each), -1) for name, each in found.items()}

    def cells(self, run: str) -> Iterator[Cell]:
        """Every cell with its scores: set by set, config by config, threshold by threshold."""
        plan = self.plan(run)
        for set_index in self.finished_sets(run):
            for index in range(len(plan.grid.configs)):
                yield from self._cells_of(run, plan, set_index, index)

    def top_cells(self, run: str, count: int, name: str = "mean_iou") -> list[Cell]:
        """The best cells by one score, best first; the earlier one of equals."""
        plan, sets = self.plan(run), self.finished_sets(run)
        values = np.array([self.scores(run, set_index, name) for set_index in sets])
        best = np.argsort(-values, axis=None, kind="stable")[:count]
        places = np.stack(np.unravel_index(best, values.shape), axis=-1).tolist()
        return [self._cells_of(run, plan, sets[at], config)[threshold] for at, config, threshold in places]

    # What the driver and commands write.

    def create(self, plan: Plan) -> str:
        """Enter a new run, waiting for its process. Returns its id."""
        id_, now = secrets.token_hex(4), time.time()
        with writing(self.path) as db:
            db.execute(
                "INSERT INTO runs (id, created, updated, plan, card, images, shards, state) "
                "VALUES (?, ?, ?, '', ?, ?, ?, 'waiting')",
                (id_, now, now, json.dumps(card_of(plan)), plan.images * len(plan.sets), len(plan.shards())),
            )
            db.execute("INSERT INTO plans VALUES (?, ?)", (id_, json.dumps(plan.to_dict())))
        return id_

    def start(self, run: str, done: Mapping[int, str]) -> None:
        """The driver begins. done: the shards that really are there."""
        worker = f"{socket.gethostname()}:{os.getpid()}"
        with writing(self.path) as db:
            db.execute("DELETE FROM shards WHERE run = ?", (run,))
            _insert_shards(db, run, done)
            db.execute(
                "UPDATE runs SET state = 'running', message = '', worker = ?, "
                "resumed = ?, resumed_shards = ?, updated = ? WHERE id = ?",
                (worker, time.time(), len(done), time.time(), run),
            )

    def finish_shards(
        self, run: str, shards: Mapping[int, str], best: Best | None, checkpoint: str = ""
    ) -> None:
        """Acknowledge shards whose arrays are in place (or in the checkpoint `FILE CHECKSUM`)."""
        with writing(self.path) as db:
            _insert_shards(db, run, shards)
            db.execute(
                "UPDATE runs SET updated = ?, best = COALESCE(?, best), "
                "checkpoint = CASE ? WHEN '' THEN checkpoint ELSE ? END WHERE id = ?",
                (time.time(), best and json.dumps(best.to_dict()), checkpoint, checkpoint, run),
            )

    def finish_set(
        self,
        run: str,
        set_index: int,
        scores: Mapping[str, Sequence[bytes]],
        summary: Mapping[str, object],
        labels: tuple[int, Sequence[Scores]],
    ) -> None:
        """Write everything found under one heatmap set: native float64 bytes by name and config.

        labels: a config's place, and its mean IoU by label (T,), in the summary's order of them.
        """
        config, by_label = labels
        whole = np.concatenate(by_label).astype(np.float32).tobytes()
        with writing(self.path) as db:
            db.execute("DELETE FROM scores WHERE run = ? AND set_index = ?", (run, set_index))
            db.executemany(
                "INSERT INTO scores VALUES (?, ?, ?, ?, ?)",
                (
                    (run, set_index, config, name, data)
                    for name, blobs in scores.items()
                    for config, data in enumerate(blobs)
                ),
            )
            db.execute("INSERT INTO scores VALUES (?, ?, ?, 'labels', ?)", (run, set_index, config, whole))
            db.execute(
                "INSERT OR REPLACE INTO summaries VALUES (?, ?, ?)", (run, set_index, json.dumps(summary))
            )

    def set_state(self, run: str, state: str, message: str = "") -> None:
        """Say how the run stands now; what was asked of it before is settled."""
        with writing(self.path) as db:
            db.execute(
                "UPDATE runs SET state = ?, message = ?, request = '', updated = ? WHERE id = ?",
                (state, message, time.time(), run),
            )

    def employ(self, run: str, executor: str, workers: int | None) -> None:
        """Let others do what is left of a run. workers: how many, None for as many as before."""
        plan = self.plan(run)
        plan = replace(plan, executor=executor, workers=workers or plan.workers)
        with writing(self.path) as db:
            db.execute("UPDATE plans SET plan = ? WHERE run = ?", (json.dumps(plan.to_dict()), run))

    def ask(self, run: str, request: str) -> None:
        """Ask a run to `pause` or `cancel`; one that nobody works on changes at once."""
        if self.run(run).state in ("running", "waiting"):
            with writing(self.path) as db:
                db.execute("UPDATE runs SET request = ? WHERE id = ?", (request, run))
        elif request == "cancel" and self.run(run).state != "done":
            self.set_state(run, "cancelled", "cancelled while nobody was at work")

    def delete(self, run: str) -> None:
        """Forget a run and remove its arrays. StoreError while somebody works on it."""
        if is_held(self.lock(run)):
            raise StoreError(f"run {run} is at work; `cliploc runs cancel {run}` first")
        removal.remove(self.path, self.folder(run))

    def sweep(self) -> None:
        """Clear what interrupted deletions left."""
        removal.sweep(self.path, self.folder("any").parent)

    def rows(self, run: str) -> Rows:
        """All rows of a run, by table. ParameterError when it is gone."""
        self.run(run)
        with reading(self.path) as db:
            return rows_of(db, run)

    def enter(self, rows: Rows) -> None:
        """Take in the rows of a run, all or none. StoreError when the ledger has the run already."""
        run = rows["runs"][0]["id"]
        with writing(self.path) as db:
            if db.execute("SELECT 1 FROM runs WHERE id = ?", (run,)).fetchone():
                raise StoreError(f"run {run} is in {self.path} already; `cliploc runs delete {run}` first")
            insert(db, rows)

    def _asked(self, sql: str, *values: object) -> list[sqlite3.Row]:
        with reading(self.path) as db:
            return db.execute(sql, values).fetchall()

    def _only(self, sql: str, run: str) -> sqlite3.Row:
        """The one row of a run."""
        for row in self._asked(sql, run):
            return row
        raise _gone(run)

    def _value(self, column: str, run: str) -> str:
        return str(self._only(f"SELECT {column} FROM runs WHERE id = ?", run)[0])

    def _cells_of(self, run: str, plan: Plan, set_index: int, index: int) -> list[Cell]:
        scores = {name: values.tolist() for name, values in self.config_scores(run, set_index, index).items()}
        del scores["folds"]
        return [
            Cell(
                plan.sets[set_index]["name"],
                plan.grid.configs[index].with_(threshold=threshold),
                {name: values[min(j, len(values) - 1)] for name, values in scores.items()},
            )
            for j, threshold in enumerate(THRESHOLDS)
        ]

    def _row(self, row: sqlite3.Row) -> RunRow:
        card = json.loads(row["card"])
        state = self._state(row)
        rate, eta = _speed(row)
        return RunRow(
            id=row["id"],
            created=row["created"],
            updated=row["updated"],
            state=state,
            message=row["message"],
            dataset=card["dataset"],
            heatmaps=tuple(card["heatmaps"]),
            configs=card["configs"],
            cells=card["cells"],
            images=row["images"],
            shards=row["shards"],
            shards_done=row["done"],
            rate=rate,
            eta=eta if state == "running" else None,
            best=Best.from_dict(json.loads(row["best"])) if row["best"] else None,
            worker=row["worker"],
            keeps_counts=card["keeps_counts"],
            reading=card.get("reading", 1),  # release 0.1.0 said nothing
            truth=card.get("truth", ""),
            options=card.get("options", ""),
        )

    def _state(self, row: sqlite3.Row) -> str:
        state = str(row["state"])
        if state not in ("running", "waiting") or is_held(self.lock(row["id"])):
            return state
        starting = state == "waiting" and time.time() - row["updated"] < STARTING_SECONDS
        return state if starting else "interrupted"


def _gone(run: str) -> ParameterError:
    return ParameterError(f"run {clean(run)} is gone; `cliploc runs list` shows what there is")


_OF_CONFIG = "SELECT name, data FROM scores WHERE run = ? AND set_index = ? AND config = ?"
_RUN = "SELECT *, (SELECT COUNT(*) FROM shards WHERE run = runs.id) AS done FROM runs"


def card_of(plan: Plan) -> dict[str, object]:
    """What lists show of a plan; a plan names every sample and is slow to read."""
    return {
        "dataset": plan.dataset_name,
        "heatmaps": [s["name"] for s in plan.sets],
        "configs": len(plan.grid.configs),
        "cells": plan.cells,
        "keeps_counts": plan.keep,
        "reading": plan.reading,
        "truth": plan.truth,
        "options": options_of(plan.dataset),
        "machine": machine(),
    }


def _speed(row: sqlite3.Row) -> tuple[float | None, float | None]:
    """Images per second since the run was last resumed, and the seconds that are left at that rate."""
    fresh = row["done"] - row["resumed_shards"]
    seconds = row["updated"] - (row["resumed"] or row["updated"])
    if fresh <= 0 or seconds <= 0:
        return None, None
    rate = row["images"] * fresh / row["shards"] / seconds
    return rate, row["images"] * (1 - row["done"] / row["shards"]) / rate


def _insert_shards(db: sqlite3.Connection, run: str, shards: Mapping[int, str]) -> None:
    db.executemany(
        "INSERT OR REPLACE INTO shards VALUES (?, ?, ?)",
        ((run, position, checksum) for position, checksum in shards.items()),
    )
