"""KOS, messages between tasks and workers for two labels, number for number crowd-kit 1.4.2's, without its faults.

Karger, Oh and Shah, Budget-Optimal Task Allocation for Reliable Crowdsourcing Systems (2014). crowd-kit's sets
numpy's global seed, and fails with `KeyError: 0.0` where no message decides a task: here that task is a tie, and the
seed is our own. It says which label, not how surely.
"""

import numpy as np
from numpy.typing import NDArray

from crowd_hitl.domain.errors import BadInput
from crowd_hitl.inference.answers import Answers, Floats, check_answers, uniform
from crowd_hitl.inference.grouping import present

# crowd-kit ends the messages before they overflow.
LARGEST = 1e300


def fit_kos(answers: Answers, *, iterations: int, seed: int) -> tuple[Floats, Floats]:
    """Return 1 for every task's label (a half for both where nothing decides) and the share of a worker's hits.

    Refuses answers of more than two labels.
    """
    check_answers(answers)
    given, _ = present(answers.labels, answers.n_labels)
    if len(given) > 2:
        raise BadInput(f"kos weighs two labels against each other; these answers have {len(given)}. Use pooled.")
    posteriors = uniform(answers.n_tasks, answers.n_labels)
    if not len(given):
        return posteriors, np.full(answers.n_workers, 0.5)
    order = np.lexsort((answers.labels, answers.workers, answers.tasks))
    tasks, workers, labels = answers.tasks[order], answers.workers[order], answers.labels[order]
    first, other = labels[0], given[given != labels[0]]
    signs = np.where(labels == first, 1.0, -1.0)
    sums = _messages(tasks, workers, signs, iterations=iterations, seed=seed)
    asked, _ = present(tasks, answers.n_tasks)
    posteriors[asked] = 0.0
    likely = (np.sign(sums[asked]) + 1.0) / 2.0 if len(other) else np.ones(len(asked))
    posteriors[asked, first] = likely
    if len(other):
        posteriors[asked, other[0]] = 1.0 - likely
    hits = np.bincount(workers, weights=posteriors[tasks, labels], minlength=answers.n_workers)
    counts = np.bincount(workers, minlength=answers.n_workers)
    return posteriors, np.where(counts > 0, hits / np.maximum(counts, 1), 0.5)


def _messages(
    tasks: NDArray[np.int32], workers: NDArray[np.int32], signs: Floats, *, iterations: int, seed: int
) -> Floats:
    """Pass messages to and fro; return what is left for every task, above 0 for the first label."""
    reliable = np.random.RandomState(seed).normal(loc=1, scale=1, size=len(tasks))
    for _ in range(iterations):
        sent = signs * reliable
        summed = np.bincount(tasks, weights=sent)[tasks]
        if (np.abs(summed) > LARGEST).any():
            break
        sent = signs * (summed - sent)
        summed = np.bincount(workers, weights=sent)[workers]
        if (np.abs(summed) > LARGEST).any():
            break
        reliable = summed - sent
    return np.bincount(tasks, weights=signs * reliable).astype(np.float64)
