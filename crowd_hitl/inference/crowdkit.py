"""Between our arrays and crowd-kit's tables, for the one model left to it: M-MSR, its accidents fenced.

Ma and Olshevsky, Adversarial Crowdsourcing Through Robust Rank-One Matrix Completion (2020).
"""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

import numpy as np

from crowd_hitl.domain.errors import BadInput
from crowd_hitl.inference.answers import Answers, Floats
from crowd_hitl.inference.grouping import Grouped, group
from crowd_hitl.inference.passes import (
    answers_of_cells,
    empty_posteriors,
    put,
    shares_right,
    slots_of,
    to_posteriors,
    weigh_gains,
)

# crowd-kit keeps a table of workers × tasks, and compares every two workers over all tasks in a Python loop.
LARGEST_TABLE = 50_000_000
MOST_WORKERS = 2_000


@contextmanager
def quiet() -> Iterator[None]:
    """Silence what crowd-kit causes pandas and numpy to say, and nothing else."""
    with warnings.catch_warnings():
        for category in (FutureWarning, DeprecationWarning, PendingDeprecationWarning, RuntimeWarning):
            warnings.filterwarnings("ignore", category=category, module=r"crowdkit\..*")
        warnings.filterwarnings("ignore", message=r"The copy keyword is deprecated")
        yield


@contextmanager
def own_chance() -> Iterator[None]:
    """Give numpy's global chance back as it was."""
    before = np.random.get_state()
    try:
        yield
    finally:
        np.random.set_state(before)


def as_frame(answers: Answers) -> Any:
    """Return the answers as crowd-kit's table, sorted: its results follow the order of the rows, ours must not."""
    # pandas is slow to import and is needed by crowd-kit's models alone.
    pandas = import_module("pandas")
    order = np.lexsort((answers.labels, answers.workers, answers.tasks))
    columns = {"task": answers.tasks[order], "worker": answers.workers[order], "label": answers.labels[order]}
    return pandas.DataFrame(columns)


def fit_mmsr(answers: Answers, *, seed: int) -> tuple[Floats, Floats]:
    """Return posteriors (n_tasks, K) and each worker's expected share of right answers.

    crowd-kit's skills are logarithms of odds: added up for every label, they give the posterior. Where it finds none
    (one worker, no common tasks), all workers weigh the same. Refuses more workers and tasks than it can hold.
    """
    grouped = group(answers)
    posteriors = empty_posteriors(answers, grouped)
    given = answers_of_cells(grouped)
    right = np.zeros(len(given))
    _refuse_large(grouped)
    found_weights = mmsr_weights(answers, seed=seed) if len(grouped.labels) > 1 else None
    weights = np.ones(answers.n_workers) if found_weights is None else found_weights
    gains = weights[grouped.cell_workers]
    for block, cells in grouped.cells_of():
        slots = slots_of(block, cells, grouped)
        found = weigh_gains(block, slots, gains[cells], len(grouped.labels))
        to_posteriors(found, axis=1, base=0)
        put(posteriors, grouped, block, found)
        right += np.bincount(cells, weights=found.reshape(-1)[slots], minlength=len(right))
    return posteriors, shares_right(grouped, right, given)


def mmsr_weights(answers: Answers, *, seed: int) -> Floats | None:
    """Return crowd-kit's skill of every worker, (n_workers,), 0 for those who gave no answer; None if it finds none."""
    # crowd-kit takes seconds to import, so only its own model pays for it.
    crowdkit = import_module("crowdkit.aggregation")
    with quiet(), own_chance():
        np.random.seed(seed)
        try:
            skills = crowdkit.MMSR(random_state=seed).fit(as_frame(answers)).skills_
        except (ArithmeticError, ValueError, IndexError, TypeError, RuntimeError):
            # It fails in many ways where workers have too little in common: none of them says more than that.
            return None
    weights = np.zeros(answers.n_workers)
    weights[skills.index.to_numpy(dtype=np.int64)] = skills.to_numpy(dtype=np.float64)
    return weights if np.isfinite(weights).all() else None


def _refuse_large(grouped: Grouped) -> None:
    workers, tasks = len(np.unique(grouped.cell_workers)), len(grouped.tasks)
    if workers > MOST_WORKERS or workers * tasks > LARGEST_TABLE:
        raise BadInput(
            f"mmsr keeps a table of workers by tasks and compares every two workers: {workers} workers and {tasks}"
            f" tasks are too many (at most {MOST_WORKERS} workers, and {LARGEST_TABLE:,} cells). Use pooled."
        )
