"""Parquet with pictures and masks in it, as Hugging Face keeps datasets: a file, or a folder of parts.

A picture or mask is its file's bytes, alone or in a struct `bytes`, `path`. They are laid out once, by
content, as CocoGlide's table in the cache, and read there like any table's. Needs `cliploc[parquet]`.
"""

from __future__ import annotations

import csv
import json
import math
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from io import StringIO
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from cliploc.core import paths
from cliploc.core.datasets import files, folder, ids
from cliploc.core.datasets.pictures_alone import ANYTHING
from cliploc.core.datasets.sample import Dataset
from cliploc.core.datasets.spec import Options, written
from cliploc.core.datasets.table import TABLE, TableRow, read_table
from cliploc.core.errors import DatasetError, ResourceError, StoreError, clean, few
from cliploc.core.lock import held

if TYPE_CHECKING:
    import pyarrow

# What columns are called, the likeliest first; a picture's name is no mask's.
PICTURES = ("image", "img", "picture", "photo", "real", "rgb")
MASKS = (
    "mask", "true_mask", "segmentation_mask", "segmentation", "annotation", "gt", "ground_truth", "label",
)  # fmt: skip
LABELS = ("label", "labels", "class", "category", "prompt", "class_name", "text", "name")
SOURCES = ("source",)
LARGEST = 64 << 30  # bytes of a file
MOST_ROWS = 10_000_000
_GROUP = 2 << 30  # bytes of a row group, unpacked, as it says itself
_LARGE, _PACKED = 1 << 26, 100  # pictures are packed already: what shrinks so much more holds none
_AT_ONCE = 8  # rows
_VERSION = "parquet 1"


@dataclass(frozen=True)
class Columns:
    """Which columns are what, "" for none. names: of a label's numbers, where it has numbers."""

    picture: str
    mask: str
    label: str
    source: str
    names: tuple[str, ...] = ()


def lacks(place: Path) -> str:
    """What a place lacks to be parquet."""
    return "" if _parts(place) else "it has no .parquet, nor has data/"


def _parts(place: Path) -> list[Path]:
    if os.path.isdir(place):
        return sorted([*place.glob("*.parquet"), *place.glob("data/*.parquet")])
    return [place] if place.suffix == ".parquet" else []


def open_place(place: str, options: Options) -> Dataset:
    """Open parquet. DatasetError; ResourceError without pyarrow."""
    parts, spec = parts_of(place, options), written(str(paths.expanded(place)), options)
    root = _laid_out(parts, options)
    rows, name = read_table(root), paths.expanded(place).resolve().name
    return folder.open_rows(root, rows, spec, _without_place(options), name, _notes(parts, rows))


def _notes(parts: Sequence[Path], rows: Sequence[TableRow]) -> list[str]:
    splits = sorted({path.stem.split("-")[0] for path in parts})
    notes = [f"{few(splits)} together; subset=NAME takes one"] if len(splits) > 1 else []
    if any(row.label == ANYTHING for row in rows):
        notes.append(f"no column says what is marked: it is {ANYTHING!r}; prompt=WORDS says it")
    return notes


def problems(place: str, options: Options) -> Iterator[str]:
    """Every problem of the pictures and masks, one sentence each; the columns must be right."""
    root = _laid_out(parts_of(place, options), options)
    yield from folder.problems_of_rows(root, read_table(root), _without_place(options))


def _without_place(options: Options) -> Options:
    return options.with_({"layout": "", "subset": "", "prompt": ""})


def parts_of(place: str, options: Options) -> list[Path]:
    """The files of a place and subset. DatasetError for none."""
    root = paths.expanded(place)
    parts = _parts(root)
    found = [path for path in parts if options.subset in path.stem.split("-")] if options.subset else parts
    if not found:
        known = sorted({path.stem.split("-")[0] for path in parts})
        raise DatasetError(
            f"{root} has no subset {clean(options.subset)!r}; found {few(known)}"
            if parts
            else f"{root}: {lacks(root)}"
        )
    return found


def _laid_out(parts: Sequence[Path], options: Options) -> Path:
    """The folder where the files' content lies as a table; made when it is not there."""
    for path in parts:
        files.check_regular(path, LARGEST)
    if len(options.prompts) > 1:
        raise DatasetError(
            f"{parts[0]}: one mask a picture has one label; found prompt={clean(options.prompt)!r}"
        )
    shelf = paths.cache_dir() / "parquet"
    key = files.digest_of(_VERSION, [*files.digests(parts, LARGEST), list(options.prompts)])
    place, partial = shelf / key, shelf / f".{key}.partial"
    if not place.is_dir():
        paths.make_folder(shelf)
        with held(shelf / "lock", math.inf):
            if not place.is_dir():
                shutil.rmtree(partial, ignore_errors=True)  # of a writer that was killed
                try:
                    _lay_out(parts, partial, options)
                    os.replace(partial, place)
                except OSError as error:
                    raise StoreError(f"cannot lay out {parts[0]} in {shelf}: {error.strerror}") from error
                finally:
                    shutil.rmtree(partial, ignore_errors=True)
    return place


def _lay_out(parts: Sequence[Path], root: Path, options: Options) -> None:
    """Write the table and its files. DatasetError for what is no picture with a mask."""
    lines, taken = StringIO(), set[str]()
    table = csv.writer(lines)
    table.writerow(["real", "mask", "prompt", "source"])
    for name in ("real", "mask"):
        paths.make_folder(root / name)
    rows = 0
    for path in parts:
        for row, columns in _rows_of(path):
            rows += 1
            where = f"{path}: row {rows}"
            picture, told = _content(row[columns.picture], f"{where}, {columns.picture}")
            mask, _ = _content(row[columns.mask], f"{where}, {columns.mask}")
            name = _name(told, rows, taken)
            label = next(iter(options.prompts), "") or _label(row, columns, where)
            (root / "real" / name).write_bytes(picture)
            (root / "mask" / name).write_bytes(mask)
            source = row[columns.source] if columns.source else ""
            table.writerow([f"real/{name}", f"mask/{name}", label, "" if source is None else str(source)])
    if not rows:
        raise DatasetError(f"{parts[0]} has no rows")
    (root / TABLE).write_text(lines.getvalue(), encoding="utf-8", errors="replace")


