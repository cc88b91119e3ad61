"""Checks and orders a table of answers before any model sees it: what a model leaves to accident is settled here."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from crowd_hitl.domain.errors import bad_field
from crowd_hitl.domain.ports import AnswerTable, ValueTable

Ints = NDArray[np.int32]
Floats = NDArray[np.float64]


Answers = AnswerTable


def check_answers(answers: Answers) -> None:
    """Refuse a table whose arrays differ in length or hold a code that names nothing."""
    if answers.n_labels < 1:
        raise bad_field("n_labels", expected="1 or more", found=answers.n_labels)
    size = len(answers.tasks)
    columns = {
        "tasks": (answers.tasks, answers.n_tasks),
        "workers": (answers.workers, answers.n_workers),
        "labels": (answers.labels, answers.n_labels),
    }
    check_columns(columns, size=size)
    if answers.gold is not None:
        check_gold(answers.gold, answers)


def check_values(table: ValueTable) -> None:
    """Refuse a table of open answers whose columns differ in length or hold a code that names nothing."""
    columns = {"tasks": (table.tasks, table.n_tasks), "workers": (table.workers, table.n_workers)}
    check_columns(columns, size=len(table.values))
    for task in table.gold or {}:
        if not 0 <= task < table.n_tasks:
            raise bad_field("gold", expected=f"tasks from 0 to {table.n_tasks - 1}", found=task)


def check_columns(columns: Mapping[str, tuple[Ints, int]], *, size: int) -> None:
    """Refuse a column of codes that is not of this length, or that has one beyond its count."""
    for name, (codes, count) in columns.items():
        if codes.shape != (size,):
            raise bad_field(name, expected=f"{size} codes", found=codes.shape)
        if not np.issubdtype(codes.dtype, np.integer):
            raise bad_field(name, expected="whole numbers", found=str(codes.dtype))
        if size and not (codes.min() >= 0 and codes.max() < count):
            raise bad_field(name, expected=f"codes from 0 to {count - 1}", found=f"{codes.min()} to {codes.max()}")


def check_gold(gold: Ints, answers: Answers) -> None:
    """Refuse known labels that do not fit the table."""
    if gold.shape != (answers.n_tasks,):
        raise bad_field("gold", expected=f"{answers.n_tasks} codes", found=gold.shape)
    if len(gold) and not (gold.min() >= -1 and gold.max() < answers.n_labels):
        expected = f"codes from -1 to {answers.n_labels - 1}"
        raise bad_field("gold", expected=expected, found=f"{gold.min()} to {gold.max()}")


def uniform(n_tasks: int, n_labels: int) -> Floats:
    """Return posteriors that know nothing."""
    return np.full((n_tasks, n_labels), 1.0 / n_labels)


def vote_counts(answers: Answers) -> Floats:
    """Count each task's votes, shape (n_tasks, n_labels)."""
    cells = answers.tasks.astype(np.int64) * answers.n_labels + answers.labels
    counts = np.bincount(cells, minlength=answers.n_tasks * answers.n_labels)
    return counts.reshape(answers.n_tasks, answers.n_labels).astype(np.float64)


def shares_of_agreement(answers: Answers, posteriors: Floats) -> Floats:
    """Return each worker's expected share of right answers under the posteriors; 0.5 for a worker without answers."""
    # Summed in one order, so that the order of the answers does not show in the last digit.
    order = np.lexsort((answers.labels, answers.tasks, answers.workers))
    seen = posteriors[answers.tasks[order], answers.labels[order]]
    right = np.bincount(answers.workers[order], weights=seen, minlength=answers.n_workers)
    given = np.bincount(answers.workers, minlength=answers.n_workers)
    shares: Floats = np.where(given > 0, right / np.maximum(given, 1), 0.5)
    return np.clip(shares, 0.0, 1.0)
