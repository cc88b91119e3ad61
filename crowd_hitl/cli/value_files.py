"""Files of open answers: `task, worker, value` in CSV, JSON Lines or Parquet, the values as JSON (texts as they are).

The column of values may be called `label` too, as crowd-kit has it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from crowd_hitl.cli.answer_rows import Row, missing, parsed, read_rows, text_of
from crowd_hitl.domain.items import Content

TASK_COLUMNS = ("task", "key", "id")
VALUE_COLUMNS = ("value", "label")
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
    for number, row in read_rows(path):
        task = text_of(row, column(row, TASK_COLUMNS, path, number), path, number)
        worker = text_of(row, "worker", path, number)
        yield RawAnswer(number, task, worker, value_of(row, path, number, kind=kind))


def read_known(path: Path, *, kind: str) -> Iterator[tuple[int, str, Any]]:
    """Yield (row, task, value) of a file of true values."""
    for number, row in read_rows(path):
        task = text_of(row, column(row, TASK_COLUMNS, path, number), path, number)
        yield number, task, value_of(row, path, number, kind=kind)


def read_contents(path: Path) -> dict[str, Content]:
    """Return what each task shows: its text, and all other columns as data."""
    found: dict[str, Content] = {}
    for number, row in read_rows(path):
        name = column(row, TASK_COLUMNS, path, number)
        task, text = text_of(row, name, path, number), row.get("text")
        data = {key: parsed(value) for key, value in row.items() if key not in (name, "text")}
        found[task] = Content(key=task, text=text if isinstance(text, str) else None, data=data)
    return found


def column(row: Row, names: Sequence[str], path: Path, number: int) -> str:
    """Return the first of these columns that the row has; BadInput for a row that has none."""
    found = next((name for name in names if name in row), None)
    if found is None:
        raise missing(names, row, path, row=number)
    return found


def value_of(row: Row, path: Path, number: int, *, kind: str) -> Any:
    """Return the value of a row: a cell of text is read as JSON, unless texts are what was asked for."""
    value = row[column(row, VALUE_COLUMNS, path, number)]
    return value if kind in TEXTS else parsed(value)
