"""Redraws a pilot: items with replacement, their answers in a new order, and beyond those that there are imagined ones.

Items are drawn twice, a pilot out of the pilot and from that the rest, so that the spread holds what a small pilot
leaves unknown and what the rest brings of its own. An imagined answer comes from an urn: the task's own votes, and as
many more as `URN_WEIGHT` from the fitted confusion matrix of a worker of the pilot, so that an item which was hard so
far stays hard. Where too little truth is known to score by, it is drawn from the posterior.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from crowd_hitl.domain.errors import bad_field
from crowd_hitl.domain.ports import AnswerTable
from crowd_hitl.inference.answers import check_answers, vote_counts
from crowd_hitl.inference.pooled import PooledSettings, code, fit_pooled, shrunken_skills, worker_matrices
from crowd_hitl.inference.replaying import Recording
from crowd_hitl.inference.ties import winners

Ints = NDArray[np.int32]
Places = NDArray[np.int64]
Floats = NDArray[np.float64]

URN_WEIGHT = 5.0
# The temperature at which posteriors are drawn from: workers share errors, so posteriors believe themselves too much.
DOUBT = 2.0
LARGEST_MATRICES = 8_000_000
# The rest will hold more answers of each worker than the pilot, and so tell more of him; but a task drawn twice repeats
# its workers' mistakes, which would look like skill. Between the two: a worker's answers count as those of two people.
COPIES = 2


@dataclass(frozen=True)
class Pilot:
    """Answers at hand, one voice per worker and task; `truth` (n_tasks,) is −1 where unknown, −2 for a label nobody

    gave; None when nothing is known.
    """

    answers: AnswerTable
    truth: Ints | None = None


@dataclass(frozen=True)
class Redrawn:
    """Tasks as they might come: `most` answers of each, truth (−1: not scored), and which answers are imagined.

    `agreed` is the label that all the pilot's answers to the task come to.
    """

    recording: Recording
    truth: Ints
    agreed: Ints
    imagined: NDArray[np.bool_]

    def share_imagined(self, bought: Places) -> float:
        """Return which share of the first `bought[t]` answers of every task is imagined."""
        taken = np.arange(self.imagined.shape[1]) < bought[:, None]
        return float((self.imagined & taken).sum() / max(1, taken.sum()))


class Urn:
    """A fitted pilot to draw from."""

    def __init__(self, pilot: Pilot, *, is_measured: bool) -> None:
        """Fit the pilot. `is_measured`: only known labels score a task; else its truth is drawn where unknown."""
        table = pilot.answers
        self._is_measured = is_measured
        check_answers(table)
        if table.n_workers * table.n_labels**2 > LARGEST_MATRICES:
            raise bad_field("labels", expected="few enough for a matrix per worker", found=f"{table.n_labels} labels")
        self._votes = vote_counts(table)
        self._truth = np.full(table.n_tasks, -1, dtype=np.int32) if pilot.truth is None else pilot.truth
        self._posteriors, _ = fit_pooled(table, PooledSettings(temperature=DOUBT))
        self._tasks = np.flatnonzero(self._votes.sum(axis=1) > 0)
        order = np.lexsort((table.labels, table.workers, table.tasks))
        self._workers, self._labels = table.workers[order], table.labels[order]
        self._counts = np.bincount(table.tasks, minlength=table.n_tasks)
        self._starts = np.cumsum(self._counts) - self._counts
        self._matrices = self._fitted(table)
        self._shape = (table.n_workers, table.n_labels)

    def _fitted(self, table: AnswerTable) -> Floats:
        """Fit the workers' matrices, by what is known to be right where it is."""
        settings = PooledSettings(temperature=1.0)
        known = replace(table, gold=np.maximum(self._truth, -1).astype(np.int32))
        posteriors, _ = fit_pooled(known, settings)
        coded = code(table)
        counts = (coded.said @ posteriors).reshape(coded.n_workers, coded.n_labels, coded.n_labels)
        return worker_matrices(counts, shrunken_skills(counts, settings), settings)

    def draw(self, *, size: int, most: int, chance: np.random.Generator) -> Redrawn:
        """Draw `size` tasks with `most` answers each."""
        pilot = chance.choice(self._tasks, len(self._tasks))
        tasks = chance.choice(pilot, size)
        truth, held = self._true_labels(tasks, chance)
        order, imagined = self._in_new_order(tasks, most, chance)
        workers, labels = self._workers[order], self._labels[order]
        rows, turns = np.nonzero(imagined)
        who = self._workers[chance.integers(0, len(self._workers), len(rows))]
        votes = self._votes[tasks[rows]]
        chances = votes + URN_WEIGHT * self._matrices[who, :, held[rows]]
        below = np.cumsum(chances, axis=1)
        said = (chance.random(len(rows))[:, None] * below[:, -1:] > below).sum(axis=1)
        workers[rows, turns], labels[rows, turns] = who, np.minimum(said, self._shape[1] - 1)
        workers += ((turn_among_equals(tasks) % COPIES) * self._shape[0]).astype(np.int32)[:, None]
        table = AnswerTable(
            tasks=np.repeat(np.arange(size, dtype=np.int32), most),
            workers=workers.ravel(),
            labels=labels.ravel(),
            n_tasks=size,
            n_workers=COPIES * self._shape[0],
            n_labels=self._shape[1],
        )
        places = np.tile(np.arange(most, dtype=np.int64), size)
        recording = Recording(answers=table, turns=places, recorded=np.full(size, most, dtype=np.int64))
        agreed = winners(self._posteriors[tasks], seed=0).astype(np.int32)
        return Redrawn(recording=recording, truth=truth, agreed=agreed, imagined=imagined)

    def _true_labels(self, tasks: Places, chance: np.random.Generator) -> tuple[Ints, Ints]:
        """Return what the tasks are scored by, and the label that imagined answers come from."""
        below = np.cumsum(self._posteriors[tasks], axis=1)
        drawn = (chance.random(len(tasks))[:, None] * below[:, -1:] > below).sum(axis=1)
        drawn = np.minimum(drawn, self._posteriors.shape[1] - 1).astype(np.int32)
        known = self._truth[tasks]
        scored = known if self._is_measured else np.where(known == -1, drawn, known)
        return scored, np.where(known < 0, drawn, known)

    def _in_new_order(self, tasks: Places, most: int, chance: np.random.Generator) -> tuple[Places, NDArray[np.bool_]]:
        """Return the places (n, most) of each task's answers in a random order, and where there are none left."""
        counts = self._counts[tasks]
        turns = np.arange(int(max(counts.max(), most)))
        there = turns < counts[:, None]
        order = np.argsort(np.where(there, chance.random(there.shape), 2.0), axis=1)[:, :most]
        imagined = ~there[:, :most]
        return self._starts[tasks][:, None] + np.where(imagined, 0, order), imagined


def turn_among_equals(codes: Places) -> Places:
    """Number the equal codes among themselves: 0 for the first of its kind, 1 for the next."""
    order = np.argsort(codes, kind="stable")
    starts = np.searchsorted(codes[order], codes[order])
    turns = np.empty(len(codes), dtype=np.int64)
    turns[order] = np.arange(len(codes)) - starts
    return turns
