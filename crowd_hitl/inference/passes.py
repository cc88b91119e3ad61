"""The two passes of EM that every categorical model is made of: answers to posteriors, posteriors to sums per cell.

`weigh_rows`: an answer says something else of every label (a worker has a matrix). `weigh_gains`: an answer speaks
for its own label alone (a worker has one number), so that its cost does not depend on the number of labels.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from crowd_hitl.inference.answers import Answers, Floats, Ints, uniform
from crowd_hitl.inference.grouping import Block, Grouped, Places, add_up, rows_of, spread


@dataclass
class Sums:
    """What one pass leaves: sums over tasks of the posteriors, once and times their answers, and their entropy."""

    mass: Floats
    weighted: Floats
    entropy: float = 0.0

    def add(self, posteriors: Floats, counts: Ints, *, floor: float) -> None:
        """Add a block's posteriors, shape (K, tasks)."""
        self.mass += posteriors.sum(axis=1)
        # Not by BLAS, here and below: its sums depend on how many threads it takes.
        self.weighted += np.einsum("ij,j->i", posteriors, counts.astype(np.float64))
        clipped = np.maximum(posteriors, floor)
        self.entropy -= float(np.einsum("ij,ij->", clipped, np.log(clipped)))


def weigh_rows(block: Block, cells: Places, rows: Floats, base: Floats) -> Floats:
    """Return `base` (K,) and what the block's answers say by `rows` (K, C), added up: (K, tasks)."""
    values = np.empty(len(cells))
    total = np.empty((len(rows), block.size))
    for label, row in enumerate(rows):
        np.take(row, cells, out=values, mode="clip")
        total[label] = base[label]
        add_up(block, values, total[label])
    return total


def rows_heard(block: Block, cells: Places, posteriors: Floats, out: Floats) -> None:
    """Add to `out` (K, C) how often each cell was said where each label holds."""
    values = np.empty(len(cells))
    for label, row in enumerate(posteriors):
        spread(block, row, values)
        out[label] += np.bincount(cells, weights=values, minlength=out.shape[1])


def slots_of(block: Block, cells: Places, grouped: Grouped) -> Places:
    """Return, for every answer, the place of (its task, its label) in the block's (tasks, K) posteriors."""
    slots = rows_of(block)
    slots *= len(grouped.labels)
    slots += grouped.cell_labels[cells]
    return slots


def weigh_gains(block: Block, slots: Places, gains: Floats, n_labels: int) -> Floats:
    """Return what the block's answers say of their own labels, added up: (tasks, K)."""
    total: Floats = np.bincount(slots, weights=gains, minlength=block.size * n_labels).astype(np.float64, copy=False)
    return total.reshape(block.size, n_labels)


def to_posteriors(logits: Floats, *, axis: int, base: int = 2) -> None:
    """Turn logarithms to this base (2 or e for 0) into probabilities along the axis, in place."""
    logits -= logits.max(axis=axis, keepdims=True)
    (np.exp2 if base == 2 else np.exp)(logits, out=logits)
    logits /= logits.sum(axis=axis, keepdims=True)


def clamp(posteriors: Floats, gold: Ints | None) -> None:
    """Set the tasks (columns) whose label is known to it."""
    if gold is None:
        return
    known = np.flatnonzero(gold >= 0)
    posteriors[:, known] = 0.0
    posteriors[gold[known], known] = 1.0


def gold_in(block: Block, grouped: Grouped) -> Ints | None:
    """Return the known labels of the block's tasks."""
    return None if grouped.gold is None else grouped.gold[block.rows]


def vote_blocks(grouped: Grouped) -> Iterator[tuple[Block, Places, Places, Floats]]:
    """Yield every block with its cells, its slots and the shares of its votes (tasks, K)."""
    for block, cells in grouped.cells_of():
        slots = slots_of(block, cells, grouped)
        votes = np.bincount(slots, minlength=block.size * len(grouped.labels)).astype(np.float64)
        shares = votes.reshape(block.size, len(grouped.labels))
        shares /= grouped.counts[block.rows, None]
        yield block, cells, slots, shares


def empty_posteriors(answers: Answers, grouped: Grouped) -> Floats:
    """Return posteriors to be filled: 0 for labels that nobody gave, uniform for tasks that nobody answered."""
    posteriors = np.zeros((answers.n_tasks, answers.n_labels))
    if len(grouped.tasks) < answers.n_tasks:
        unasked = np.ones(answers.n_tasks, dtype=bool)
        unasked[grouped.tasks] = False
        posteriors[unasked] = uniform(1, answers.n_labels)
    return posteriors


def put(posteriors: Floats, grouped: Grouped, block: Block, found: Floats) -> None:
    """Write a block's posteriors (tasks, K) to their tasks and labels."""
    tasks = grouped.tasks[block.rows]
    if len(grouped.labels) == posteriors.shape[1]:
        posteriors[tasks] = found
    else:
        posteriors[np.ix_(tasks, grouped.labels)] = found


def by_worker(grouped: Grouped, cell_values: Floats) -> Floats:
    """Add values of cells up for every worker, (n_workers,)."""
    return np.bincount(grouped.cell_workers, weights=cell_values, minlength=grouped.n_workers).astype(np.float64)


def answers_of_cells(grouped: Grouped) -> Floats:
    """Count the answers of every cell, (C,)."""
    counts: Floats = np.zeros(len(grouped.cell_workers))
    for _, cells in grouped.cells_of():
        counts += np.bincount(cells, minlength=len(counts)).astype(np.float64)
    return counts


def shares_right(grouped: Grouped, right: Floats, given: Floats) -> Floats:
    """Return each worker's share of right answers from sums per cell; 0.5 for one without answers."""
    said, of = by_worker(grouped, right), by_worker(grouped, given)
    shares: Floats = np.where(of > 0, said / np.maximum(of, 1), 0.5)
    return np.clip(shares, 0.0, 1.0)
