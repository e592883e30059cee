"""A whole run as one file: to keep it, to move it to another machine, to hand it in.

A `.zip` with a ledger that holds only this run, the run's arrays, and `run.json`,
which says in plain words what the run was: its plan, the identities of its heatmap
sets, versions and hardware, what was found. It names no folder of this machine. The same
run gives the same bytes (by the same SQLite), wherever it is packed.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
import shutil
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from cliploc.core.datasets.files import check_regular
from cliploc.core.datasets.spec import portable
from cliploc.core.errors import DatasetError, ParameterError, StoreError, clean
from cliploc.core.lock import held
from cliploc.core.paths import atomic_write, make_folder
from cliploc.core.sweep import arrays
from cliploc.core.sweep.database import Rows, as_bytes, from_bytes
from cliploc.core.sweep.earlier import upgraded
from cliploc.core.sweep.ledger import Ledger
from cliploc.core.sweep.plan import Plan
from cliploc.core.sweep.vetting import vetted

_LEDGER = "runs.db"
_DESCRIPTION = "run.json"  # for people; a ledger is what is read back
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest time that a .zip can hold
_MEMBER = re.compile(r"(counts/\d{6}|sums-\d{1,9})\.npz")
_LARGEST = 2 << 30  # bytes of one file in it
_MOST_TIMES_SMALLER = 200  # that compression makes arrays and tables
_ENCRYPTED = 1


def pack(ledger: Ledger, run: str, out: Path | None) -> None:
    """Write a run to a `.zip`, which is read back before it gets its name.

    ParameterError without a file or while somebody works on the run; StoreError when an array of
    the run is gone or damaged, or the file cannot be written as it should be.
    """
    if out is None:
        raise ParameterError("an archive is binary: give a file, --out run.zip")
    if ledger.run(run).state in ("running", "waiting"):
        raise ParameterError(f"run {run} is at work; `cliploc runs pause {run}` first, or wait for its end")
    rows = _portable(ledger.rows(run))
    description = json.dumps(described(rows), indent=1, sort_keys=True)
    with atomic_write(out) as file:
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr(_member(_DESCRIPTION), description)
            archive.writestr(_member(_LEDGER), as_bytes(rows))
            for name, checksum in sorted(_arrays_of(rows).items()):
                archive.writestr(_member(name), arrays.content_of(ledger.folder(run) / name, checksum))
        with _opened(file, out) as archive:
            _check_arrays(archive, _read_rows(archive), Plan.from_dict(json.loads(rows["plans"][0]["plan"])))


def described(rows: Rows) -> dict[str, object]:
    """Everything a reader wants to know of a run without this program, as plain values."""
    run = rows["runs"][0]
    card = json.loads(run["card"])
    summaries = {row["set_index"]: upgraded(json.loads(row["data"])) for row in rows["summaries"]}
    return {
        "run": run["id"],
        "state": run["state"],
        "created": run["created"],
        "finished": run["updated"],
        "cells": card["cells"],
        "machine": card.get("machine", {}),
        "plan": json.loads(rows["plans"][0]["plan"]),
        "summaries": {card["heatmaps"][index]: summary for index, summary in summaries.items()},
    }


def unpack(ledger: Ledger, source: Path) -> tuple[str, list[str]]:
    """Take a run in from a `.zip` of `pack`. Returns its id, and what must be said of it.

    StoreError for another kind of file, a damaged or a dishonest one, or when the ledger has the
    run already; then nothing has changed. A cluster that the run was computed on is not followed.
    """
    try:
        check_regular(source, _LARGEST * 8)
    except DatasetError as error:
        raise StoreError(str(error)) from error
    with _opened(source, source) as archive:
        rows, plan = vetted(_read_rows(archive))
        _check_arrays(archive, rows, plan)
        run, notes = rows["runs"][0], []
        if plan.executor.startswith("dask://"):
            notes.append(f"it was computed on {clean(plan.executor)}; `cliploc runs resume` works on it here")
            entry = rows["plans"][0]
            entry["plan"] = json.dumps({**json.loads(entry["plan"]), "executor": "local"})
        _take_in(ledger, archive, rows)
        return str(run["id"]), notes


def _take_in(ledger: Ledger, archive: zipfile.ZipFile, rows: Rows) -> None:
    """Arrays, then rows: a run that is in the ledger is whole. What a killed import left is swept."""
    run = rows["runs"][0]["id"]
    folder = ledger.folder(run)
    with held(folder.parent / ".import", patience=60.0):
        if any(row.id == run for row in ledger.runs()):
            raise StoreError(f"run {run} is in {ledger.path} already; `cliploc runs delete {run}` first")
        for leftover in folder.parent.glob(".import-*"):
            shutil.rmtree(leftover, ignore_errors=True)
        scratch = folder.parent / f".import-{secrets.token_hex(6)}"
        try:
            for name in _arrays_of(rows):
                with atomic_write(scratch / name) as file, archive.open(name) as member:
                    shutil.copyfileobj(member, file)
            shutil.rmtree(folder, ignore_errors=True)
            make_folder(scratch)
            scratch.replace(folder)
            ledger.enter(rows)
        except OSError as error:
            raise StoreError(f"cannot write {folder}: {error.strerror or error}") from error
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        finally:
            shutil.rmtree(scratch, ignore_errors=True)


@contextmanager
def _opened(file: Path | IO[bytes], source: Path) -> Iterator[zipfile.ZipFile]:
    """The archive, its members looked at before any is read. StoreError."""
    try:
        with zipfile.ZipFile(file) as archive:
            for info in archive.infolist():
                _check_member(info)
            names = archive.namelist()
            if len(set(names)) != len(names) or _LEDGER not in names:
                raise StoreError("it has no ledger, or a file twice")
            yield archive
    except StoreError as error:
        if error.__cause__ is not None and isinstance(error.__cause__, OSError):
            raise
        raise StoreError(
            f"{source} is no sound archive of a run: {error}; `cliploc runs export ID --bundle` makes one"
        ) from error
    except FileNotFoundError:
        raise StoreError(f"no file {source}") from None
    except (OSError, zipfile.BadZipFile, NotImplementedError, RuntimeError, ValueError, EOFError) as error:
        raise StoreError(f"{source} is no archive of a run: {clean(error)}") from error


def _check_member(info: zipfile.ZipInfo) -> None:
    name = clean(info.filename)[:60]
    if info.flag_bits & _ENCRYPTED:
        raise StoreError(f"{name} is encrypted")
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise StoreError(f"{name} is compressed in a way that is not ours")
    if info.file_size > _LARGEST or info.file_size > _MOST_TIMES_SMALLER * max(info.compress_size, 1000):
        raise StoreError(f"{name} unpacks to {info.file_size:,} bytes, which is no array of a run")


def _read_rows(archive: zipfile.ZipFile) -> Rows:
    return from_bytes(archive.read(_LEDGER))


def _arrays_of(rows: Rows) -> dict[str, str]:
    """The checksums of the files that belong to the run, by name."""
    named = {f"counts/{row['position']:06d}.npz": row["checksum"] for row in rows["shards"]}
    found = {name: checksum for name, checksum in named.items() if checksum != "in sums"}
    name, _, checksum = str(rows["runs"][0]["checkpoint"]).partition(" ")
    return {**found, name: checksum} if name else found


def _check_arrays(archive: zipfile.ZipFile, rows: Rows, plan: Plan) -> None:
    """StoreError unless every array is there and is what its checksum says."""
    run, expected = rows["runs"][0], _arrays_of(rows)
    if run["state"] == "done" and plan.keep and len(expected) < len(plan.shards()):
        raise StoreError(f"its run is done, but {len(plan.shards()) - len(expected)} arrays are missing")
    there = set(archive.namelist())
    for name, checksum in expected.items():
        if not _MEMBER.fullmatch(name) or name not in there:
            raise StoreError(f"{clean(name)} is missing")
        with archive.open(name) as member:
            if hashlib.file_digest(member, "sha256").hexdigest() != checksum:  # type: ignore[arg-type]
                raise StoreError(f"{name} is damaged")


def _portable(rows: Rows) -> Rows:
    """The rows without folders of this machine: datasets and weights keep their names."""
    run, entry = rows["runs"][0], rows["plans"][0]
    plan: dict[str, Any] = json.loads(entry["plan"])
    plan["dataset"] = portable(plan["dataset"])
    plan["sets"] = [_portable_set(one) for one in plan["sets"]]
    return {
        **rows,
        "runs": [{**run, "message": "", "worker": ""}],
        "plans": [{**entry, "plan": json.dumps(plan)}],
    }


def _portable_set(one: Mapping[str, Any]) -> dict[str, Any]:
    identity = dict(one.get("identity", {}))
    for name in {"checkpoint", "backbone"} & identity.keys():
        scheme, colon, place = str(identity[name]).rpartition(":")
        identity[name] = scheme + colon + (os.path.basename(place) if os.path.isabs(place) else place)
    if identity.get("dataset_spec"):
        identity["dataset_spec"] = portable(identity["dataset_spec"])
    return {**one, **({"identity": identity} if identity else {})}


def _member(name: str) -> zipfile.ZipInfo:
    return zipfile.ZipInfo(name, _EPOCH)
