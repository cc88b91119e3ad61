"""Rows as CSV that a spreadsheet may open: no cell is run as a formula, and what was written can be read back."""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from crowd_hitl.domain.errors import BadInput
from crowd_hitl.domain.formulas import defuse, restore

NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")


def csv_lines(rows: Iterable[Mapping[str, object]], *, columns: Sequence[str]) -> Iterator[str]:
    """Write a header and one line for each row; a missing value is an empty cell."""
    yield _line(columns)
    for row in rows:
        yield _line([_cell(row.get(column)) for column in columns])


def read_csv(lines: Iterable[str], *, needed: Sequence[str]) -> Iterator[dict[str, str]]:
    """Read rows by their header's names; refuses a file without the columns that are needed."""
    reader = csv.DictReader(lines, restkey="", restval="")
    try:
        found = [name.strip().lstrip("\ufeff") for name in reader.fieldnames or ()]
        missing = [name for name in needed if name not in found]
        if missing:
            raise BadInput(f"The file needs a header with {', '.join(needed)}; {', '.join(missing)} is not there.")
        reader.fieldnames = found
        for row in reader:
            yield {name: restore(value.strip()) for name, value in row.items() if name and isinstance(value, str)}
    except csv.Error as error:
        raise BadInput(f"The file cannot be read as CSV: {error}.") from error


def _cell(value: object) -> str:
    if value is None:
        return ""
    # A number is no formula, also when it is negative.
    return str(value) if NUMBER.fullmatch(str(value)) else defuse(str(value))


def _line(cells: Sequence[str]) -> str:
    written = io.StringIO()
    csv.writer(written, lineterminator="\n").writerow(cells)
    return written.getvalue()
