"""Pairs of answers to the same task: how far apart they are, by item, by worker and by pair of workers.

For any distance (0 the same, 1 as far as can be), so for spans and boxes too. Pairs are made in slices: memory grows
with the answers and with the pairs of workers who met, not with the pairs of answers.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crowd_hitl.inference.adding import added
from crowd_hitl.inference.agreement import Estimate, ratio

Ints = NDArray[np.int32]
Longs = NDArray[np.int64]
Floats = NDArray[np.float64]

# Distances between answers, by their places in the table: (n,), (n,) → (n,).
Distances = Callable[[Longs, Longs], Floats]
Progress = Callable[[int], None]

SLICE = 500_000
KEPT_APART = 2_000_000
# All pairs of so many answers are compared to find the distance by chance; of more, so many pairs drawn at random.
CHANCE_PAIRS = 100_000


@dataclass(frozen=True)
class PairTotals:
    """Distances added up: per task and per worker, with how many pairs; and per pair of workers who met.

    `first` < `second` are workers' codes, `shared` how many pairs of answers they have, `apart` the sum of distances.
    """

    task_pairs: Floats
    task_apart: Floats
    worker_pairs: Floats
    worker_apart: Floats
    first: Longs
    second: Longs
    shared: Floats
    apart: Floats


class _WorkerPairs:
    """Adds up by pair of workers, merging when the list grows long."""

    def __init__(self, n_workers: int) -> None:
        self.n_workers = max(n_workers, 1)
        self.keys: list[Longs] = []
        self.shared: list[Floats] = []
        self.apart: list[Floats] = []

    def add(self, one: Longs, other: Longs, distance: Floats) -> None:
        """Take in pairs of answers."""
        self.keys.append(np.minimum(one, other) * self.n_workers + np.maximum(one, other))
        self.shared.append(np.ones(len(one)))
        self.apart.append(distance)
        if sum(len(each) for each in self.keys) > KEPT_APART:
            self.merge()

    def merge(self) -> tuple[Longs, Floats, Floats]:
        """Return each pair once."""
        if not self.keys:
            return np.zeros(0, dtype=np.int64), np.zeros(0), np.zeros(0)
        keys, places = np.unique(np.concatenate(self.keys), return_inverse=True)
        shared = added(places.ravel(), np.concatenate(self.shared), len(keys))
        apart = added(places.ravel(), np.concatenate(self.apart), len(keys))
        self.keys, self.shared, self.apart = [keys], [shared], [apart]
        return keys, shared, apart


def pairs_within(tasks: Ints, order: Longs) -> Iterator[tuple[Longs, Longs]]:
    """Yield slices of all pairs of answers to the same task; `order` sorts the answers by task."""
    in_order = tasks[order]
    for gap in range(1, int(np.bincount(tasks).max(initial=0))):
        for start in range(0, len(order) - gap, SLICE):
            end = min(start + SLICE, len(order) - gap)
            same = np.flatnonzero(in_order[start:end] == in_order[start + gap : end + gap]) + start
            if len(same):
                yield order[same], order[same + gap]


def count_pairs(tasks: Ints) -> int:
    """Count the pairs of answers to the same task."""
    sizes = np.bincount(tasks).astype(np.int64)
    return int((sizes * (sizes - 1) // 2).sum())


def total_pairs(
    tasks: Ints, workers: Ints, distances: Distances, *, n_tasks: int, n_workers: int, progress: Progress | None = None
) -> PairTotals:
    """Compare all pairs of answers of different workers to the same task."""
    by_task = (np.zeros(n_tasks), np.zeros(n_tasks))
    by_worker = (np.zeros(n_workers), np.zeros(n_workers))
    met = _WorkerPairs(n_workers)
    for one, other in pairs_within(tasks, np.lexsort((workers, tasks)).astype(np.int64)):
        strangers = workers[one] != workers[other]
        first, second = one[strangers], other[strangers]
        away = distances(first, second)
        for totals, weights in zip((by_task, by_worker), (tasks, workers), strict=True):
            for total, amount in zip(totals, (np.ones(len(away)), away), strict=True):
                total += added(weights[first], amount, len(total))
        for total, amount in zip(by_worker, (np.ones(len(away)), away), strict=True):
            total += added(workers[second], amount, len(total))
        met.add(workers[first].astype(np.int64), workers[second].astype(np.int64), away)
        if progress is not None:
            progress(len(one))
    keys, shared, apart = met.merge()
    pairs, of = keys // met.n_workers, keys % met.n_workers
    return PairTotals(by_task[0], by_task[1], by_worker[0], by_worker[1], pairs, of, shared, apart)


def chance_distance(answers: Longs, distances: Distances, *, seed: int) -> float | None:
    """Return the mean distance of two answers, whatever their tasks: all pairs, or many drawn at random."""
    count = len(answers)
    if count < 2:
        return None
    if count * (count - 1) // 2 <= CHANCE_PAIRS:
        one, other = np.triu_indices(count, k=1)
    else:
        chance = np.random.default_rng(seed)
        one = chance.integers(0, count, CHANCE_PAIRS)
        other = (one + chance.integers(1, count, CHANCE_PAIRS)) % count
    return float(distances(answers[one], answers[other]).mean())


def alpha_by_distance(
    tasks: Ints, totals: PairTotals, distances: Distances, *, seed: int, n_tasks: int
) -> Estimate | None:
    """Return Krippendorff's alpha by this distance, taken as it is (not squared); None where it is not defined."""
    sizes = np.bincount(tasks, minlength=n_tasks).astype(np.float64)
    pairable = np.flatnonzero(sizes[tasks] >= 2).astype(np.int64)
    expected = chance_distance(pairable, distances, seed=seed)
    if expected is None or expected <= 1e-12:
        return None
    sizes[sizes < 2] = 0.0
    return ratio(2.0 * totals.task_apart / np.maximum(sizes - 1.0, 1.0), sizes, expected)
