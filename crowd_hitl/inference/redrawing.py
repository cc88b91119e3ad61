"""Redraws a pilot: items with replacement, their answers in a new order, and beyond those that there are imagined ones.

Items are drawn twice, a pilot out of the pilot and from that the rest, so that the spread holds what a small pilot
leaves unknown and what the rest brings of its own. An imagined answer comes from an urn: the task's own votes, and as
many more as `URN_WEIGHT` from the fitted confusion matrix of a worker of the pilot, so that an item which was hard so
far stays hard. Where no truth is known, it is drawn from the posterior.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crowd_hitl.domain.errors import bad_field
from crowd_hitl.domain.ports import AnswerTable
from crowd_hitl.inference.answers import check_answers, vote_counts
from crowd_hitl.inference.pooled import PooledSettings, code, fit_pooled, shrunken_skills, worker_matrices
from crowd_hitl.inference.replaying import Recording

Ints = NDArray[np.int32]
Places = NDArray[np.int64]
Floats = NDArray[np.float64]

URN_WEIGHT = 3.0
LARGEST_MATRICES = 8_000_000


@dataclass(frozen=True)
class Pilot:
    """Answers at hand, one voice per worker and task; `truth` (n_tasks,) is −1 where unknown, −2 for a label nobody

    gave; None when nothing is known.
    """

    answers: AnswerTable
    truth: Ints | None = None


@dataclass(frozen=True)
class Redrawn:
    """Tasks as they might come: a recording with `most` answers of each, its truth, and which answers are imagined."""

    recording: Recording
    truth: Ints
    imagined: NDArray[np.bool_]

    def share_imagined(self, bought: Places) -> float:
        """Return which share of the first `bought[t]` answers of every task is imagined."""
        taken = np.arange(self.imagined.shape[1]) < bought[:, None]
        return float((self.imagined & taken).sum() / max(1, taken.sum()))


class Urn:
    """A fitted pilot to draw from."""

    def __init__(self, pilot: Pilot, *, known_only: bool) -> None:
        table = pilot.answers
        check_answers(table)
        if table.n_workers * table.n_labels**2 > LARGEST_MATRICES:
            raise bad_field("labels", expected="few enough for a matrix per worker", found=f"{table.n_labels} labels")
        self._votes = vote_counts(table)
        self._truth = np.full(table.n_tasks, -1, dtype=np.int32) if pilot.truth is None else pilot.truth
        self._posteriors, _ = fit_pooled(table, PooledSettings())
        asked = self._votes.sum(axis=1) > 0
        # Scored by what is known, the sample must be of what is known.
        self._tasks = np.flatnonzero(asked & (self._truth != -1) if known_only else asked)
        order = np.lexsort((table.labels, table.workers, table.tasks))
        self._workers, self._labels = table.workers[order], table.labels[order]
        self._counts = np.bincount(table.tasks, minlength=table.n_tasks)
        self._starts = np.cumsum(self._counts) - self._counts
        self._matrices = self._fitted(table)
        self._shape = (table.n_workers, table.n_labels)

    def _fitted(self, table: AnswerTable) -> Floats:
        coded = code(table)
        shape = (coded.n_workers, coded.n_labels, coded.n_labels)
        counts = (coded.said @ self._posteriors).reshape(shape)
        settings = PooledSettings()
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
        table = AnswerTable(
            tasks=np.repeat(np.arange(size, dtype=np.int32), most),
            workers=workers.ravel(),
            labels=labels.ravel(),
            n_tasks=size,
            n_workers=self._shape[0],
            n_labels=self._shape[1],
        )
        places = np.tile(np.arange(most, dtype=np.int64), size)
        recording = Recording(answers=table, turns=places, recorded=np.full(size, most, dtype=np.int64))
        return Redrawn(recording=recording, truth=truth, imagined=imagined)

    def _true_labels(self, tasks: Places, chance: np.random.Generator) -> tuple[Ints, Ints]:
        """Return what the tasks are scored by, and the label that imagined answers come from."""
        below = np.cumsum(self._posteriors[tasks], axis=1)
        drawn = (chance.random(len(tasks))[:, None] * below[:, -1:] > below).sum(axis=1)
        drawn = np.minimum(drawn, self._posteriors.shape[1] - 1).astype(np.int32)
        known = self._truth[tasks]
        return np.where(known == -1, drawn, known), np.where(known < 0, drawn, known)

    def _in_new_order(self, tasks: Places, most: int, chance: np.random.Generator) -> tuple[Places, NDArray[np.bool_]]:
        """Return the places (n, most) of each task's answers in a random order, and where there are none left."""
        counts = self._counts[tasks]
        turns = np.arange(int(max(counts.max(), most)))
        there = turns < counts[:, None]
        order = np.argsort(np.where(there, chance.random(there.shape), 2.0), axis=1)[:, :most]
        imagined = ~there[:, :most]
        return self._starts[tasks][:, None] + np.where(imagined, 0, order), imagined
