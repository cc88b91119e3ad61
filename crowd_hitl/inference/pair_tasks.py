"""Which of two, for every pair that was asked: the answers to it, and what is known of both things from all others.

The true outcome of a task has Davidson's (1970) chance given the scores of its two things; workers report it with
their own skill and the crowd's pattern of errors. Both are fitted together by EM, so an answer is not counted twice.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crowd_hitl.inference.adding import added
from crowd_hitl.inference.answers import Answers, shares_of_agreement, uniform, vote_counts
from crowd_hitl.inference.pairs import Games, PairSettings, bradley_terry, scores_of
from crowd_hitl.inference.pooled import clamp, posteriors_of

Ints = NDArray[np.int32]
Floats = NDArray[np.float64]

LEFT, RIGHT, TIE = 0, 1, 2


@dataclass(frozen=True)
class Shown:
    """What each task compares: codes of things, shape (n_tasks,), −1 where unknown."""

    left: Ints
    right: Ints
    n_things: int


@dataclass(frozen=True)
class OutcomeSettings:
    """Pseudo-answers that shrink a worker's skill, EM's length, how far posteriors are believed, a score's prior."""

    skill_weight: float = 4.0
    iterations: int = 8
    temperature: float = 1.3
    smoothing: float = 1.0
    score_prior: float = 4.0


def fit_outcomes(answers: Answers, shown: Shown | None, settings: OutcomeSettings) -> tuple[Floats, Floats]:
    """Return posteriors (n_tasks, 2 or 3) over left, right, tie and the workers' shares of right answers.

    A task without answers has what its things' scores say, or is uniform; gold is certain.
    """
    order = np.lexsort((answers.labels, answers.workers, answers.tasks))
    tasks, workers, labels = answers.tasks[order], answers.workers[order], answers.labels[order]
    n_labels = answers.n_labels
    given = np.bincount(workers, minlength=answers.n_workers)
    votes = vote_counts(answers) + 0.1 / n_labels
    posteriors = clamp(votes / votes.sum(axis=1, keepdims=True), answers.gold)
    skills = np.full(answers.n_workers, 0.5)
    prior = uniform(answers.n_tasks, n_labels)
    ties = 1.0
    for _ in range(settings.iterations):
        right = added(workers, posteriors[tasks, labels], answers.n_workers)
        crowd = (right.sum() + 2.0) / (given.sum() + 2.0 + 2.0 / max(n_labels - 1, 1))
        skills = (right + settings.skill_weight * crowd) / (given + settings.skill_weight)
        errors = crowd_errors(posteriors[tasks], labels, settings)
        said = np.log((1.0 - skills[workers])[:, None] * errors[:, labels].T + 1e-12)
        said[np.arange(len(labels)), labels] = np.log(skills[workers])
        evidence = np.stack([added(tasks, said[:, label], answers.n_tasks) for label in range(n_labels)], axis=1)
        prior, ties = outcome_prior(posteriors, shown, ties, settings)
        posteriors = posteriors_of(np.log(prior) + evidence, answers.gold)
    softened = posteriors_of(np.log(np.maximum(posteriors, 1e-300)) / settings.temperature, None)
    silent = np.bincount(tasks, minlength=answers.n_tasks) == 0
    softened[silent] = prior[silent]
    return clamp(softened, answers.gold), np.where(given > 0, skills, shares_of_agreement(answers, softened))


def outcome_prior(
    posteriors: Floats, shown: Shown | None, ties: float, settings: OutcomeSettings
) -> tuple[Floats, float]:
    """Return each task's chances before any answer, by Davidson's model, and his ν (how easily there is a tie)."""
    n_tasks, n_labels = posteriors.shape
    gaps = np.zeros(n_tasks) if shown is None else score_gaps(posteriors, shown, settings)
    left, right = np.exp(gaps / 2.0), np.exp(-gaps / 2.0)
    if n_labels == TIE:
        return np.stack([left, right], axis=1) / (left + right)[:, None], ties
    expected = float((ties / (left + right + ties)).sum()) + settings.smoothing
    ties *= (float(posteriors[:, TIE].sum()) + settings.smoothing) / expected
    chances = np.stack([left, right, np.full(n_tasks, ties)], axis=1)
    prior: Floats = chances / chances.sum(axis=1, keepdims=True)
    return prior, ties


def score_gaps(posteriors: Floats, shown: Shown, settings: OutcomeSettings) -> Floats:
    """Return how far the left thing's score is above the right one's; 0 where one of them is unknown."""
    known = (shown.left >= 0) & (shown.right >= 0) & (shown.left != shown.right)
    left, right = shown.left[known].astype(np.int64), shown.right[known].astype(np.int64)
    half = posteriors[known, TIE] / 2.0 if posteriors.shape[1] > TIE else np.zeros(len(left))
    weight = np.concatenate([posteriors[known, LEFT] + half, posteriors[known, RIGHT] + half])
    games = Games(np.concatenate([left, right]), np.concatenate([right, left]), weight, shown.n_things)
    strengths = bradley_terry(games, PairSettings(prior=settings.score_prior, steps=200, tolerance=1e-6))
    scores = scores_of(strengths)
    gaps = np.zeros(len(shown.left))
    gaps[known] = np.clip(scores[left] - scores[right], -20.0, 20.0)
    return gaps


def crowd_errors(posteriors: Floats, labels: Ints, settings: OutcomeSettings) -> Floats:
    """Return P(the crowd says l | k holds and it is wrong), shape (k, l), 0 on the diagonal."""
    n_labels = posteriors.shape[1]
    counts = np.stack([added(labels, posteriors[:, true], n_labels) for true in range(n_labels)])
    counts += settings.smoothing
    np.fill_diagonal(counts, 0.0)
    errors: Floats = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1e-300)
    return errors
