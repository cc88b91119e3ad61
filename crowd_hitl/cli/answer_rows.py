"""The one reader of rows, for files of answers of any kind: CSV, JSON Lines and Parquet; .gz too.

Able to say of every fault in which row and column it is, and slower than cli/coded_columns.
"""

import csv
import gzip
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn, TextIO

from crowd_hitl.cli.files import readable
from crowd_hitl.domain.errors import BadInput, FieldProblem, Unusable, bad_field

Row = Mapping[str, Any]
Rows = Iterator[tuple[int, Row]]

JSON_LINES, PARQUET = (".jsonl", ".ndjson"), (".parquet", ".pq")
# A mask, or a text with hundreds of spans, is longer than the csv module expects of a cell.
LONGEST_CELL = 100_000_000
ROWS_AT_ONCE = 1024


def suffix_of(path: Path) -> str:
    """Return the suffix that says what a file is: the one before .gz, in small letters."""
    return (path.with_suffix("") if path.suffix.lower() == ".gz" else path).suffix.lower()


def read_rows(path: Path, columns: Sequence[str] = ()) -> Rows:
    """Yield every row with its number; only these columns, if any are named, and none of them empty.

    The suffix says whether it is JSON Lines or Parquet; all else is read as CSV. BadInput for an empty file, a column
    that is missing or there twice, and a cell that is empty; Unusable for a file that cannot be read.
    """
    suffix = suffix_of(path)
    read = _parquet_rows if suffix in PARQUET else _json_rows if suffix in JSON_LINES else _csv_rows
    for number, row in read(path, columns):
        for name in columns:
            cell_of(row, name, path, number)
        yield number, row


def csv_header(path: Path, columns: Sequence[str]) -> list[str]:
    """Return a CSV file's header; BadInput for a column that is missing or there twice."""
    with _opened(path) as stream:
        return _header(csv.reader(stream, strict=True), path, columns)


def cell_of(row: Row, name: str, path: Path, number: int) -> Any:
    """Return a row's value; BadInput, naming row and column, if it is missing or empty."""
    value = row.get(name)
    # What is not itself is NaN: so pandas writes a cell without a value.
    if value is None or value != value or (isinstance(value, str) and not value.strip()):
        if name not in row:
            raise missing((name,), row, path, row=number)
        raise bad_field(f"{path}, row {number}, column {name}", expected="a value", found="nothing")
    return value


def text_of(row: Row, name: str, path: Path, number: int) -> str:
    """Return a row's value as text: whole numbers, true and false too; BadInput for any other value."""
    value = cell_of(row, name, path, number)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | str):
        return str(value)
    expected = "text, a whole number, true or false"
    raise bad_field(f"{path}, row {number}, column {name}", expected=expected, found=str(value))


def missing(names: Sequence[str], found: Sequence[str] | Row, path: Path, *, row: int) -> BadInput:
    """Build the error for a column, of any of these names, that is not there."""
    expected, there = "a column " + " or ".join(f"'{name}'" for name in names), ",".join(map(str, found))[:80]
    problem = FieldProblem(field=names[0], expected=expected, found=there, row=row)
    return BadInput(f"{path}, row {row}: expected {expected}, found {there or 'nothing'}.", problems=[problem])


def parsed(value: Any) -> Any:
    """Return what a text says as JSON; the text itself where it is none."""
    if not isinstance(value, str):
        return value
    try:
        return from_json(value)
    except ValueError:
        return value


def from_json(text: str) -> Any:
    """Return what JSON says; ValueError for what is none, NaN and half a letter included: they cannot be written."""
    try:
        found = DECODER.decode(text)
        if "\\u" in text:
            json.dumps(found, ensure_ascii=False).encode()
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    return found


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


DECODER = json.JSONDecoder(parse_constant=_no_constant)


@contextmanager
def _opened(path: Path) -> Iterator[TextIO]:
    with readable(path):
        opened = gzip.open if path.suffix.lower() == ".gz" else open
        with opened(path, "rt", encoding="utf-8-sig", newline="") as stream:
            yield stream


