"""Disk full, read-only, newer, corrupted: clear words, data intact, the way out named."""

from __future__ import annotations

import os
import resource
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cliploc.core.cli import main
from cliploc.core.errors import ResourceError, StoreError
from cliploc.core.sweep.database import MIGRATIONS
from cliploc.core.sweep.driver import drive
from cliploc.core.sweep.grid import Grid
from cliploc.core.sweep.ledger import Ledger
from tests.sweeping import SMALL, heatmap_set, left_by, small_plan, start_process

WIDE = Grid(dilates=(1, 5, 9, 13), erodes=(1, 5, 9, 13))


@pytest.fixture
def toy(make_folder: Callable[..., Path]) -> str:
    return heatmap_set(make_folder)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 3 MB, where one may be mounted."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = shutil.which("mount") and subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=3m", "none", str(place)], capture_output=True
    )
    if not mounted or mounted.returncode:
        pytest.skip("mounting a tmpfs needs root")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def test_a_file_size_limit_pauses_the_run_and_it_goes_on_without_it(toy: str) -> None:
    ledger = Ledger()
    whole = ledger.create(small_plan(toy, grid=WIDE))
    drive(ledger, whole)
    limited = ledger.create(small_plan(toy, grid=WIDE))
    limit = 300_000  # a shard's arrays fit; the ledger of a finished run does not
    process = start_process(
        ledger, limited, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    )
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 1, errors.decode()
    assert "full" in errors.decode()
    assert ledger.run(limited).state in ("paused", "interrupted")
    assert drive(ledger, limited) == "done"
    assert left_by(ledger, limited) == left_by(ledger, whole)


def test_a_full_disk_pauses_the_run_in_words_and_loses_nothing(
    toy: str, small_disk: Path, tmp_path: Path
) -> None:
    ledger = Ledger(small_disk / "runs.db")
    run = ledger.create(small_plan(toy, grid=WIDE))
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(2_000_000))
    with pytest.raises(ResourceError, match="full"):
        drive(ledger, run)
    row = ledger.run(run)
    assert row.state == "paused"
    assert "full" in row.message
    assert f"runs resume {run}" in row.message
    assert row.shards_done > 0
    ballast.unlink()
    roomy = Ledger(tmp_path / "elsewhere" / "runs.db")  # the disk is too small for a finished run
    roomy.enter(ledger.rows(run))
    shutil.copytree(ledger.folder(run), roomy.folder(run), ignore=shutil.ignore_patterns("lock"))
    assert drive(roomy, run) == "done"
    whole = roomy.create(small_plan(toy, grid=WIDE))
    drive(roomy, whole)
    assert left_by(roomy, run) == left_by(roomy, whole)


