"""Files of answers in crowd-kit's convention (`task,worker,label`) and of truth (`task,label`).

CSV (plain or gzipped), JSON Lines and Parquet. Ids and labels stay the strings that the file has. A file that the
quick reader does not take is read again, row by row, so that every fault is named with its row and column.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow
from numpy.typing import NDArray

from crowd_hitl.cli import coded_columns
from crowd_hitl.cli.answer_rows import JSON_LINES, PARQUET, csv_header, read_rows, suffix_of, text_of
from crowd_hitl.cli.coded_columns import Column, Names, Unfit
from crowd_hitl.domain.errors import BadInput
from crowd_hitl.domain.ports import AnswerTable, Ints

ANSWER_COLUMNS = ("task", "worker", "label")
TRUTH_COLUMNS = ("task", "label")
UNKNOWN, NEVER_GIVEN = -1, -2
# What the quick way raises when it does not understand a file.
NOT_UNDERSTOOD = (pyarrow.ArrowException, Unfit, OSError, KeyError, ValueError)

Told = Callable[[int], None]


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
        voices = _voices(self.table)
        voices.sort()
        return int((voices[1:] == voices[:-1]).sum())

    def with_one_voice(self) -> "AnswerFile":
        """Keep only each worker's first answer to a task, as live work takes no second one."""
        kept = first_voices(self.table)
        table = self.table
        fewer = replace(table, tasks=table.tasks[kept], workers=table.workers[kept], labels=table.labels[kept])
        return replace(self, table=fewer)


def read_answers(path: Path, told: Told = lambda rows: None) -> AnswerFile:
    """Read a file of answers; BadInput for a missing column, an empty cell or file, Unusable for one not readable.

    `told` hears again and again how many rows were read.
    """
    tasks, workers, labels = read_columns(path, ANSWER_COLUMNS, told)
    if not len(tasks.codes):
        raise BadInput(f"{path} has no answers: expected rows of task,worker,label below the header.")
    given = list(labels.names)
    names = sorted(given)
    places = {name: place for place, name in enumerate(names)}
    in_order = np.array([places[name] for name in given], dtype=np.int32)
    table = AnswerTable(
        tasks=tasks.codes,
        workers=workers.codes,
        labels=in_order[labels.codes],
        n_tasks=len(tasks.names),
        n_workers=len(workers.names),
        n_labels=len(names),
    )
    return AnswerFile(table=table, tasks=tasks.names, workers=workers.names, labels=names)


def read_truth(path: Path, answers: AnswerFile) -> Ints:
    """Return the true label of every task, −1 where unknown, −2 where it is a label that nobody gave."""
    tasks, labels = read_columns(path, TRUTH_COLUMNS, lambda rows: None)
    task_names, label_names = list(tasks.names), list(labels.names)
    known: dict[str, str] = {}
    for task_code, label_code in zip(tasks.codes.tolist(), labels.codes.tolist(), strict=True):
        task, label = task_names[task_code], label_names[label_code]
        if known.setdefault(task, label) != label:
            raise BadInput(f"{path} says both '{known[task]}' and '{label}' of task '{task}'. Leave one of them.")
    codes: Mapping[str, int] = {name: code for code, name in enumerate(answers.labels)}
    truth = [codes.get(known[task], NEVER_GIVEN) if task in known else UNKNOWN for task in answers.tasks]
    return np.array(truth, dtype=np.int32)


def read_columns(path: Path, columns: Sequence[str], told: Told) -> list[Column]:
    """Read these columns: the quick way where it understands the file, else row by row."""
    try:
        return _quickly(path, columns, told)
    except NOT_UNDERSTOOD:
        return _row_by_row(path, columns)


def first_voices(table: AnswerTable) -> NDArray[np.int64]:
    """Return the places of each worker's first answer to each task, in the file's order."""
    _, first = np.unique(_voices(table), return_index=True)
    return np.sort(first).astype(np.int64)


def _voices(table: AnswerTable) -> NDArray[np.int64]:
    return table.tasks.astype(np.int64) * table.n_workers + table.workers


def _quickly(path: Path, columns: Sequence[str], told: Told) -> list[Column]:
    suffix = suffix_of(path)
    if suffix in PARQUET:
        return coded_columns.read_parquet(path, columns, told)
    if suffix in JSON_LINES:
        _, first = next(read_rows(path, columns))
        return coded_columns.read_json_lines(path, first, columns, told)
    header = csv_header(path, columns)
    return coded_columns.read_csv(path, header, columns, told)


def _row_by_row(path: Path, columns: Sequence[str]) -> list[Column]:
    numbers: list[dict[str, int]] = [{} for _ in columns]
    codes: list[list[int]] = [[] for _ in columns]
    for row, cells in read_rows(path, columns):
        for name, known, column in zip(columns, numbers, codes, strict=True):
            column.append(known.setdefault(text_of(cells, name, path, row), len(known)))
    return [
        Column(np.array(column, dtype=np.int32), Names(pyarrow.array(list(known), pyarrow.string())))
        for column, known in zip(codes, numbers, strict=True)
    ]
