"""The ledger's file: its schema, opening it, and its failures in words.

SQLite in WAL mode: readers never wait for the writer, and a killed process
leaves the last committed state. (A power cut may take back the last commits;
their shards are then computed again.)
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any, TypeAlias

from cliploc.core.errors import ResourceError, StoreError
from cliploc.core.filesystem import is_remote
from cliploc.core.lock import held
from cliploc.core.paths import make_folder

# Applied in order from the ledger's user_version on; never edited, only appended to.
MIGRATIONS = (
    """
    CREATE TABLE runs (
        id TEXT PRIMARY KEY, created REAL NOT NULL, plan TEXT NOT NULL, card TEXT NOT NULL,
        images INTEGER NOT NULL, shards INTEGER NOT NULL,
        state TEXT NOT NULL, message TEXT NOT NULL DEFAULT '',
        request TEXT NOT NULL DEFAULT '', worker TEXT NOT NULL DEFAULT '',
        resumed REAL, resumed_shards INTEGER NOT NULL DEFAULT 0, updated REAL NOT NULL,
        best TEXT, checkpoint TEXT NOT NULL DEFAULT ''
    );
    CREATE TABLE shards (
        run TEXT NOT NULL REFERENCES runs ON DELETE CASCADE, position INTEGER NOT NULL,
        checksum TEXT NOT NULL, PRIMARY KEY (run, position)
    ) WITHOUT ROWID;
    CREATE TABLE scores (
        run TEXT NOT NULL REFERENCES runs ON DELETE CASCADE, set_index INTEGER NOT NULL,
        config INTEGER NOT NULL, name TEXT NOT NULL, data BLOB NOT NULL,
        PRIMARY KEY (run, set_index, config, name)
    );
    CREATE TABLE summaries (
        run TEXT NOT NULL REFERENCES runs ON DELETE CASCADE, set_index INTEGER NOT NULL,
        data TEXT NOT NULL, PRIMARY KEY (run, set_index)
    ) WITHOUT ROWID;
    """,
    # Plans name every sample: whoever lists runs must not read them. Old SQLite cannot drop a column.
    """
    CREATE TABLE plans (
        run TEXT PRIMARY KEY REFERENCES runs ON DELETE CASCADE, plan TEXT NOT NULL
    ) WITHOUT ROWID;
    INSERT INTO plans SELECT id, plan FROM runs;
    UPDATE runs SET plan = '';
    """,
)
Rows: TypeAlias = "dict[str, list[dict[str, Any]]]"  # of one run, by table

# What names the run, and the order of its rows.
_TABLES = {
    "runs": ("id", "created"),
    "plans": ("run", "run"),
    "shards": ("run", "position"),
    "scores": ("run", "rowid"),
    "summaries": ("run", "set_index"),
}
_PLANS_IN_RUNS = 1  # the schema that had no table of plans
WAIT_SECONDS = 60.0  # for another writer; each holds the file for milliseconds


@contextmanager
def reading(path: Path) -> Iterator[sqlite3.Connection]:
    """A read-only connection that sees one consistent state. StoreError when it cannot be read."""
    with _translated(path), closing(_open_to_read(path)) as db:
        version = _check_version(path, db)
        with nullcontext(db) if version else _empty() as found:  # its first creation was interrupted
            if version == _PLANS_IN_RUNS:  # what is read is not changed; the next writer does that
                found.execute("PRAGMA temp_store = MEMORY")
                found.execute("CREATE TEMP VIEW plans AS SELECT id AS run, plan FROM runs")
            found.execute("BEGIN")
            yield found


@contextmanager
def writing(path: Path) -> Iterator[sqlite3.Connection]:
    """A transaction: all of the block is committed, or none. Creates and migrates the file.

    ResourceError when the disk is full, StoreError for everything else that stands in the way.
    """
    make_folder(path.parent)
    with suppress(OSError):  # what stands in the way is said by SQLite
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600))
    with _translated(path), closing(_connect(f"file:{_quoted(path)}")) as db:
        _prepare(path, db)
        db.execute("PRAGMA synchronous = NORMAL")  # synced when the log is written back, not every time
        db.execute("BEGIN IMMEDIATE")
        try:
            yield db
        except BaseException:
            db.rollback()
            raise
        db.commit()


def rows_of(db: sqlite3.Connection, run: str) -> Rows:
    """All rows of a run."""
    return {
        table: [
            dict(row) for row in db.execute(f"SELECT * FROM {table} WHERE {key} = ? ORDER BY {order}", (run,))
        ]
        for table, (key, order) in _TABLES.items()
    }


def insert(db: sqlite3.Connection, rows: Rows) -> None:
    """Insert the rows of a run."""
    for table in _TABLES:
        for row in rows[table]:  # by name: a ledger of an earlier release has fewer columns
            columns, marks = ", ".join(row), ", ".join("?" * len(row))
            db.execute(f"INSERT INTO {table} ({columns}) VALUES ({marks})", tuple(row.values()))


def as_bytes(rows: Rows) -> bytes:
    """A ledger of one run as the content of a file; no file is needed for it. The inverse of `from_bytes`."""
    with _empty() as db:
        db.execute("BEGIN")
        insert(db, rows)
        db.commit()
        return db.serialize()


def from_bytes(content: bytes) -> Rows:
    """The rows of the one run in a ledger of somebody else's. StoreError for anything but our tables.

    It is read in memory and as data alone: what it is made of must be, word for word, what a
    release of this program makes, so that no view, trigger or generated column can run.
    """
    plain = bytearray(content)
    plain[18:20] = b"\x01\x01"  # a file in WAL mode cannot be opened in memory; SQLite's own advice
    try:
        with closing(_connect(":memory:")) as db, closing(_connect(":memory:")) as ours:
            db.deserialize(bytes(plain))
            db.execute("PRAGMA trusted_schema = OFF")
            if _version(db) > len(MIGRATIONS):
                raise StoreError("it was written by a newer cliploc; upgrade this one")
            _migrate(ours, _version(db))
            if _schema(db) != _schema(ours):
                raise StoreError("its ledger has other tables than ours")
            if db.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok":
                raise StoreError("its ledger is damaged")
            runs = [row["id"] for row in db.execute("SELECT id FROM runs LIMIT 2")]
            if len(runs) != 1:
                raise StoreError("its ledger does not hold one run")
            for each in (db, ours):
                _migrate(each)
            rows = rows_of(db, runs[0])
            _check_types(ours, rows)
            return rows
    except (sqlite3.Error, OverflowError, UnicodeDecodeError) as error:
        raise StoreError(f"its ledger is damaged ({error})") from error


def _schema(db: sqlite3.Connection) -> list[tuple[str, ...]]:
    return sorted(
        tuple(row) for row in db.execute("SELECT type, name, tbl_name, COALESCE(sql, '') FROM sqlite_master")
    )


def _check_types(db: sqlite3.Connection, rows: Rows) -> None:
    """StoreError where a value is not of its column's type: SQLite keeps what it is given."""
    kinds = {"TEXT": str, "REAL": float, "INTEGER": int, "BLOB": bytes}
    for table, entries in rows.items():
        columns = {row["name"]: row for row in db.execute(f"PRAGMA table_info({table})")}
        for entry in entries:
            for name, value in entry.items():
                optional = value is None and not columns[name]["notnull"]
                if not optional and type(value) is not kinds[columns[name]["type"]]:
                    raise StoreError(f"its ledger holds a {name} that is no {columns[name]['type'].lower()}")


