"""Numbers and ratings of real workers against the truth, where the real sets lie beside the checkout."""

import csv
import gzip
from typing import Any

import numpy as np
import pytest

from crowd_hitl.domain.ports import Floats, Fused, Fuser, ValueTable
from crowd_hitl.plugins.fusers.number import plugin as number
from crowd_hitl.plugins.fusers.rating import plugin as rating
from tests.cli.recordings import SHARED


def fused(name: str, fuser: Fuser, spec: dict[str, Any], *, each: int) -> tuple[Fused, Floats, Floats]:
    """Fuse so many answers to each task; return it with the plain means and the truth (NaN where unknown)."""
    rows, truth = ([*csv.DictReader(read(name, part))] for part in ("answers", "truth"))
    known = {row["task"]: float(row["label"]) for row in truth}
    mixed = [rows[place] for place in np.random.default_rng(0).permutation(len(rows))]
    tasks = {task: code for code, task in enumerate(dict.fromkeys(row["task"] for row in rows))}
    workers = {worker: code for code, worker in enumerate(dict.fromkeys(row["worker"] for row in rows))}
    given = np.zeros(len(tasks), dtype=np.int64)
    kept = []
    for row in mixed:
        if given[tasks[row["task"]]] < each:
            given[tasks[row["task"]]] += 1
            kept.append(row)
    table = ValueTable(
        tasks=np.array([tasks[row["task"]] for row in kept], dtype=np.int32),
        workers=np.array([workers[row["worker"]] for row in kept], dtype=np.int32),
        values=[int(row["label"]) for row in kept],
        n_tasks=len(tasks),
        n_workers=len(workers),
        spec=spec,
    )
    means = np.bincount(table.tasks, weights=np.array(table.values), minlength=len(tasks)) / np.maximum(given, 1)
    return fuser.fuse(table, seed=0), means, np.array([known.get(task, np.nan) for task in tasks])


def read(name: str, part: str) -> list[str]:
    with gzip.open(SHARED / name / f"{part}.csv.gz", "rt", encoding="utf-8") as stream:
        return stream.readlines()


@pytest.mark.parametrize(("each", "error"), [(3, 15.3), (10, 12.6)])
def test_numbers_of_real_workers_are_about_as_good_as_measured(each: int, error: float) -> None:
    if not (SHARED / "emotion_numeric").is_dir():
        return  # the real sets lie beside the checkout, and not everywhere
    found, means, truth = fused("emotion_numeric", number, {"min": -100, "max": 100}, each=each)

    missed = np.abs(np.array(found.values, dtype=np.float64) - truth)
    assert missed.mean() < error
    assert missed.mean() < np.abs(means - truth).mean() + 0.4
    # What is believed is as often right: within a tenth.
    within = (missed <= found.details["tolerance"]).mean()
    assert found.confidences.mean() == pytest.approx(within, abs=0.1)


@pytest.mark.parametrize(("name", "share"), [("cf", 0.88), ("cf_amt", 0.835)])
def test_ratings_of_real_workers_are_right_more_often_than_their_mean(name: str, share: float) -> None:
    if not (SHARED / name).is_dir():
        return  # as above
    found, means, truth = fused(name, rating, {"low": 0, "high": 4}, each=1000)

    right = (np.array(found.values) == truth).mean()
    assert right > share > (np.round(means) == truth).mean() + 0.1
