"""A whole run as one file: to keep it, to move it to another machine, to hand it in.

A `.zip` with a ledger that holds only this run, the run's arrays, and `run.json`,
which says in plain words what the run was: its plan, the identities of its heatmap
sets, versions and hardware, what was found. The same run gives the same bytes (by the same SQLite),
wherever it is packed. It says where nothing was: of the dataset's place only the last name is left.
"""

from __future__ import annotations

import json
import re
import shutil
import tempfile
import zipfile
from dataclasses import replace
from pathlib import Path

from core.datasets.spec import COCO, coco_places, parsed, written
from core.errors import ParameterError, StoreError, clean
from core.paths import atomic_write, make_folder
from core.sweep.ledger import Ledger
from core.sweep.plan import Plan

_LEDGER = "runs.db"
_DESCRIPTION = "run.json"  # for people; a ledger is what is read back
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest time that a .zip can hold
_MEMBER = re.compile(r"(counts/\d{6}|sums-\d+)\.npz")
_ID = re.compile(r"[0-9a-f]{8}")


def pack(ledger: Ledger, run: str, out: Path | None) -> None:
    """Write a run to a `.zip`. ParameterError without a file or while somebody works on the run."""
    if out is None:
        raise ParameterError("an archive is binary: give a file, --out run.zip")
    if ledger.run(run).state in ("running", "waiting"):
        raise ParameterError(f"run {run} is at work; `cliploc runs pause {run}` first, or wait for its end")
    folder = ledger.folder(run)
    with tempfile.TemporaryDirectory() as scratch:
        alone = Ledger(Path(scratch) / _LEDGER)
        ledger.copy_to(run, alone, _without_places(ledger.plan(run)))
        description = json.dumps(described(alone, run), ensure_ascii=False, indent=1, sort_keys=True)
        with atomic_write(out) as file, zipfile.ZipFile(file, "w") as archive:
            archive.writestr(_member(_DESCRIPTION), description)
            archive.writestr(_member(_LEDGER), alone.path.read_bytes())
            for path in sorted(folder.rglob("*.npz")):
                name = path.relative_to(folder).as_posix()
                if _MEMBER.fullmatch(name):
                    archive.writestr(_member(name), path.read_bytes())


def _without_places(plan: Plan) -> Plan:
    """A plan in which no absolute path is left; what decides its results stays."""
    sets = []
    for each in plan.sets:
        identity = each.get("identity", {})
        if spec := identity.get("dataset_spec"):
            identity = {**identity, "dataset_spec": _last_names(spec)}
        sets.append(each | {"identity": identity} if identity else each)
    return replace(plan, dataset=_last_names(plan.dataset), sets=tuple(sets))


def _last_names(spec: str) -> str:
    place, options = parsed(spec)
    if place.startswith(COCO):
        return written(COCO + ":".join(each.name for each in coco_places(place)), options)
    return written(Path(place).name, options)


def described(ledger: Ledger, run: str) -> dict[str, object]:
    """Everything a reader wants to know of a run without this program, as plain values."""
    row = ledger.run(run)
    return {
        "run": run,
        "state": row.state,
        "created": row.created,
        "finished": row.updated,
        "cells": row.cells,
        "machine": ledger.machine(run),
        "plan": ledger.plan(run).to_dict(),
        "summaries": {row.heatmaps[index]: ledger.summary(run, index) for index in ledger.finished_sets(run)},
    }


def _member(name: str) -> zipfile.ZipInfo:
    return zipfile.ZipInfo(name, _EPOCH)


def unpack(ledger: Ledger, source: Path) -> str:
    """Take a run in from a `.zip` of `pack`. Returns its id.

    StoreError for another kind of file, or when the ledger has the run already;
    then nothing has changed.
    """
    with tempfile.TemporaryDirectory() as scratch:
        try:
            with zipfile.ZipFile(source) as archive:
                names = [name for name in archive.namelist() if name == _LEDGER or _MEMBER.fullmatch(name)]
                archive.extractall(scratch, names)
        except FileNotFoundError:
            raise StoreError(f"no file {source}") from None
        except (OSError, zipfile.BadZipFile) as error:
            raise StoreError(f"{source} is no archive of a run: {clean(error)}") from error
        alone = Ledger(Path(scratch) / _LEDGER)
        runs = alone.runs()
        if len(runs) != 1 or not _ID.fullmatch(runs[0].id):
            raise StoreError(
                f"{source} is no archive of a run; `cliploc runs export ID --format archive` makes one"
            )
        alone.copy_to(runs[0].id, ledger)
        _move_arrays(Path(scratch), ledger.folder(runs[0].id))
        return runs[0].id


def _move_arrays(scratch: Path, folder: Path) -> None:
    for path in scratch.rglob("*.npz"):
        target = folder / path.relative_to(scratch)
        make_folder(target.parent)
        try:
            shutil.copyfile(path, target)
        except OSError as error:
            raise StoreError(f"cannot write {target}: {error.strerror}") from error
