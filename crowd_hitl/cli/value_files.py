"""Files of open answers: `task, worker, value` in CSV, JSON Lines or Parquet, the values as JSON (texts as they are).

The column of values may be called `label` too, as crowd-kit has it. Every fault is named with its row and column.
"""

import csv
import gzip
import json
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, BinaryIO, TextIO, cast

from crowd_hitl.cli.frame import reason_of
from crowd_hitl.domain.errors import BadInput, Unusable, bad_field
from crowd_hitl.domain.items import Content

TASK_COLUMNS = ("task", "key", "id")
VALUE_COLUMNS = ("value", "label")
LONGEST_CELL = 100_000_000
SUFFIXES = (".csv", ".jsonl", ".ndjson", ".parquet", ".pq")
# Kinds whose values are texts: a cell is the text itself, even if it looks like JSON.
TEXTS = frozenset({"text", "transcription"})


@dataclass(frozen=True)
class RawAnswer:
    """One row: its place in the file, who answered what, and the value as it was read."""

    row: int
    task: str
    worker: str
    value: Any


def read_open_answers(path: Path, *, kind: str) -> Iterator[RawAnswer]:
    """Yield the answers; BadInput for a missing column or an empty cell, Unusable for a file that cannot be read."""
    for row, cells in read_rows(path):
        task, worker = (text_of(cells, name, path=path, row=row) for name in (column(cells, TASK_COLUMNS), "worker"))
        yield RawAnswer(row, task, worker, value_of(cells, path=path, row=row, kind=kind))


def read_known(path: Path, *, kind: str) -> Iterator[tuple[int, str, Any]]:
    """Yield (row, task, value) of a file of true values."""
    for row, cells in read_rows(path):
        task = text_of(cells, column(cells, TASK_COLUMNS), path=path, row=row)
        yield row, task, value_of(cells, path=path, row=row, kind=kind)


def read_contents(path: Path) -> dict[str, Content]:
    """Return what each task shows: its text, and all other columns as data."""
    found: dict[str, Content] = {}
    for row, cells in read_rows(path):
        name = column(cells, TASK_COLUMNS)
        task = text_of(cells, name, path=path, row=row)
        text = cells.get("text")
        data = {key: parsed(value) for key, value in cells.items() if key not in (name, "text")}
        found[task] = Content(key=task, text=text if isinstance(text, str) else None, data=data)
    return found


def read_rows(path: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Yield every row with its number, by the file's suffix; .gz too."""
    plain = path.with_suffix("") if path.suffix.lower() == ".gz" else path
    suffix = plain.suffix.lower()
    if suffix not in SUFFIXES:
        raise bad_field("file", expected="a name that ends in " + ", ".join(SUFFIXES), found=str(path))
    with readable(path):
        if suffix in (".parquet", ".pq"):
            yield from _parquet(path)
            return
        opened = gzip.open if path.suffix.lower() == ".gz" else open
        with opened(path, "rt", encoding="utf-8-sig", newline="") as stream:
            yield from (_csv if suffix == ".csv" else _lines)(cast(TextIO, stream), path)


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """Say in one line why a file cannot be read."""
    try:
        yield
    except UnicodeDecodeError as error:
        raise BadInput(f"{path} is not text in UTF-8: byte 0x{error.object[error.start]:02x} does not fit.") from error
    except (OSError, EOFError, zlib.error) as error:
        reason = reason_of(error) if isinstance(error, OSError) else "it is cut short"
        raise Unusable(f"{path} cannot be read: {reason}.") from error


def column(cells: Mapping[str, Any], names: Sequence[str]) -> str:
    """Return the first of these columns that the row has, or the first name where it has none."""
    return next((name for name in names if name in cells), names[0])


def text_of(cells: Mapping[str, Any], name: str, *, path: Path, row: int) -> str:
    """Return a cell that is not empty, as text; whole numbers too."""
    value = cells.get(name)
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if isinstance(value, str) and value.strip():
        return value
    if name not in cells:
        listed = ", ".join(map(str, cells))[:80]
        raise bad_field(f"{path}, row {row}", expected=f"a column '{name}'", found=f"the columns {listed}")
    raise bad_field(f"{path}, row {row}, column {name}", expected="a value", found=value if value else "nothing")


def value_of(cells: Mapping[str, Any], *, path: Path, row: int, kind: str) -> Any:
    """Return the value of a row: a cell of text is read as JSON, unless texts are what was asked for."""
    name = column(cells, VALUE_COLUMNS)
    if name not in cells:
        listed = ", ".join(map(str, cells))[:80]
        raise bad_field(f"{path}, row {row}", expected="a column 'value' (or 'label')", found=f"the columns {listed}")
    value = cells[name]
    return value if kind in TEXTS else parsed(value)


def parsed(value: Any) -> Any:
    """Return what a text says as JSON; the text itself where it is none."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return value


def _csv(stream: TextIO, path: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    # A mask, or a text with hundreds of spans, is longer than the module expects of a cell.
    csv.field_size_limit(LONGEST_CELL)
    reader = csv.reader(stream, strict=True)
    row = 1
    try:
        header = [name.strip() for name in next(reader, [])]
        if not any(header):
            raise BadInput(f"{path} is empty: expected a header with the columns task,worker,value.")
        for row, cells in enumerate(reader, start=2):
            if not cells:
                continue
            if len(cells) != len(header):
                found = f"{len(cells)} cells"
                raise bad_field(f"{path}, row {row}", expected=f"{len(header)} cells", found=found)
            yield row, dict(zip(header, cells, strict=True))
    except csv.Error as error:
        expected = "comma-separated cells, quotes closed"
        raise bad_field(f"{path}, row {row + 1}", expected=expected, found=str(error)) from error


def _lines(stream: TextIO, path: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    for row, line in enumerate(stream, start=1):
        if not line.strip():
            continue
        found = parsed(line)
        if not isinstance(found, dict):
            raise bad_field(f"{path}, row {row}", expected="an object in JSON", found=line.strip())
        yield row, found


def _parquet(path: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    # A third of a second to import: only those who read Parquet wait for it.
    arrow = import_module("pyarrow")
    row = 0
    try:
        with path.open("rb") as stream:
            source = import_module("pyarrow.parquet").ParquetFile(cast(BinaryIO, stream))
            for batch in source.iter_batches(batch_size=1024):
                for cells in batch.to_pylist():
                    row += 1
                    yield row, cells
    except arrow.ArrowException as error:
        why = " ".join(str(error).split())[:80]
        raise bad_field(f"{path}, row {row + 1}", expected="a whole Parquet file", found=why) from error
