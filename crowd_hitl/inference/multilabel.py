"""Several labels at once, each as a yes-or-no question of its own (binary relevance), then a set that may be chosen."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crowd_hitl.domain.ports import AnswerTable
from crowd_hitl.inference.adding import added
from crowd_hitl.inference.answers import Answers
from crowd_hitl.inference.ties import label_ranks

Ints = NDArray[np.int32]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

# A model for one yes-or-no question: posteriors (n_tasks, 2) and the workers' skills.
Fit = Callable[[Answers], tuple[Floats, Floats]]


@dataclass(frozen=True)
class Sets:
    """Answers that are sets: `chosen[i, o]` says whether the i-th answer has option o.

    `known`: shape (n_tasks, n_options), 1 or 0 where it is known, −1 where not; None when nothing is known.
    """

    tasks: Ints
    workers: Ints
    chosen: Flags
    n_tasks: int
    n_workers: int
    known: Ints | None = None


def fit_each_label(sets: Sets, fit: Fit) -> Floats:
    """Return the chance of every option for every task, shape (n_tasks, n_options).

    An option nobody ever chose has the chance that a rule of succession leaves it, without any fit.
    """
    n_answers, n_options = sets.chosen.shape
    chances = np.full((sets.n_tasks, n_options), 1.0 / (n_answers + 2.0))
    for option in range(n_options):
        said = sets.chosen[:, option]
        known = None if sets.known is None else sets.known[:, option]
        if not said.any() and (known is None or (known < 1).all()):
            continue
        table = AnswerTable(
            sets.tasks, sets.workers, said.astype(np.int32), sets.n_tasks, sets.n_workers, n_labels=2, gold=known
        )
        chances[:, option] = fit(table)[0][:, 1]
    if sets.known is not None:
        chances = np.where(sets.known >= 0, sets.known, chances).astype(np.float64)
    return chances


def choose(chances: Floats, *, fewest: int, most: int, seed: int) -> Flags:
    """Return the options more likely than not, at least `fewest` and at most `most` of them, the likeliest first.

    Options that are level are taken in a seeded order.
    """
    ranks = label_ranks(chances.shape[1], seed=seed)
    order = np.lexsort((np.broadcast_to(ranks, chances.shape), -np.round(chances, 9)), axis=1)
    places = np.empty_like(order)
    np.put_along_axis(places, order, np.broadcast_to(np.arange(chances.shape[1]), order.shape), axis=1)
    likely = chances > 0.5 + 1e-9
    picked: Flags = (likely & (places < most)) | (places < fewest)
    return picked


def set_confidences(chances: Floats, picked: Flags) -> Floats:
    """Return the chance that the whole set is right, its options taken one by one."""
    right = np.where(picked, chances, 1.0 - chances)
    whole: Floats = right.prod(axis=1)
    return whole


def set_skills(sets: Sets, chances: Floats, *, weight: float) -> Floats:
    """Return how much of what a worker chose or should have chosen is right (expected Jaccard), shrunk to the crowd."""
    expected = chances[sets.tasks]
    hit = np.where(sets.chosen, expected, 0.0).sum(axis=1)
    union = sets.chosen.sum(axis=1) + np.where(sets.chosen, 0.0, expected).sum(axis=1)
    share = np.where(union > 1e-9, hit / np.maximum(union, 1e-9), 1.0)
    order = np.lexsort((share, sets.workers))
    mine = added(sets.workers[order], share[order], sets.n_workers)
    given = np.bincount(sets.workers, minlength=sets.n_workers)
    crowd = (mine.sum() + 1.0) / (given.sum() + 2.0)
    skills: Floats = (mine + weight * crowd) / (given + weight)
    return np.clip(skills, 0.0, 1.0)