def vacuum(path: Path) -> None:
    """Give the room of deleted rows back to the disk, where it is a quarter of the file.

    Nothing where somebody else is writing, or where there is no room for a copy: the next deletion
    tries again.
    """
    uri = f"file:{_quoted(path)}"
    with suppress(sqlite3.Error), closing(_connect(uri, patience=0.0)) as db:
        free, pages = (
            db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("freelist_count", "page_count")
        )
        if 4 * free > pages:
            db.execute("VACUUM")
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)")


@contextmanager
def kept_open(path: Path) -> Iterator[None]:
    """Hold the file open for the block: the last one to close it writes the log back, which takes time."""
    with writing(path):
        pass
    with _translated(path), closing(_connect(f"file:{_quoted(path)}")) as db:
        _version(db)  # a connection that has read nothing does not count
        yield


def _connect(uri: str, patience: float = WAIT_SECONDS) -> sqlite3.Connection:
    db = sqlite3.connect(uri, uri=True, timeout=patience, isolation_level=None)
    db.row_factory = sqlite3.Row
    db.execute("PRAGMA foreign_keys = ON")
    return db


def _open_to_read(path: Path) -> sqlite3.Connection:
    if path.exists() and not path.is_file():  # SQLite would wait for a pipe's other end
        raise StoreError(f"{path} is not a regular file; move it away, or point CLIPLOC_HOME at another")
    db = _connect(f"file:{_quoted(path)}?mode=ro")
    try:
        db.execute("SELECT 1 FROM sqlite_master").fetchone()
    except sqlite3.OperationalError:
        db.close()
        if os.access(path.parent, os.W_OK):
            with closing(_connect(f"file:{_quoted(path)}?mode=rw")) as writer:
                _version(writer)  # takes back what a killed writer left half written
            return _connect(f"file:{_quoted(path)}?mode=ro")
        # WAL wants a shared-memory file beside it; what lies in a folder that is read-only does not change.
        return _connect(f"file:{_quoted(path)}?mode=ro&immutable=1")
    return db