def test_a_state_folder_that_cannot_be_written_is_an_error_in_words(
    toy: str, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (home / "state").write_text("a file where the folder should be")
    assert main(["sweep", "--heatmaps", toy, "--dilate", "1", "--erode", "1", "--executor", "threads"]) == 2
    assert "CLIPLOC_HOME" in capsys.readouterr().err


def test_a_ledger_on_a_read_only_disk_can_be_read(toy: str, small_disk: Path) -> None:
    ledger = Ledger(small_disk / "runs.db")
    run = ledger.create(small_plan(toy, grid=Grid(("nearest",), dilates=(1,), erodes=(1,))))
    drive(ledger, run)
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    assert ledger.run(run).state == "done"
    assert len(list(ledger.cells(run))) == 100
    with pytest.raises(StoreError, match="writable"):
        ledger.set_state(run, "failed")


@pytest.mark.parametrize("command", [["list"], ["show", "last"], ["export", "last"], ["delete", "last"]])
def test_a_newer_ledger_is_left_alone(
    toy: str, command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    ledger = Ledger()
    ledger.create(small_plan(toy))
    with sqlite3.connect(ledger.path) as db:
        db.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    before = ledger.path.read_bytes()
    assert main(["runs", *command]) == 2
    words = capsys.readouterr().err
    assert "newer cliploc" in words
    assert "upgrade" in words
    assert ledger.path.read_bytes() == before
    with pytest.raises(StoreError, match="newer"):
        ledger.create(small_plan(toy))


def test_a_ledger_whose_creation_was_interrupted_is_an_empty_one(
    toy: str, capsys: pytest.CaptureFixture[str]
) -> None:
    ledger = Ledger()
    ledger.path.parent.mkdir(parents=True, exist_ok=True)
    ledger.path.write_bytes(b"")
    assert main(["runs", "list"]) == 0
    assert main(["runs", "show", "last"]) == 2
    assert "no run" in capsys.readouterr().err
    assert ledger.run(ledger.create(small_plan(toy))).state == "waiting"


def test_a_write_that_was_killed_is_taken_back_by_the_next_reader(toy: str) -> None:
    ledger = Ledger()
    run = ledger.create(small_plan(toy))
    killed = (
        "import os, signal, sqlite3, sys; db = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
        "db.execute('PRAGMA journal_mode = DELETE'); db.execute('PRAGMA cache_size = 1')\n"
        "db.execute('BEGIN'); db.execute('CREATE TABLE half (data BLOB)')\n"
        "for _ in range(500): db.execute('INSERT INTO half VALUES (zeroblob(9000))')\n"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    subprocess.run([sys.executable, "-c", killed, ledger.path], check=False)
    assert ledger.path.with_name("runs.db-journal").exists()
    assert [row.id for row in ledger.runs()] == [run]


def test_an_older_ledger_is_migrated(toy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger = Ledger()
    run = ledger.create(small_plan(toy))
    monkeypatch.setattr(
        "cliploc.core.sweep.database.MIGRATIONS", (*MIGRATIONS, "CREATE TABLE notes (run TEXT, text TEXT)")
    )
    ledger.set_state(run, "paused")
    with sqlite3.connect(ledger.path) as db:
        assert db.execute("PRAGMA user_version").fetchone()[0] == len(MIGRATIONS) + 1
        assert db.execute("SELECT COUNT(*) FROM notes").fetchone()[0] == 0
    assert ledger.run(run).state == "paused"


@pytest.mark.parametrize("damage", ["header", "middle"])
def test_a_corrupted_ledger_is_named_with_the_way_out(
    toy: str, damage: str, capsys: pytest.CaptureFixture[str]
) -> None:
    ledger = Ledger()
    run = ledger.create(small_plan(toy, grid=SMALL))
    drive(ledger, run)
    with sqlite3.connect(ledger.path) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()
    content = bytearray(ledger.path.read_bytes())
    if damage == "header":
        content[:100] = os.urandom(100)
    else:
        content[4096:] = os.urandom(len(content) - 4096)
    ledger.path.write_bytes(content)
    assert main(["runs", "list"]) == 2
    words = capsys.readouterr().err
    assert "damaged" in words
    assert f"mv {ledger.path}" in words
    assert list((ledger.folder(run) / "counts").glob("*.npz"))  # the arrays are untouched
    shutil.move(ledger.path, f"{ledger.path}.damaged")
    assert main(["runs", "list"]) == 0


def test_an_archive_brings_a_run_back(toy: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ledger = Ledger()
    run = ledger.create(small_plan(toy))
    drive(ledger, run)
    before = left_by(ledger, run)
    archive = tmp_path / "run.zip"
    assert main(["runs", "export", run, "--format", "archive", "--out", str(archive)]) == 0
    assert main(["runs", "import", str(archive)]) == 2  # it is here already
    assert main(["runs", "delete", run]) == 0
    assert ledger.runs() == []
    assert main(["runs", "import", str(archive)]) == 0
    assert left_by(ledger, run) == before
    archive.write_bytes(archive.read_bytes()[:5000])
    assert main(["runs", "delete", run]) == 0
    assert main(["runs", "import", str(archive)]) == 2
    assert ledger.runs() == []