def _name(told: str, row: int, taken: set[str]) -> str:
    """A file's name: the one that the row tells, where no other row has it."""
    stem = ids.file_name(PurePosixPath(told.replace("\\", "/")).stem) if told else f"{row:07}"
    name = stem if stem.casefold() not in taken else f"{stem}~{row}"
    taken.add(name.casefold())
    return f"{name}.png"


def _rows_of(path: Path) -> Iterator[tuple[Mapping[str, Any], Columns]]:
    """The rows of a file, with what its columns are. DatasetError for what cannot be read."""
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise ResourceError("Parquet needs pyarrow; pip install 'cliploc[parquet]'") from None
    try:
        with pyarrow.parquet.ParquetFile(path) as file:
            _check_sizes(path, file.metadata)
            columns = _columns(path, file.schema_arrow)
            wanted = [name for name in (columns.picture, columns.mask, columns.label, columns.source) if name]
            for batch in file.iter_batches(_AT_ONCE, columns=wanted):
                for row in batch.to_pylist():
                    yield row, columns
    except (pyarrow.ArrowException, OSError, ValueError, UnicodeDecodeError, MemoryError) as error:
        raise DatasetError(f"{path} is not sound parquet: {clean(error)[:160]}") from error


def _check_sizes(path: Path, told: pyarrow.parquet.FileMetaData) -> None:
    """DatasetError for a file that says of itself that it unpacks to more than pictures do."""
    groups = [told.row_group(place).total_byte_size for place in range(told.num_row_groups)]
    largest = max(groups, default=0)
    packed = sum(groups) > _PACKED * path.stat().st_size and sum(groups) > _LARGE
    if told.num_rows > MOST_ROWS or largest > _GROUP or packed:
        raise DatasetError(
            f"{path} says that it unpacks to {sum(groups):,} bytes in {told.num_rows:,} rows; expected at "
            f"most {MOST_ROWS:,} rows, {_GROUP >> 30} GB in a group of them and {_PACKED} times its own size"
        )


def _columns(path: Path, schema: pyarrow.Schema) -> Columns:
    """Which columns are what, by name and type. DatasetError where a picture or mask is missing."""
    import pyarrow

    def holds_files(name: str) -> bool:
        kind = schema.field(name).type
        inner = kind.field("bytes").type if pyarrow.types.is_struct(kind) and _has_bytes(kind) else kind
        return bool(pyarrow.types.is_binary(inner) or pyarrow.types.is_large_binary(inner))

    def is_word(name: str) -> bool:
        kind = schema.field(name).type
        tests = (pyarrow.types.is_string, pyarrow.types.is_large_string, pyarrow.types.is_integer)
        return any(test(kind) for test in tests)

    names = list(dict.fromkeys(schema.names))
    by_name = {name.lower(): name for name in names}
    blobs = [name for name in by_name if holds_files(by_name[name])]
    picture = next((name for name in PICTURES if name in blobs), "")
    mask = next((name for name in MASKS if name in blobs), "")
    if not (picture and mask):
        missing = " and no ".join(what for what, name in (("picture", picture), ("mask", mask)) if not name)
        raise DatasetError(
            f"{path} has no {missing} column; found {few(names) or 'nothing'}; expected files' bytes "
            f"in columns such as {PICTURES[0]} and {MASKS[0]}"
        )
    words = {name for name in by_name if is_word(by_name[name])}
    label = next((name for name in LABELS if name in words), "")
    source = next((name for name in SOURCES if name in words), "")
    picture, mask, label, source = (by_name.get(name, "") for name in (picture, mask, label, source))
    return Columns(picture, mask, label, source, _class_names(schema, label))


def _has_bytes(kind: pyarrow.DataType) -> bool:
    return bool(kind.get_field_index("bytes") >= 0)


def _class_names(schema: pyarrow.Schema, label: str) -> tuple[str, ...]:
    """The names of a label's numbers, as Hugging Face's metadata has them."""
    with suppress(ValueError, KeyError, TypeError, RecursionError):
        told = json.loads((schema.metadata or {})[b"huggingface"])
        names = told["info"]["features"][label]["names"]
        if isinstance(names, list) and all(isinstance(name, str) for name in names):
            return tuple(names)
    return ()


def _content(cell: object, where: str) -> tuple[bytes, str]:
    """A file's bytes, and the path that it had. DatasetError for a cell without."""
    told = ""
    if isinstance(cell, dict):
        told, cell = str(cell.get("path") or ""), cell.get("bytes")
    if not isinstance(cell, bytes) or not cell:
        hint = f"; it names {clean(told)}, whose bytes are not in the file" if told else ""
        raise DatasetError(f"{where} is empty{hint}")
    return cell, told


def _label(row: Mapping[str, Any], columns: Columns, where: str) -> str:
    if not columns.label:
        return ANYTHING
    found = row[columns.label]
    if isinstance(found, int) and not isinstance(found, bool):
        if not 0 <= found < len(columns.names):
            raise DatasetError(
                f"{where} has the label {found}, which the file has no name for; say prompt=WORDS, or write "
                "names instead of numbers"
            )
        found = columns.names[found]
    label = ids.label_of(str(found or ""))
    if not label:
        raise DatasetError(f"{where} has no label")
    return label