def _quoted(path: Path) -> str:
    return str(path.resolve()).replace("%", "%25").replace("?", "%3f").replace("#", "%23")


@contextmanager
def _empty() -> Iterator[sqlite3.Connection]:
    with closing(_connect(":memory:")) as db:
        _migrate(db)
        yield db


def _version(db: sqlite3.Connection) -> int:
    return int(db.execute("PRAGMA user_version").fetchone()[0])


def _check_version(path: Path, db: sqlite3.Connection) -> int:
    version = _version(db)
    if version > len(MIGRATIONS):
        raise StoreError(
            f"{path} was written by a newer cliploc (schema {version}, this one knows {len(MIGRATIONS)}); "
            "upgrade cliploc, or point CLIPLOC_HOME at another folder"
        )
    return version


def _prepare(path: Path, db: sqlite3.Connection) -> None:
    if _check_version(path, db) == len(MIGRATIONS):
        return
    with held(path.with_name(f".{path.name}.migration"), patience=WAIT_SECONDS):
        # WAL shares memory between processes, which a file system over a network does not.
        db.execute(f"PRAGMA journal_mode = {'DELETE' if is_remote(path) else 'WAL'}")
        _migrate(db)


def _migrate(db: sqlite3.Connection, last: int | None = None) -> None:
    version = _version(db)
    for number, script in enumerate(MIGRATIONS[version:last], start=version + 1):
        db.execute("BEGIN IMMEDIATE")
        for statement in filter(str.strip, script.split(";")):
            db.execute(statement)
        db.execute(f"PRAGMA user_version = {number}")
        db.commit()


@contextmanager
def _translated(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR):
            raise ResourceError(f"cannot write {path}: {error}; is the disk full?") from error
        if code in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT):
            raise StoreError(
                f"{path} is damaged ({error}); the arrays in {path.parent / 'runs'} are untouched. "
                f"Move it aside and start a new one: mv {path} {path}.damaged"
            ) from error
        if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM):
            raise StoreError(
                f"cannot open {path} ({error}); make its folder writable, or point CLIPLOC_HOME at another"
            ) from error
        raise StoreError(f"{path}: {error}") from error
