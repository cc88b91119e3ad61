"""Rows of a file, cell by cell, as CSV, JSON Lines or Parquet have them; every fault is named with row and column."""

import csv
import gzip
import json
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TextIO

import pyarrow as arrow
import pyarrow.parquet as parquet

from crowd_hitl.cli.frame import reason_of
from crowd_hitl.domain.errors import BadInput, FieldProblem, Unusable, bad_field

Row = tuple[Any, ...]


def read_rows(path: Path, columns: Sequence[str]) -> Iterator[Row]:
    """Yield these columns of every row; the file's suffix says its format, anything unknown is read as CSV."""
    suffixes = [suffix.lower() for suffix in path.suffixes]
    kind = suffixes[-2] if len(suffixes) > 1 and suffixes[-1] == ".gz" else (suffixes or [""])[-1]
    if kind in (".jsonl", ".ndjson"):
        return read_text(path, columns, from_lines)
    return read_parquet(path, columns) if kind in (".parquet", ".pq") else read_text(path, columns, from_csv)


def read_text(
    path: Path, columns: Sequence[str], rows: Callable[[TextIO, Path, Sequence[str]], Iterator[Row]]
) -> Iterator[Row]:
    """Yield the rows of a text in UTF-8, gzipped or not."""
    try:
        opened = gzip.open if path.suffix.lower() == ".gz" else open
        with opened(path, "rt", encoding="utf-8-sig", newline="") as stream:
            yield from rows(stream, path, columns)
    except UnicodeDecodeError as error:
        raise BadInput(f"{path} is not text in UTF-8: byte 0x{error.object[error.start]:02x} does not fit.") from error
    except (OSError, EOFError, zlib.error) as error:
        reason = reason_of(error) if isinstance(error, OSError) else "it is cut short"
        raise Unusable(f"{path} cannot be read: {reason}.") from error


def from_lines(stream: TextIO, path: Path, columns: Sequence[str]) -> Iterator[Row]:
    """Yield the columns of every line that is a JSON object."""
    for number, line in enumerate(stream, start=1):
        if line.strip():
            row = as_object(line, path, row=number)
            yield tuple(cell(row, name, path, number) for name in columns)


def from_csv(stream: TextIO, path: Path, columns: Sequence[str]) -> Iterator[Row]:
    """Yield the columns of every row below the header."""
    reader = csv.reader(stream, strict=True)
    number = 1
    try:
        header = [name.strip() for name in next(reader, [])]
        places = csv_places(header, path, columns)
        for number, cells in enumerate(reader, start=2):
            if cells:
                yield csv_cells(cells, header, places, f"{path}, row {number}")
    except csv.Error as error:
        found = f"{path}, row {number + 1}"
        raise bad_field(found, expected="comma-separated cells, quotes closed", found=str(error)) from error


def csv_places(header: Sequence[str], path: Path, columns: Sequence[str]) -> list[int]:
    """Return where the columns stand; BadInput for an empty file, and for one that is not there once."""
    if not any(header):
        raise BadInput(f"{path} is empty: expected a header with the columns {','.join(columns)}.")
    for name in columns:
        if header.count(name) != 1:
            raise missing(path, name, header, row=1)
    return [header.index(name) for name in columns]


def csv_cells(cells: Sequence[str], header: Sequence[str], places: Sequence[int], where: str) -> Row:
    """Return a row's cells at these places; BadInput for a row of another length or an empty cell."""
    if len(cells) != len(header):
        raise bad_field(where, expected=f"{len(header)} cells", found=f"{len(cells)} cells")
    for place in places:
        if not cells[place].strip():
            raise bad_field(f"{where}, column {header[place]}", expected="a value", found="an empty cell")
    return tuple(cells[place] for place in places)


def read_parquet(path: Path, columns: Sequence[str]) -> Iterator[Row]:
    """Yield the columns of every row, some thousands at a time."""
    try:
        with parquet.ParquetFile(path) as file:
            names = file.schema_arrow.names
            for name in columns:
                if name not in names:
                    raise missing(path, name, names, row=1)
            number = 0
            for batch in file.iter_batches(columns=list(columns), batch_size=10_000):
                for row in batch.to_pylist():
                    number += 1
                    yield tuple(cell(row, name, path, number) for name in columns)
    except OSError as error:
        raise Unusable(f"{path} cannot be read: {reason_of(error)}.") from error
    except arrow.ArrowException as error:
        raise BadInput(f"{path} is no Parquet file that can be read: {str(error)[:200]}") from error


def as_object(line: str, path: Path, *, row: int) -> dict[str, Any]:
    """Return a line's JSON object; BadInput, naming the row, if it is none."""
    try:
        found = json.loads(line)
    except (json.JSONDecodeError, RecursionError) as error:
        raise bad_field(f"{path}, row {row}", expected="one JSON object a line", found=line.strip()) from error
    if not isinstance(found, dict):
        raise bad_field(f"{path}, row {row}", expected="a JSON object", found=line.strip())
    return found


def cell(row: dict[str, Any], name: str, path: Path, number: int) -> Any:
    """Return a row's value; BadInput, naming row and column, if it is missing or empty."""
    if name not in row:
        raise missing(path, name, list(row), row=number)
    if row[name] is None or (isinstance(row[name], str) and not row[name].strip()):
        raise bad_field(f"{path}, row {number}, column {name}", expected="a value", found="nothing")
    return row[name]


def missing(path: Path, name: str, names: Sequence[str], *, row: int) -> BadInput:
    """Build the error for a column that is not there."""
    there = ",".join(map(str, names))[:80]
    problem = FieldProblem(field=name, expected=f"one column '{name}'", found=there, row=row)
    return BadInput(f"{path}, row {row}: expected one column '{name}', found {there}.", problems=[problem])
