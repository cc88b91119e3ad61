"""Dawid–Skene for sparse answers: every worker's confusion matrix is shrunk to the crowd's, in few EM iterations.

Plain Dawid–Skene fits K² numbers per worker and, with two answers per task, believes itself. Here a worker is first
one number, the share of right answers, shrunk to the crowd's; the crowd's own matrix, moved by that number, is the
prior of the worker's matrix, which the worker's answers then move. After Dawid and Skene (1979), with the pooled
prior of Raykar et al. (2010); the temperature answers for errors that workers share.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from crowd_hitl.inference.answers import Answers, uniform, vote_counts

Ints = NDArray[np.int32]
Floats = NDArray[np.float64]

# Above this many cells the workers keep one number each: a matrix per worker would fill the memory.
LARGEST_MATRICES = 8_000_000


@dataclass(frozen=True)
class PooledSettings:
    """How strongly workers are shrunk to the crowd (in pseudo-answers), EM's rounds, how far it is believed."""

    skill_weight: float = 4.0
    matrix_weight: float = 8.0
    iterations: int = 4
    temperature: float = 1.15
    smoothing: float = 1.0


@dataclass(frozen=True)
class Coded:
    """Answers as a sparse matrix (workers·labels, tasks) with, per cell, how often that worker said so; and turned."""

    said: sparse.csr_array
    heard: sparse.csr_array
    n_workers: int
    n_labels: int
    gold: Ints | None


@dataclass(frozen=True)
class Fitted:
    """What a fit knows, at temperature 1: posteriors (n_tasks, K), skills (n_workers,), and what produced the former.

    `chances[w, l, k]` is P(w says l | k holds), `prior` (K,) how common each class is, `crowd[l, k]` the matrix of a
    worker of whom nothing is known.
    """

    posteriors: Floats
    skills: Floats
    chances: Floats
    prior: Floats
    crowd: Floats


def fit_pooled(answers: Answers, settings: PooledSettings) -> tuple[Floats, Floats]:
    """Return the tasks' posteriors (n_tasks, K), rows summing to 1, and the workers' share of right answers.

    A task without answers is uniform unless it is gold; a gold task is certain and teaches its workers' skill.
    """
    fitted = fit_answers(answers, settings)
    if fitted is None:
        return fit_skills_only(answers, settings)
    return finished(answers, fitted.posteriors, settings), fitted.skills


def fit_answers(answers: Answers, settings: PooledSettings) -> Fitted | None:
    """Run EM from the votes; None for so many labels that a matrix for each worker would not fit."""
    if answers.n_workers * answers.n_labels**2 > LARGEST_MATRICES:
        return None
    coded = code(answers)
    return fit_matrices(coded, first_guess(coded), settings, rounds=settings.iterations)


def fit_matrices(coded: Coded, posteriors: Floats, settings: PooledSettings, *, rounds: int) -> Fitted:
    """Run EM from these posteriors; every round first learns the workers and then weighs the tasks."""
    for _ in range(max(1, rounds)):
        counts = (coded.said @ posteriors).reshape(coded.n_workers, coded.n_labels, coded.n_labels)
        skills = shrunken_skills(counts, settings)
        chances = worker_matrices(counts, skills, settings)
        prior = class_prior(posteriors, settings)
        posteriors = posteriors_of(np.log(prior) + weigh(coded, chances), coded.gold)
    return Fitted(posteriors, skills, chances, prior, crowd_matrix(counts, settings))


def fit_skills_only(answers: Answers, settings: PooledSettings) -> tuple[Floats, Floats]:
    """Do the same with one number per worker: for so many labels that a matrix each would not fit."""
    votes = vote_counts(answers) + 0.1 / answers.n_labels
    posteriors = clamp(votes / votes.sum(axis=1, keepdims=True), answers.gold)
    skills = np.full(answers.n_workers, 0.5)
    # Summed in one order, so that the order of the answers does not show in the last digit.
    order = np.lexsort((answers.labels, answers.tasks, answers.workers))
    tasks, workers, labels = answers.tasks[order], answers.workers[order], answers.labels[order]
    given = np.bincount(answers.workers, minlength=answers.n_workers)
    cells = tasks.astype(np.int64) * answers.n_labels + labels
    for _ in range(settings.iterations):
        seen = posteriors[tasks, labels]
        right = np.bincount(workers, weights=seen, minlength=answers.n_workers)
        crowd = (right.sum() + 1.0) / (given.sum() + 2.0)
        skills = (right + settings.skill_weight * crowd) / (given + settings.skill_weight)
        # What one label gains over any other when this worker gives it.
        gain = np.log(skills * (answers.n_labels - 1)) - np.log(np.maximum(1.0 - skills, 1e-12))
        evidence = np.bincount(cells, weights=gain[workers], minlength=posteriors.size)
        prior = np.log(class_prior(posteriors, settings))
        posteriors = posteriors_of(prior + evidence.reshape(posteriors.shape), answers.gold)
    return finished(answers, posteriors, settings), skills


