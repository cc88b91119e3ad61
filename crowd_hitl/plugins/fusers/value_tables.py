"""Checks a table of values before it is fused, and lays what is known of its tasks beside them."""

from typing import Any

import numpy as np

from crowd_hitl.domain.errors import bad_field
from crowd_hitl.domain.ports import Floats, ValueTable


def check_table(answers: ValueTable) -> None:
    """Refuse a table whose columns differ in length or hold a code that names nothing."""
    size = len(answers.values)
    for name, codes, count in (
        ("tasks", answers.tasks, answers.n_tasks),
        ("workers", answers.workers, answers.n_workers),
    ):
        if codes.shape != (size,):
            raise bad_field(name, expected=f"{size} codes", found=codes.shape)
        if not np.issubdtype(codes.dtype, np.integer):
            raise bad_field(name, expected="whole numbers", found=str(codes.dtype))
        if size and not (codes.min() >= 0 and codes.max() < count):
            raise bad_field(name, expected=f"codes from 0 to {count - 1}", found=f"{codes.min()} to {codes.max()}")
    for task in answers.gold or {}:
        if not 0 <= task < answers.n_tasks:
            raise bad_field("gold", expected=f"tasks from 0 to {answers.n_tasks - 1}", found=task)


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
