"""Items as Parquet: columns `key` (or `id`), `text`, `image`, `gold`; read a few hundred rows at a time."""

from collections.abc import Iterator, Mapping
from datetime import date, datetime, time
from decimal import Decimal
from importlib import import_module
from io import UnsupportedOperation
from shutil import copyfileobj
from tempfile import SpooledTemporaryFile
from typing import Any, BinaryIO, cast

from crowd_hitl.domain.errors import FieldProblem
from crowd_hitl.domain.items import ItemRecord
from crowd_hitl.plugins.formats.records import GOLD_PREFIX, KEY_COLUMNS, Wrong, shown, to_record

BATCH_ROWS = 256
IN_MEMORY_BYTES = 8_000_000
KNOWN = (*KEY_COLUMNS, "text", "image", "gold")


class Parquet:
    """Reads items from Parquet; all columns that are not ours become the item's data, dates as ISO text.

    Rows are counted from 1. A stream that cannot be sought, such as a request's, is first written to a temporary file:
    Parquet says only at its end what is in it.
    """

    name = "parquet"
    suffixes = (".parquet", ".pq")

    def read(self, stream: BinaryIO) -> Iterator[ItemRecord | FieldProblem]:
        """Yield an item or a problem for every row; one problem and no more where the file is broken."""
        with SpooledTemporaryFile(max_size=IN_MEMORY_BYTES) as copy:
            yield from _rows(_seekable(stream, cast(BinaryIO, copy)))


plugin = Parquet()


def _seekable(stream: BinaryIO, copy: BinaryIO) -> BinaryIO:
    try:
        if stream.seekable():
            return stream
    except UnsupportedOperation:
        pass  # it cannot say, so it cannot do it
    copyfileobj(stream, copy)
    copy.seek(0)
    return copy


def _rows(stream: BinaryIO) -> Iterator[ItemRecord | FieldProblem]:
    # pyarrow takes a third of a second to import: only those who use it wait for it.
    faults = (import_module("pyarrow").ArrowException, OSError, UnicodeDecodeError)
    row = 0
    try:
        source = import_module("pyarrow.parquet").ParquetFile(stream)
        names = _header(source.schema_arrow.names)
        for batch in source.iter_batches(batch_size=BATCH_ROWS):
            columns = [_cells(column) for column in batch.columns]
            for place in range(batch.num_rows):
                row += 1
                yield _to_item({name: cells[place] for name, cells in zip(names, columns, strict=True)}, row=row)
    except Wrong as wrong:
        yield wrong.problem(1)
    except faults as error:
        found = shown(" ".join(str(error).split()))
        yield FieldProblem(field="file", expected="a whole Parquet file", found=found, row=row + 1)


def _header(names: list[str]) -> list[str]:
    """Return the columns' names, ours in small letters; Wrong if the file cannot be read with them."""
    found = [name.lower() if name.lower() in KNOWN else name for name in names]
    listed = shown(", ".join(found))
    twice = [name for name in found if found.count(name) > 1]
    if twice:
        raise Wrong(shown(twice[0])[1:-1], "every column's name once", f"it {found.count(twice[0])} times")
    if not set(KEY_COLUMNS) & set(found):
        raise Wrong("key", "a column key (or id)", f"the columns {listed}")
    if not {"text", "image"} & set(found):
        raise Wrong("text", "a column text or a column image", f"the columns {listed}")
    return found


def _cells(column: Any) -> list[Any]:
    """Return a column's cells; one that is not UTF-8 is given as what is wrong with it."""
    try:
        return cast(list[Any], column.to_pylist())
    except (UnicodeDecodeError, ValueError):
        return [_cell(one) for one in column]


def _cell(one: Any) -> object:
    try:
        return cast(object, one.as_py())
    except (UnicodeDecodeError, ValueError) as error:
        return Wrong("", "a text in UTF-8, or a value of this age", shown(str(error)))


def _to_item(columns: Mapping[str, object], *, row: int) -> ItemRecord | FieldProblem:
    try:
        plain = {name: _plain(name, value) for name, value in columns.items()}
    except Wrong as wrong:
        return wrong.problem(row)
    # A column that most rows leave empty is not data of those rows.
    kept = {k: v for k, v in plain.items() if v is not None or k in KNOWN or k.startswith(GOLD_PREFIX)}
    return to_record(kept, row=row)


def _plain(column: str, value: object) -> object:
    """Return a value as JSON has it; Wrong for bytes and what else JSON does not know."""
    if value is None or isinstance(value, str | int | float):
        return value
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, list | tuple):
        return [_plain(column, part) for part in value]
    if isinstance(value, dict):
        return {str(name): _plain(column, part) for name, part in value.items()}
    name = shown(column)[1:-1]
    if isinstance(value, Wrong):
        raise Wrong(name, value.expected, value.found)
    raise Wrong(name, "text, a number, a date, or lists of them", type(value).__name__)
