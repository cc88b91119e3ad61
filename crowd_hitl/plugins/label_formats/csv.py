"""Labels as CSV with a header, safe to open in a spreadsheet."""

import csv
import json
from collections.abc import Iterable, Iterator, Mapping
from io import StringIO
from typing import Any

from crowd_hitl.domain.errors import BadInput
from crowd_hitl.domain.formulas import defuse


class CsvLabels:
    """Writes rows as CSV; the first row's keys are the header.

    A text cell that starts with `=`, `+`, `-`, `@`, tab or CR gets an apostrophe in front, so that no spreadsheet runs
    it (numbers stay as they are). crowd_hitl's own CSV reader takes that one apostrophe off again: what is exported
    can be imported unchanged. Other programs that join on such keys take it off themselves, or read JSONL.
    """

    name = "csv"
    suffix = ".csv"

    def write(self, rows: Iterable[Mapping[str, Any]]) -> Iterator[str]:
        """Yield the header and one line a row; BadInput when a later row has other columns than the first."""
        columns: list[str] | None = None
        for row in rows:
            if columns is None:
                columns = list(row)
                yield _line(columns)
            if row.keys() != set(columns):
                other = ", ".join(sorted(row.keys() ^ set(columns)))
                raise BadInput(f"The rows do not all have the same columns ({other}). Export them as JSONL instead.")
            yield _line([row[column] for column in columns])


def _line(cells: Iterable[object]) -> str:
    out = StringIO()
    csv.writer(out, lineterminator="\n").writerow([_cell(cell) for cell in cells])
    return out.getvalue()


def _cell(value: object) -> object:
    if value is None:
        return ""
    if isinstance(value, str):
        return defuse(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (list, dict)):
        return json.dumps(value, ensure_ascii=False)
    return value


plugin = CsvLabels()
