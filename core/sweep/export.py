"""A run's cells for other programs: CSV, JSON, Parquet. One row per cell.

Text is written cell by cell, Parquet in blocks of configs, column by column.
"""

from __future__ import annotations

import csv
import io
import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import numpy as np

from cliploc.core.errors import ParameterError, ResourceError, clean, escaped
from cliploc.core.paths import atomic_write
from cliploc.core.postprocess import THRESHOLDS
from cliploc.core.sweep.ledger import Ledger
from cliploc.core.sweep.rows import Cell

_CONFIGS = 500  # of a block
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
        _write_parquet(ledger, run, out)
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


def _write_parquet(ledger: Ledger, run: str, out: Path) -> None:
    try:
        from pyarrow import parquet
    except ImportError:
        raise ResourceError("Parquet needs pyarrow; pip install 'cliploc[parquet]'") from None
    blocks = _blocks(ledger, run)
    first = next(blocks)
    with atomic_write(out) as file, parquet.ParquetWriter(file, first.schema) as writer:
        for block in itertools.chain([first], blocks):
            writer.write_table(block)


def _blocks(ledger: Ledger, run: str) -> Iterator[Any]:
    """Tables of pyarrow, of some configs each: what `Cell.flat` gives of their cells, in the same order."""
    import pyarrow

    plan = ledger.plan(run)
    for set_index in ledger.finished_sets(run):
        name = plan.sets[set_index]["name"]
        for first in range(0, len(plan.grid.configs), _CONFIGS):
            configs = plan.grid.configs[first : first + _CONFIGS]
            scores = ledger.block(run, set_index, first, first + len(configs))
            rows = pyarrow.array(np.repeat(np.arange(len(configs)), len(THRESHOLDS)))
            columns: dict[str, object] = {"threshold": pyarrow.array(np.tile(THRESHOLDS, len(configs)))}
            for key in Cell(name, configs[0], {}).flat().keys() - columns.keys():
                values = pyarrow.array([Cell(name, each, {}).flat()[key] for each in configs])
                columns[key] = values.take(rows)
            for key, values in scores.items():
                columns[key] = pyarrow.array(np.broadcast_to(values, (len(configs), len(THRESHOLDS))).ravel())
            order = Cell(name, configs[0], dict.fromkeys(scores, 0.0)).flat()
            yield pyarrow.table({key: columns[key] for key in order})
