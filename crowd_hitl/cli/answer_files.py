"""Files of answers in crowd-kit's convention (`task,worker,label`) and of truth (`task,label`), plain or gzipped.

Ids and labels stay the strings that the file has. Every fault is named with its row and column.
"""

import csv
import gzip
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TextIO

import numpy as np
from numpy.typing import NDArray

from crowd_hitl.cli.frame import reason_of
from crowd_hitl.domain.errors import BadInput, FieldProblem, Unusable, bad_field
from crowd_hitl.domain.ports import AnswerTable, Ints

ANSWER_COLUMNS = ("task", "worker", "label")
TRUTH_COLUMNS = ("task", "label")
UNKNOWN, NEVER_GIVEN = -1, -2


@dataclass(frozen=True)
class AnswerFile:
    """A file's answers as codes, with the names the codes stand for: tasks and workers in the file's order.

    Labels are coded in the order of their names.
    """

    table: AnswerTable
    tasks: Sequence[str]
    workers: Sequence[str]
    labels: Sequence[str]

    @property
    def repeats(self) -> int:
        """Count the answers of a worker to a task that he had answered before."""
        return len(self.table.tasks) - len(first_voices(self.table))

    def with_one_voice(self) -> "AnswerFile":
        """Keep only each worker's first answer to a task, as live work takes no second one."""
        kept = first_voices(self.table)
        table = self.table
        fewer = replace(table, tasks=table.tasks[kept], workers=table.workers[kept], labels=table.labels[kept])
        return replace(self, table=fewer)


def read_answers(path: Path) -> AnswerFile:
    """Read a file of answers; BadInput for a missing column, an empty cell or file, Unusable for one not readable."""
    tasks, workers, labels = Codes(), Codes(), Codes()
    coded: list[tuple[int, int, int]] = [
        (tasks.code(task), workers.code(worker), labels.code(label))
        for task, worker, label in read_columns(path, ANSWER_COLUMNS)
    ]
    if not coded:
        raise BadInput(f"{path} has no answers: expected rows of task,worker,label below the header.")
    names = sorted(labels.names)
    places = {name: place for place, name in enumerate(names)}
    in_order = np.array([places[name] for name in labels.names], dtype=np.int32)
    columns = np.array(coded, dtype=np.int32)
    table = AnswerTable(
        tasks=columns[:, 0].copy(),
        workers=columns[:, 1].copy(),
        labels=in_order[columns[:, 2]],
        n_tasks=len(tasks.names),
        n_workers=len(workers.names),
        n_labels=len(names),
    )
    return AnswerFile(table=table, tasks=tasks.names, workers=workers.names, labels=names)


def read_truth(path: Path, answers: AnswerFile) -> Ints:
    """Return the true label of every task, −1 where unknown, −2 where it is a label that nobody gave."""
    known: dict[str, str] = {}
    for task, label in read_columns(path, TRUTH_COLUMNS):
        if known.setdefault(task, label) != label:
            raise BadInput(f"{path} says both '{known[task]}' and '{label}' of task '{task}'. Leave one of them.")
    codes: Mapping[str, int] = {name: code for code, name in enumerate(answers.labels)}
    truth = [codes.get(known[task], NEVER_GIVEN) if task in known else UNKNOWN for task in answers.tasks]
    return np.array(truth, dtype=np.int32)


def read_columns(path: Path, columns: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """Yield these columns of every row, in the file's order."""
    try:
        opened = gzip.open if path.suffix.lower() == ".gz" else open
        with opened(path, "rt", encoding="utf-8-sig", newline="") as stream:
            yield from _rows(stream, path, columns)
    except UnicodeDecodeError as error:
        raise BadInput(f"{path} is not text in UTF-8: byte 0x{error.object[error.start]:02x} does not fit.") from error
    except (OSError, EOFError, zlib.error) as error:
        reason = reason_of(error) if isinstance(error, OSError) else "it is cut short"
        raise Unusable(f"{path} cannot be read: {reason}.") from error


def first_voices(table: AnswerTable) -> NDArray[np.int64]:
    """Return the places of each worker's first answer to each task, in the file's order."""
    voices = table.tasks.astype(np.int64) * table.n_workers + table.workers
    _, first = np.unique(voices, return_index=True)
    return np.sort(first).astype(np.int64)


class Codes:
    """Numbers names in the order they are first met."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self._codes: dict[str, int] = {}

    def code(self, name: str) -> int:
        """Return the name's number."""
        found = self._codes.setdefault(name, len(self.names))
        if found == len(self.names):
            self.names.append(name)
        return found


def _rows(stream: TextIO, path: Path, columns: Sequence[str]) -> Iterator[tuple[str, ...]]:
    reader = csv.reader(stream, strict=True)
    row = 1
    try:
        header = [name.strip() for name in next(reader, [])]
        places = _places(header, path, columns)
        for row, cells in enumerate(reader, start=2):
            if cells:
                yield _cells(cells, path, row=row, header=header, places=places)
    except csv.Error as error:
        found = f"{path}, row {row + 1}"
        raise bad_field(found, expected="comma-separated cells, quotes closed", found=str(error)) from error


def _places(header: Sequence[str], path: Path, columns: Sequence[str]) -> list[int]:
    if not any(header):
        raise BadInput(f"{path} is empty: expected a header with the columns {','.join(columns)}.")
    for name in columns:
        if header.count(name) != 1:
            what = "once" if name in header else f"in the header {','.join(header)[:80]}"
            problem = FieldProblem(field=name, expected=f"a column '{name}' {what}", found=",".join(header)[:80], row=1)
            raise BadInput(f"{path}: expected a column '{name}' {what}.", problems=[problem])
    return [header.index(name) for name in columns]


def _cells(
    cells: Sequence[str], path: Path, *, row: int, header: Sequence[str], places: Sequence[int]
) -> tuple[str, ...]:
    if len(cells) != len(header):
        problem = bad_field(f"{path}, row {row}", expected=f"{len(header)} cells", found=f"{len(cells)} cells")
        raise problem
    for place in places:
        if not cells[place].strip():
            raise bad_field(f"{path}, row {row}, column {header[place]}", expected="a value", found="an empty cell")
    return tuple(cells[place] for place in places)