def finished(answers: Answers, posteriors: Floats, settings: PooledSettings) -> Floats:
    """Soften the posteriors; nothing is known of a task without answers, all of a gold one."""
    posteriors = soften(posteriors, settings.temperature)
    posteriors[np.bincount(answers.tasks, minlength=answers.n_tasks) == 0] = uniform(1, answers.n_labels)
    return clamp(posteriors, answers.gold)


def code(answers: Answers) -> Coded:
    """Lay the answers out; their order is lost here, so that no result can depend on it."""
    n_workers, n_labels = answers.n_workers, answers.n_labels
    cells = answers.workers.astype(np.int64) * n_labels + answers.labels
    ones = np.ones(len(answers.tasks))
    said = sparse.csr_array((ones, (cells, answers.tasks)), shape=(n_workers * n_labels, answers.n_tasks))
    said.sum_duplicates()
    return Coded(said=said, heard=said.T.tocsr(), n_workers=n_workers, n_labels=n_labels, gold=answers.gold)


def first_guess(coded: Coded) -> Floats:
    """Start from the shares of the votes, gold clamped."""
    one_per_label = np.tile(np.eye(coded.n_labels), (coded.n_workers, 1))
    votes = coded.heard @ one_per_label + 0.1 / coded.n_labels
    return clamp(votes / votes.sum(axis=1, keepdims=True), coded.gold)


def shrunken_skills(counts: Floats, settings: PooledSettings) -> Floats:
    """Estimate each worker's share of right answers, drawn to the crowd's mean by `skill_weight` pseudo-answers.

    `counts[w, l, k]` is how often w said l where k holds.
    """
    right = np.einsum("wkk->w", counts)
    given = counts.sum(axis=(1, 2))
    crowd = crowd_skill(counts)
    skills: Floats = (right + settings.skill_weight * crowd) / (given + settings.skill_weight)
    return skills


def crowd_skill(counts: Floats) -> float:
    """Return the whole crowd's share of right answers; without answers, that of a guess."""
    odd_labels = max(counts.shape[1] - 1, 1)
    return float((np.einsum("wkk->", counts) + 1.0) / (counts.sum() + 1.0 + 1.0 / odd_labels))


def worker_matrices(counts: Floats, skills: Floats, settings: PooledSettings) -> Floats:
    """Return P(w says l | k holds), shape (w, l, k): own counts over the crowd's matrix, moved by the worker's skill.

    The skill moves the odds of a right answer alike in every class, so that what is hard for all stays hard.
    """
    if counts.shape[1] == 1:
        return np.ones_like(counts)
    crowd = crowd_skill(counts)
    better = skills / np.maximum(1.0 - skills, 1e-9) * ((1.0 - crowd) / crowd)
    matrix = crowd_matrix(counts, settings)
    prior = np.where(np.eye(counts.shape[1], dtype=bool), matrix * better[:, None, None], matrix)
    prior /= prior.sum(axis=1, keepdims=True)
    seen = counts.sum(axis=1, keepdims=True)
    chances: Floats = (counts + settings.matrix_weight * prior) / (seen + settings.matrix_weight)
    return chances


def crowd_matrix(counts: Floats, settings: PooledSettings) -> Floats:
    """Return P(somebody says l | k holds), shape (l, k), over all workers."""
    n_labels = counts.shape[1]
    if n_labels == 1:
        return np.ones((1, 1))
    crowd = crowd_skill(counts)
    guess = np.where(np.eye(n_labels, dtype=bool), crowd, (1.0 - crowd) / (n_labels - 1))
    matrix: Floats = counts.sum(axis=0) + settings.smoothing * guess
    matrix /= matrix.sum(axis=0, keepdims=True)
    return matrix


def class_prior(posteriors: Floats, settings: PooledSettings) -> Floats:
    """Return how common each class is, smoothed."""
    mass = posteriors.sum(axis=0) + settings.smoothing
    prior: Floats = mass / mass.sum()
    return prior


def weigh(coded: Coded, chances: Floats) -> Floats:
    """Add up what each task's answers say for every label, as logarithms."""
    evidence: Floats = coded.heard @ np.log(np.maximum(chances, 1e-12)).reshape(-1, coded.n_labels)
    return evidence


def posteriors_of(logits: Floats, gold: Ints | None) -> Floats:
    """Return rows that sum to 1, gold clamped."""
    weights = np.exp(logits - logits.max(axis=1, keepdims=True))
    return clamp(weights / weights.sum(axis=1, keepdims=True), gold)


def soften(posteriors: Floats, temperature: float) -> Floats:
    """Flatten the posteriors without moving their order: EM on few answers believes itself too much."""
    weights = posteriors ** (1.0 / temperature)
    softened: Floats = weights / weights.sum(axis=1, keepdims=True)
    return softened


def clamp(posteriors: Floats, gold: Ints | None) -> Floats:
    """Set the tasks whose answer is known to it."""
    if gold is None:
        return posteriors
    known = np.flatnonzero(gold >= 0)
    posteriors[known] = 0.0
    posteriors[known, gold[known]] = 1.0
    return posteriors
