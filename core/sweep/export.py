"""A run's cells for other programs: CSV, JSON, Parquet. One row per cell."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from cliploc.core.errors import ParameterError, ResourceError, clean, escaped
from cliploc.core.paths import atomic_write
from cliploc.core.sweep.ledger import Ledger

FORMATS = ("csv", "json", "parquet")


def export(ledger: Ledger, run: str, form: str, out: Path | None, stdout: IO[str]) -> None:
    """Write a run's cells to a file, or to `stdout` where the format is text.

    Floats are written so that they read back to the same float64. ParameterError
    when nothing is finished yet or Parquet has no file to go to.
    """
    table = (cell.flat() for cell in ledger.cells(run))
    printable = ({n: clean(v) if isinstance(v, str) else v for n, v in row.items()} for row in table)
    if not ledger.finished_sets(run):
        raise ParameterError(f"run {run} has no finished heatmap set; `cliploc runs resume {run}` first")
    if form == "parquet":
        if out is None:
            raise ParameterError("parquet is binary: give a file, --out run.parquet")
        _write_parquet(table, out)
        return
    write = {"csv": _write_csv, "json": _write_json}[form]
    if out is None:
        write(printable if stdout.isatty() else table, stdout)
        return
    with atomic_write(out) as file:
        text = io.TextIOWrapper(file, encoding="utf-8", newline="")
        write(table, text)
        text.flush()
        text.detach()


def _write_csv(table: Iterator[dict[str, object]], out: IO[str]) -> None:
    writer: csv.DictWriter[str] | None = None
    for row in table:
        if writer is None:
            writer = csv.DictWriter(out, list(row), lineterminator="\n")
            writer.writeheader()
        writer.writerow(row)  # csv writes a float by repr: the shortest text that reads back the same


def _write_json(table: Iterator[dict[str, object]], out: IO[str]) -> None:
    out.write("[")
    for number, row in enumerate(table):
        out.write(",\n " if number else "\n ")
        out.write(escaped(json.dumps(row, ensure_ascii=False)))
    out.write("\n]\n")


def _write_parquet(table: Iterator[dict[str, object]], out: Path) -> None:
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError:
        raise ResourceError("Parquet needs pyarrow; pip install 'cliploc[parquet]'") from None
    with atomic_write(out) as file:
        parquet.write_table(pyarrow.Table.from_pylist(list(table)), file)