@contextmanager
def _long_cells() -> Iterator[None]:
    """Let the csv module take longer cells for as long as this file is read: its limit is the whole process's."""
    usual = csv.field_size_limit(LONGEST_CELL)
    try:
        yield
    finally:
        csv.field_size_limit(usual)


def _csv_rows(path: Path, columns: Sequence[str]) -> Rows:
    with _long_cells(), _opened(path) as stream:
        reader = csv.reader(stream, strict=True)
        header = _header(reader, path, columns)
        places = [(name, header.index(name)) for name in columns or header]
        row = 1
        try:
            for row, cells in enumerate(reader, start=2):
                if len(cells) == len(header):
                    yield row, {name: cells[place] for name, place in places}
                elif cells:
                    found = f"{len(cells)} cells"
                    raise bad_field(f"{path}, row {row}", expected=f"{len(header)} cells", found=found)
        except csv.Error as error:
            raise _not_csv(path, row + 1, error) from error


def _header(reader: Any, path: Path, columns: Sequence[str]) -> list[str]:
    try:
        header = [name.strip() for name in next(reader, [])]
    except csv.Error as error:
        raise _not_csv(path, 1, error) from error
    if not any(header):
        raise BadInput(f"{path} is empty: expected a header with the columns {','.join(columns) or 'of its rows'}.")
    _check_names(header, columns, path)
    return header


def _not_csv(path: Path, row: int, error: csv.Error) -> BadInput:
    return bad_field(f"{path}, row {row}", expected="comma-separated cells, quotes closed", found=str(error))


def _check_names(header: Sequence[str], columns: Sequence[str], path: Path) -> None:
    for name in columns or filter(None, header):
        if name not in header:
            raise missing((name,), header, path, row=1)
        if header.count(name) > 1:
            raise bad_field(f"{path}, row 1", expected=f"one column '{name}'", found=",".join(header))


def _json_rows(path: Path, columns: Sequence[str]) -> Rows:
    row = None
    with _opened(path) as stream:
        for number, line in enumerate(stream, start=1):
            if not line.strip():
                continue
            try:
                row = from_json(line)
            except ValueError as error:
                expected = "one JSON object a line"
                raise bad_field(f"{path}, row {number}", expected=expected, found=line.strip()) from error
            if not isinstance(row, dict):
                raise bad_field(f"{path}, row {number}", expected="a JSON object", found=line.strip())
            yield number, row
    if row is None:
        raise BadInput(f'{path} is empty: expected lines such as {{"task": "1", "worker": "a", "label": "x"}}.')


def _parquet_rows(path: Path, columns: Sequence[str]) -> Rows:
    # A third of a second to import: only those who read Parquet wait for it.
    arrow = import_module("pyarrow")
    first = 1
    with readable(path), path.open("rb") as stream:
        try:
            file = import_module("pyarrow.parquet").ParquetFile(stream)
            _check_names(file.schema_arrow.names, columns, path)
            for batch in file.iter_batches(batch_size=ROWS_AT_ONCE, columns=list(columns) or None):
                rows = _whole(arrow, batch).to_pylist()
                yield from enumerate(rows, start=first)
                first += len(rows)
        except UnicodeDecodeError:
            raise
        except (arrow.ArrowException, OSError, ValueError, OverflowError) as error:
            why = " ".join(str(error).split())[:80]
            raise Unusable(f"{path} cannot be read: it is not a whole Parquet file ({why}).") from error


def _whole(arrow: Any, batch: Any) -> Any:
    """Leave the nanoseconds out of times: pyarrow makes no Python times of them."""
    times = [place for place, field in enumerate(batch.schema) if arrow.types.is_timestamp(field.type)]
    schema = batch.schema
    for place in times:
        schema = schema.set(place, schema.field(place).with_type(arrow.timestamp("us", schema.field(place).type.tz)))
    return batch.cast(schema, safe=False) if times else batch
