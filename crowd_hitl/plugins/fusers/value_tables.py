"""Lays a table of values out as classes, and what is known of its tasks beside them."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from crowd_hitl.domain.ports import AnswerTable, Floats, ValueTable
from crowd_hitl.inference.answers import check_values
from crowd_hitl.inference.ties import winners


def as_classes(answers: ValueTable, code: Callable[[str, Any], int], *, n_labels: int) -> AnswerTable:
    """Return the table with codes for values; `code(where, value)` refuses a value that is no class."""
    check_values(answers)
    gold = np.full(answers.n_tasks, -1, dtype=np.int32)
    for task, value in (answers.gold or {}).items():
        gold[task] = code(f"gold[{task}]", value)
    labels = np.array([code(f"values[{place}]", value) for place, value in enumerate(answers.values)], dtype=np.int32)
    table = (answers.tasks, answers.workers, labels, answers.n_tasks, answers.n_workers, n_labels)
    return AnswerTable(*table, gold=gold if answers.gold else None)


def likeliest(answers: ValueTable, chances: Floats, classes: Sequence[Any], *, seed: int) -> tuple[list[Any], Floats]:
    """Return each task's likeliest class and its chance, None and 0 where nothing is known; ties in a seeded order."""
    best = winners(chances, seed=seed)
    there = answered(answers)
    values = [classes[code] if known else None for code, known in zip(best, there, strict=True)]
    return values, as_share(np.where(there, chances[np.arange(len(best)), best], 0.0))


def answered(answers: ValueTable) -> list[bool]:
    """Say of every task whether it has an answer or is gold."""
    known = np.bincount(answers.tasks, minlength=answers.n_tasks) > 0
    known[list(answers.gold or {})] = True
    return [bool(one) for one in known]


def as_share(values: Floats) -> Floats:
    """Return chances and skills within 0..1, where the last digit may stick out."""
    return np.clip(values, 0.0, 1.0)


def is_number(value: Any) -> bool:
    """Say whether a value is a finite number and no truth value."""
    return not isinstance(value, bool) and isinstance(value, int | float) and bool(np.isfinite(value))
