"""Answers of any kind from a file: CSV, JSON Lines or Parquet with task, worker, label, and the time of each."""

import json
import math
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from pathlib import Path
from typing import Any

import numpy as np

from crowd_hitl.cli.answer_rows import parsed, read_rows
from crowd_hitl.domain.errors import BadInput, bad_field
from crowd_hitl.domain.ports import Floats, Ints

ANSWER_COLUMNS = ("task", "worker", "label")
TRUTH_COLUMNS = ("task", "label")


class Codes:
    """Numbers names in the order they are first met."""

    def __init__(self) -> None:
        self._codes: dict[str, int] = {}

    @property
    def names(self) -> list[str]:
        """List the names by their numbers."""
        return list(self._codes)

    def code(self, name: str) -> int:
        """Return the name's number."""
        return self._codes.setdefault(name, len(self._codes))


class Cells(Enum):
    """What a label is: a name; words, whatever they look like; a value in JSON, or a text if it is none; or a list in

    JSON or with | between its parts.
    """

    TEXT = "text"
    WORDS = "words"
    VALUES = "values"
    LISTS = "lists"


@dataclass(frozen=True)
class Voices:
    """A file's answers as codes, with the names that the codes stand for; `labels` in the order of their names.

    `when`: shape (n,), the time of each answer, `timed` if a column says it; else its row.
    """

    tasks: Ints
    workers: Ints
    labels: Ints
    task_names: Sequence[str]
    worker_names: Sequence[str]
    label_names: Sequence[str]
    when: Floats
    timed: bool = False

    @property
    def repeats(self) -> int:
        """Count the answers of a worker to a task that he had answered before."""
        voices = self.tasks.astype(np.int64) * max(len(self.worker_names), 1) + self.workers
        return len(voices) - len(np.unique(voices))


def read_voices(path: Path, *, time: str | None = None, cells: Cells = Cells.TEXT) -> Voices:
    """Read answers; BadInput for a missing column, an empty cell or file, Unusable for a file that is not readable.

    A label that is a value has its JSON as its name.
    """
    tasks, workers, labels = Codes(), Codes(), Codes()
    columns = (*ANSWER_COLUMNS, *(() if time is None else (time,)))
    # Numbers side by side, not a tuple each: a file of millions of answers fits.
    coded, times = array("i"), array("d")
    for number, row in read_rows(path, columns):
        text = label_text(row["label"], cells)
        coded.extend((tasks.code(plain_text(row["task"])), workers.code(plain_text(row["worker"])), labels.code(text)))
        times.append(float(number) if time is None else seconds_of(row[time], path, row=number, column=time))
    if not coded:
        raise BadInput(f"{path} has no answers: expected rows of task, worker, label.")
    names = sorted(labels.names)
    places = {name: place for place, name in enumerate(names)}
    in_order = np.array([places[name] for name in labels.names], dtype=np.int32)
    table = np.frombuffer(coded, dtype=np.int32).reshape(-1, 3)
    coded_labels = in_order[table[:, 2]]
    when = np.frombuffer(times, dtype=np.float64)
    return Voices(
        table[:, 0].copy(), table[:, 1].copy(), coded_labels, tasks.names, workers.names, names, when, time is not None
    )


def read_known(path: Path, *, cells: Cells = Cells.TEXT) -> dict[str, str]:
    """Return the true label of tasks by name; BadInput for a task with two."""
    known: dict[str, str] = {}
    for _, row in read_rows(path, TRUTH_COLUMNS):
        name, text = plain_text(row["task"]), label_text(row["label"], cells)
        if known.setdefault(name, text) != text:
            raise BadInput(f"{path} says both '{known[name]}' and '{text}' of task '{name}'. Leave one of them.")
    return known


def plain_text(value: Any) -> str:
    """Return a name as it is, anything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True, default=str)


def label_text(value: Any, cells: Cells) -> str:
    """Return a label's name: as it is, or the JSON of the value it is or holds."""
    if cells is Cells.TEXT:
        return plain_text(value)
    if cells is not Cells.WORDS:
        value = parsed(value)
    if isinstance(value, str) and cells is Cells.LISTS:
        # As spreadsheets have it.
        value = [part.strip() for part in value.split("|")]
    return json.dumps(value, ensure_ascii=False, sort_keys=True, default=str)


def seconds_of(value: Any, path: Path, *, row: int, column: str) -> float:
    """Return a moment as a number that grows with time: a number as it is, a date and time in ISO 8601."""
    try:
        found = float(value)
        if math.isfinite(found):
            return found
    except (TypeError, ValueError, OverflowError):
        pass  # no number: it may be a date
    try:
        moment = datetime.fromisoformat(str(value))
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError) as error:
        expected = "a number or a date and time like 2026-11-22T10:00:00"
        raise bad_field(f"{path}, row {row}, column {column}", expected=expected, found=str(value)) from error
