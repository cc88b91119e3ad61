"""Reads a set: its answers as a table, its truth by task; and says how well confidences are calibrated."""

import csv
import gzip
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from crowd_hitl.domain.ports import Floats, ValueTable

BINS = 10
LONGEST_CELL = 10_000_000


@dataclass(frozen=True)
class Crowd:
    """A set: the answers as a fuser takes them, the tasks' names, and the truth of every task."""

    table: ValueTable
    tasks: Sequence[str]
    truth: Sequence[Any]


def rows_of(path: Path) -> Iterator[list[str]]:
    csv.field_size_limit(LONGEST_CELL)
    with gzip.open(path, "rt", encoding="utf-8", newline="") as stream:
        reader = csv.reader(stream)
        next(reader)
        yield from reader


def read_crowd(
    folder: Path, *, parse: Callable[[str], Any], spec: dict[str, Any], only: Collection[str] | None = None
) -> Crowd:
    truth = {task: parse(label) for task, label in rows_of(folder / "truth.csv.gz")}
    wanted = set(truth) if only is None else set(only)
    tasks: dict[str, int] = {}
    workers: dict[str, int] = {}
    coded = [
        (tasks.setdefault(task, len(tasks)), workers.setdefault(worker, len(workers)), parse(label))
        for task, worker, label in rows_of(folder / "answers.csv.gz")
        if task in wanted
    ]
    table = ValueTable(
        tasks=np.array([task for task, _, _ in coded], dtype=np.int32),
        workers=np.array([worker for _, worker, _ in coded], dtype=np.int32),
        values=[value for _, _, value in coded],
        n_tasks=len(tasks),
        n_workers=len(workers),
        spec=spec,
    )
    return Crowd(table=table, tasks=list(tasks), truth=[truth[task] for task in tasks])


def calibration_error(confidences: Floats, quality: Floats) -> float:
    """The mean gap between what is claimed and what is there, over ten bins of confidence."""
    bins = np.minimum((confidences * BINS).astype(int), BINS - 1)
    gaps = [abs((confidences - quality)[bins == one].mean()) * (bins == one).mean() for one in np.unique(bins)]
    return float(sum(gaps))
