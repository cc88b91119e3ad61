"""One answer more: its task's posterior in O(K), with the workers' matrices of the last background pass.

A pass leaves a `Snapshot`; between passes each submitted answer adds one row of logarithms to its task's evidence.
Plain Python, as numpy's calls cost more than K additions.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp

import numpy as np
from numpy.typing import NDArray

from crowd_hitl.domain.errors import bad_field
from crowd_hitl.inference.answers import Answers
from crowd_hitl.inference.calibrating import GOLD_FREE, GROWTH, Calibration
from crowd_hitl.inference.pooled import (
    LARGEST_MATRICES,
    Fitted,
    PooledSettings,
    code,
    first_guess,
    fit_matrices,
    posteriors_of,
)

Floats = NDArray[np.float64]

LEAST_CHANCE = 1e-12
# A pass that starts from the last one's posteriors keeps their faults: beyond this growth it starts from the votes.
WARM_GROWTH = 0.1
WARM_ROUNDS = 2


@dataclass(frozen=True)
class Snapshot:
    """What a background pass knows of the workers, as logarithms; codes as in the table that it was fitted to.

    `log_chances[w, l]` (K,) is what the answer l of worker w says for each class, `log_crowd[l]` that of a worker who
    was not there yet; `log_prior` (K,). `answers` is how many were fitted, `started_from` how many the last pass from
    the votes had.
    """

    log_chances: Floats
    log_crowd: Floats
    log_prior: Floats
    answers: int
    started_from: int

    def row(self, worker: int | None, label: int) -> list[float]:
        """Return what one answer says for each class; None is a worker that the pass did not know."""
        if not 0 <= label < len(self.log_prior):
            raise bad_field("label", expected=f"a code from 0 to {len(self.log_prior) - 1}", found=label)
        known = worker is not None and 0 <= worker < len(self.log_chances)
        row: list[float] = (self.log_chances[worker, label] if known else self.log_crowd[label]).tolist()
        return row


@dataclass(frozen=True)
class Evidence:
    """What a task's answers say so far: summed logarithms for each class, without the prior; and how many there are."""

    said: tuple[float, ...]
    answers: int = 0


def nothing_yet(n_labels: int) -> Evidence:
    """Return the evidence of a task without answers."""
    return Evidence(said=(0.0,) * n_labels)


def hear(evidence: Evidence, row: Sequence[float]) -> Evidence:
    """Add one answer, given what it says (`Snapshot.row`)."""
    return Evidence(tuple([a + b for a, b in zip(evidence.said, row, strict=True)]), evidence.answers + 1)


def unhear(evidence: Evidence, row: Sequence[float]) -> Evidence:
    """Take an answer out again; the row must be of the snapshot that it was added with."""
    return Evidence(tuple([a - b for a, b in zip(evidence.said, row, strict=True)]), evidence.answers - 1)


def posterior(
    evidence: Evidence, log_prior: Sequence[float], *, calibration: Calibration | None = GOLD_FREE
) -> list[float]:
    """Return the probabilities of the classes, summing to 1; uncalibrated (as the batch's E-step) where None is given.

    A task without answers is uniform.
    """
    size = len(log_prior)
    if not evidence.answers:
        return [1.0 / size] * size
    heat, mixing = 1.0, 0.0
    if calibration is not None:
        heat, mixing = 1.0 / (calibration.base * (evidence.answers + 2.0) ** GROWTH), calibration.mixing
    logits = [a + b for a, b in zip(evidence.said, log_prior, strict=True)]
    top = max(logits)
    weights = [exp((logit - top) * heat) for logit in logits]
    total = sum(weights)
    kept, added = (1.0 - mixing) / total, mixing / size
    return [weight * kept + added for weight in weights]


def take_snapshot(fitted: Fitted, *, answers: int, started_from: int) -> Snapshot:
    """Keep what a fit knows of the workers."""
    return Snapshot(
        log_chances=np.log(np.maximum(fitted.chances, LEAST_CHANCE)),
        log_crowd=np.log(np.maximum(fitted.crowd, LEAST_CHANCE)),
        log_prior=np.log(fitted.prior),
        answers=answers,
        started_from=started_from,
    )


def weigh_all(answers: Answers, snapshot: Snapshot) -> Floats:
    """Do the batch's E-step with a snapshot: the uncalibrated posteriors (n_tasks, K) that adding one by one gives.

    Workers beyond the snapshot count as the crowd; tasks without answers keep the prior.
    """
    n_new = answers.n_workers - len(snapshot.log_chances)
    logs = snapshot.log_chances
    if n_new > 0:
        logs = np.concatenate([logs, np.broadcast_to(snapshot.log_crowd, (n_new, *snapshot.log_crowd.shape))])
    coded = code(answers)
    said = coded.heard @ logs[: answers.n_workers].reshape(-1, coded.n_labels)
    return posteriors_of(snapshot.log_prior + said, coded.gold)


def refresh(answers: Answers, settings: PooledSettings, *, last: Snapshot | None = None) -> tuple[Fitted, Snapshot]:
    """Learn the workers anew: from the last pass while little came in since one that began at the votes; else so.

    Codes must mean what they meant in `last`: new tasks and workers come behind the old ones. BadInput for so many
    labels that a matrix for each worker would not fit: there only a whole pass (`fit_pooled`) weighs.
    """
    if answers.n_workers * answers.n_labels**2 > LARGEST_MATRICES:
        most = int((LARGEST_MATRICES / answers.n_workers) ** 0.5)
        raise bad_field("n_labels", expected=f"at most {most} for {answers.n_workers} workers", found=answers.n_labels)
    size = len(answers.tasks)
    coded = code(answers)
    warm = last is not None and last.started_from <= size <= last.started_from * (1.0 + WARM_GROWTH)
    if last is not None and warm:
        fitted = fit_matrices(coded, weigh_all(answers, last), settings, rounds=WARM_ROUNDS)
        return fitted, take_snapshot(fitted, answers=size, started_from=last.started_from)
    fitted = fit_matrices(coded, first_guess(coded), settings, rounds=settings.iterations)
    return fitted, take_snapshot(fitted, answers=size, started_from=size)
