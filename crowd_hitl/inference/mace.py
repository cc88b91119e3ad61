"""MACE by variational EM: a worker either knows the label or answers by a habit, as crowd-kit 1.4.2 computes it.

Hovy, Berg-Kirkpatrick, Vaswani and Hovy, Learning Whom to Trust with MACE (2013). crowd-kit restarts ten times from
one seed, so that all ten are the same: here it is done once. Products are sums of logarithms, so that a task may have
thousands of answers. The start is drawn in the order in which workers and labels appear in the answers sorted by task,
worker and label; crowd-kit's is the same on answers so sorted.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import digamma

from crowd_hitl.inference.answers import Answers, Floats
from crowd_hitl.inference.grouping import Grouped, group, rows_of
from crowd_hitl.inference.passes import (
    answers_of_cells,
    by_worker,
    empty_posteriors,
    put,
    shares_right,
    slots_of,
    to_posteriors,
    weigh_gains,
)

Longs = NDArray[np.int64]

# Numbers drawn at once for the start.
DRAWN = 1_000_000


@dataclass(frozen=True)
class MaceSettings:
    """crowd-kit's defaults: iterations, the noise of the start, and the priors of knowing and of habits.

    `crowd_kit_habits`: hand every worker the habits of another, as crowd-kit does when names do not appear in order.
    """

    iterations: int = 50
    noise: float = 0.5
    knowing: float = 0.5
    habits: float = 10.0
    crowd_kit_habits: bool = False


@dataclass(frozen=True)
class _Beliefs:
    """For every cell: the chance of it by habit, and of it being known."""

    habit: Floats
    known: Floats

    @property
    def gains(self) -> Floats:
        found: Floats = np.log1p(self.known / self.habit)
        return found

    @property
    def share_known(self) -> Floats:
        """Return, for an answer that is right, the chance that it was known."""
        return self.known / (self.habit + self.known)


@dataclass(frozen=True)
class _Source:
    """For every cell: the cell and the worker whose habits it follows (its own; the last place is no cell)."""

    cells: Longs
    workers: Longs


def fit_mace(answers: Answers, settings: MaceSettings, *, seed: int) -> tuple[Floats, Floats]:
    """Return posteriors (n_tasks, K) and each worker's expected share of right answers; the seed draws the start."""
    grouped = group(answers)
    posteriors = empty_posteriors(answers, grouped)
    if not grouped.blocks:
        return posteriors, np.full(answers.n_workers, 0.5)
    given = answers_of_cells(grouped)
    ranks = _appearance(grouped)
    source = _mixed_up(grouped, ranks) if settings.crowd_kit_habits else _own(grouped)
    beliefs = _start(grouped, settings, ranks, seed=seed)
    for _ in range(settings.iterations):
        known = _right(grouped, beliefs, None) * beliefs.share_known
        beliefs = _learned(grouped, settings, source, known=known, by_habit=given - known)
    right = _right(grouped, beliefs, posteriors)
    return posteriors, shares_right(grouped, right, given)


def _right(grouped: Grouped, beliefs: _Beliefs, posteriors: Floats | None) -> Floats:
    """Return how often each cell is right by the beliefs, (C,); write the posteriors if asked."""
    gains = beliefs.gains
    right = np.zeros(len(gains))
    for block, cells in grouped.cells_of():
        slots = slots_of(block, cells, grouped)
        found = weigh_gains(block, slots, gains[cells], len(grouped.labels))
        to_posteriors(found, axis=1, base=0)
        right += np.bincount(cells, weights=found.reshape(-1)[slots], minlength=len(right))
        if posteriors is not None:
            put(posteriors, grouped, block, found)
    return right


def _learned(grouped: Grouped, settings: MaceSettings, source: _Source, *, known: Floats, by_habit: Floats) -> _Beliefs:
    habits, knowing = by_worker(grouped, by_habit), by_worker(grouped, known)
    total = digamma(habits + knowing + 2.0 * settings.knowing)
    chance_of_habit = np.exp(digamma(habits + settings.knowing) - total)
    chance_of_knowing = np.exp(digamma(knowing + settings.knowing) - total)
    of_all = digamma(habits + settings.habits * len(grouped.labels))
    said = np.append(by_habit, 0.0)[source.cells]
    which = np.exp(digamma(said + settings.habits) - of_all[source.workers])
    workers = grouped.cell_workers
    return _Beliefs(habit=chance_of_habit[workers] * which, known=chance_of_knowing[workers])


def _own(grouped: Grouped) -> _Source:
    return _Source(cells=np.arange(len(grouped.cell_workers)), workers=grouped.cell_workers.astype(np.int64))


def _mixed_up(grouped: Grouped, ranks: tuple[Longs, Longs]) -> _Source:
    """Find whose habits crowd-kit reads: it writes them in the order of names and reads them in that of appearance."""
    workers = np.flatnonzero(ranks[0] >= 0)[ranks[0][grouped.cell_workers]]
    n_labels = len(grouped.labels)
    names = grouped.cell_workers.astype(np.int64) * n_labels + grouped.cell_labels
    wanted = workers * n_labels + ranks[1][grouped.cell_labels]
    cells = np.minimum(np.searchsorted(names, wanted), len(names) - 1)
    return _Source(cells=np.where(names[cells] == wanted, cells, len(names)), workers=workers)


def _start(grouped: Grouped, settings: MaceSettings, places: tuple[Longs, Longs], *, seed: int) -> _Beliefs:
    """Draw the start as crowd-kit does, a row of labels for each worker, keeping the cells that occur."""
    worker_ranks, label_ranks = places
    n_workers, n_labels = int(worker_ranks.max()) + 1, len(label_ranks)
    scale = 1.0 + settings.noise
    chances = 1.0 + scale * np.random.RandomState(seed).uniform(size=(n_workers, 2))
    chances /= chances.sum(axis=1, keepdims=True)
    ranks = worker_ranks[grouped.cell_workers]
    order = np.argsort(ranks, kind="stable")
    which = np.empty(len(order))
    random = np.random.RandomState(seed)
    rows = max(1, DRAWN // n_labels)
    for first in range(0, n_workers, rows):
        last = min(first + rows, n_workers)
        habits = 1.0 + scale * random.uniform(size=(last - first, n_labels))
        habits /= habits.sum(axis=1, keepdims=True)
        low, high = np.searchsorted(ranks[order], [first, last])
        chosen = order[low:high]
        which[chosen] = habits[ranks[chosen] - first, label_ranks[grouped.cell_labels[chosen]]]
    return _Beliefs(habit=chances[ranks, 0] * which, known=chances[ranks, 1].copy())


def _appearance(grouped: Grouped) -> tuple[Longs, Longs]:
    """Return the place of every worker and label in the order of their first answers, sorted by task and cell."""
    n_cells = len(grouped.cell_workers)
    never = np.iinfo(np.int64).max
    first = np.full(n_cells, never)
    for block, cells in grouped.cells_of():
        tasks = grouped.tasks[block.rows].astype(np.int64)[rows_of(block)]
        np.minimum.at(first, cells, tasks * n_cells + cells)
    workers, labels = np.full(grouped.n_workers, never), np.full(len(grouped.labels), never)
    np.minimum.at(workers, grouped.cell_workers, first)
    np.minimum.at(labels, grouped.cell_labels, first)
    return _ranks(workers, never), _ranks(labels, never)


def _ranks(first: Longs, never: int) -> Longs:
    ranks = np.full(len(first), -1, dtype=np.int64)
    seen = np.argsort(first, kind="stable")[: int((first < never).sum())]
    ranks[seen] = np.arange(len(seen))
    return ranks
