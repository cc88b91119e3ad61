"""Reads files of answers row by row: slow, and able to say of every fault in which row and column it is."""

import csv
import gzip
import json
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

from crowd_hitl.cli.frame import reason_of
from crowd_hitl.domain.errors import BadInput, FieldProblem, Unusable, bad_field

Rows = Iterator[tuple[str, ...]]


def csv_header(path: Path, columns: Sequence[str]) -> tuple[list[str], list[int]]:
    """Return a CSV file's header and where the columns are; BadInput for one that is missing or there twice."""
    with _opened(path) as stream:
        return _header(csv.reader(stream, strict=True), path, columns)


def read_csv_rows(path: Path, columns: Sequence[str]) -> Rows:
    """Yield these columns of every row of a CSV file, in the file's order."""
    with _opened(path) as stream:
        reader = csv.reader(stream, strict=True)
        header, places = _header(reader, path, columns)
        row = 1
        try:
            for row, cells in enumerate(reader, start=2):
                if cells:
                    yield _cells(cells, path, row=row, header=header, places=places)
        except csv.Error as error:
            raise _not_csv(path, row + 1, error) from error


def json_lines_start(path: Path, columns: Sequence[str]) -> str:
    """Return the first object of a file of JSON Lines; BadInput when there is none, or it lacks a column."""
    with _opened(path) as stream:
        for row, line in enumerate(stream, start=1):
            if line.strip():
                _object(line, path, row=row, columns=columns)
                return line
    raise BadInput(f'{path} is empty: expected lines such as {{"task": "1", "worker": "a", "label": "x"}}.')


def read_json_rows(path: Path, columns: Sequence[str]) -> Rows:
    """Yield these columns of every object in a file of JSON Lines; whole numbers, true and false become text."""
    with _opened(path) as stream:
        for row, line in enumerate(stream, start=1):
            if line.strip():
                yield _object(line, path, row=row, columns=columns)


@contextmanager
def _opened(path: Path) -> Iterator[TextIO]:
    try:
        opened = gzip.open if path.suffix.lower() == ".gz" else open
        with opened(path, "rt", encoding="utf-8-sig", newline="") as stream:
            yield stream
    except UnicodeDecodeError as error:
        raise BadInput(f"{path} is not text in UTF-8: byte 0x{error.object[error.start]:02x} does not fit.") from error
    except (OSError, EOFError, zlib.error) as error:
        reason = reason_of(error) if isinstance(error, OSError) else "it is cut short"
        raise Unusable(f"{path} cannot be read: {reason}.") from error


def _header(reader: Any, path: Path, columns: Sequence[str]) -> tuple[list[str], list[int]]:
    try:
        header = [name.strip() for name in next(reader, [])]
    except csv.Error as error:
        raise _not_csv(path, 1, error) from error
    if not any(header):
        raise BadInput(f"{path} is empty: expected a header with the columns {','.join(columns)}.")
    for name in columns:
        if header.count(name) != 1:
            what = "once" if name in header else f"in the header {','.join(header)[:80]}"
            problem = FieldProblem(field=name, expected=f"a column '{name}' {what}", found=",".join(header)[:80], row=1)
            raise BadInput(f"{path}: expected a column '{name}' {what}.", problems=[problem])
    return header, [header.index(name) for name in columns]


def _not_csv(path: Path, row: int, error: csv.Error) -> BadInput:
    return bad_field(f"{path}, row {row}", expected="comma-separated cells, quotes closed", found=str(error))


def _cells(
    cells: Sequence[str], path: Path, *, row: int, header: Sequence[str], places: Sequence[int]
) -> tuple[str, ...]:
    if len(cells) != len(header):
        raise bad_field(f"{path}, row {row}", expected=f"{len(header)} cells", found=f"{len(cells)} cells")
    for place in places:
        if not cells[place].strip():
            raise bad_field(f"{path}, row {row}, column {header[place]}", expected="a value", found="an empty cell")
    return tuple(cells[place] for place in places)


def _object(line: str, path: Path, *, row: int, columns: Sequence[str]) -> tuple[str, ...]:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise bad_field(f"{path}, row {row}", expected="one JSON object a line", found=line.strip()[:60]) from error
    if not isinstance(found, dict):
        raise bad_field(f"{path}, row {row}", expected="a JSON object", found=line.strip()[:60])
    return tuple(_text(found.get(name), f"{path}, row {row}, column {name}") for name in columns)


def _text(value: Any, place: str) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | str) and str(value).strip():
        return str(value)
    raise bad_field(place, expected="text, a whole number, true or false", found=json.dumps(value)[:60])
