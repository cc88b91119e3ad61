"""What is left of a batch: how many answers its unfinished tasks will still take, by its own so far.

At every number of answers the share of tasks that asked for one more is counted among those that stood there (a
Kaplan–Meier estimate: an unfinished task counts as far as it has come). Where few or none stood, a crowd of one
accuracy, fitted to the votes, says what to expect. Draws from both give the interval.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

DRAWS = 2_000
# How many tasks' worth the fitted crowd counts beside the batch's own.
CROWD_WEIGHT = 6.0
CROWD_TASKS = 4_000
EM_STEPS = 20
ACCURACY_RANGE = (0.5, 0.995)
LOW, HIGH = 0.05, 0.95


@dataclass(frozen=True)
class Standing:
    """Tasks as they stand: `votes` (n, K) answers for each label, `overlap` (n,) places so far, `done` (n,) retired."""

    votes: Ints
    overlap: Ints
    done: NDArray[np.bool_]


@dataclass(frozen=True)
class Rule:
    """When a task has answers enough: from `least` to `most` of them, and the confidence that needs no more."""

    least: int
    most: int
    confidence: float


@dataclass(frozen=True)
class Further:
    """Answers still to come: the mean, and the bounds of a 90% interval."""

    mean: float
    low: float
    high: float


def further_answers(standing: Standing, rule: Rule, *, observed: bool, fresh: int = 0, seed: int = 0) -> Further:
    """Say how many answers the unfinished tasks, and `fresh` ones that have none, will still take.

    `observed`: the tasks were stopped by this very rule, so where they stopped is evidence; under another confidence
    the votes are judged again by the fitted crowd.
    """
    chance = np.random.default_rng(seed)
    accuracy, prior = fit_crowd(standing.votes)
    asked, stood = _observed(standing, rule) if observed else _judged(standing, rule, accuracy=accuracy, prior=prior)
    guess_asked, guess_stood = _imagined(rule, accuracy=accuracy, prior=prior, chance=chance)
    guess = (guess_asked + 0.5) / (guess_stood + 1.0)
    alpha = asked + CROWD_WEIGHT * guess
    beta = (stood - asked) + CROWD_WEIGHT * (1.0 - guess)
    waiting, certain = _waiting(standing, rule, fresh)
    levels = rule.most - rule.least + 1
    totals = np.full(DRAWS, float(certain))
    here = np.tile(waiting, (DRAWS, 1))
    for level in range(levels - 1):
        share = chance.beta(alpha[level], beta[level], DRAWS)
        more = chance.binomial(here[:, level], share)
        totals += more
        here[:, level + 1] += more
    low, high = np.quantile(totals, (LOW, HIGH))
    return Further(mean=float(totals.mean()), low=float(low), high=float(high))


def days_needed(further: Further, *, answers: int, seconds: float, seed: int = 0) -> Further:
    """Return how many days they take at the pace of `answers` in `seconds`, with what a pace so seen is worth."""
    chance = np.random.default_rng(seed)
    # An interval of 90% is 3.29 standard deviations wide.
    amount = chance.normal(further.mean, (further.high - further.low) / 3.29, DRAWS).clip(min=0.0)
    pace = chance.gamma(answers, 1.0 / seconds, DRAWS)
    took = amount / pace / 86_400.0
    low, high = np.quantile(took, (LOW, HIGH))
    return Further(mean=further.mean * seconds / answers / 86_400.0, low=float(low), high=float(high))


def fit_crowd(votes: Ints) -> tuple[float, Floats]:
    """Fit one accuracy to all workers, and how frequent each label is, by EM; (accuracy, (K,) shares that sum to 1)."""
    labels = votes.shape[1]
    heard = votes[votes.sum(axis=1) > 0].astype(np.float64)
    accuracy, prior = 0.8, np.full(labels, 1.0 / labels)
    if labels < 2 or not len(heard):
        return accuracy, prior
    for _ in range(EM_STEPS):
        belief = _belief(heard, accuracy=accuracy, prior=prior)
        right = float((belief * heard).sum())
        # Four imagined answers, three of them right, keep a handful of answers from being believed whole.
        accuracy = float(np.clip((right + 3.0) / (heard.sum() + 4.0), *ACCURACY_RANGE))
        prior = (belief.sum(axis=0) + 1.0) / (len(heard) + labels)
    return accuracy, prior


def _belief(votes: Floats, *, accuracy: float, prior: Floats) -> Floats:
    wrong = (1.0 - accuracy) / max(1, votes.shape[1] - 1)
    weight = np.log(prior) + votes * (np.log(accuracy) - np.log(wrong))
    weight = np.exp(weight - weight.max(axis=1, keepdims=True))
    return np.asarray(weight / weight.sum(axis=1, keepdims=True), dtype=np.float64)


def _observed(standing: Standing, rule: Rule) -> tuple[Floats, Floats]:
    """Count, at each number of answers, the tasks that were judged there and those that asked for one more."""
    asked, stood = (np.zeros(rule.most - rule.least + 1) for _ in range(2))
    answers = standing.votes.sum(axis=1)
    for level in range(len(asked)):
        count = rule.least + level
        went_on = standing.overlap > count
        ended = standing.done & (standing.overlap == count) & (answers == count)
        asked[level], stood[level] = went_on.sum(), (went_on | ended).sum()
    return asked, stood


def _judged(standing: Standing, rule: Rule, *, accuracy: float, prior: Floats) -> tuple[Floats, Floats]:
    """Judge the tasks that have come to each number of answers as the fitted crowd would."""
    asked, stood = (np.zeros(rule.most - rule.least + 1) for _ in range(2))
    answers = standing.votes.sum(axis=1)
    sure = _belief(standing.votes.astype(np.float64), accuracy=accuracy, prior=prior).max(axis=1) >= rule.confidence
    for level in range(len(asked)):
        there = answers == rule.least + level
        asked[level], stood[level] = (there & ~sure).sum(), there.sum()
    return asked, stood


def _imagined(rule: Rule, *, accuracy: float, prior: Floats, chance: np.random.Generator) -> tuple[Floats, Floats]:
    """Play tasks with a crowd of this accuracy and count where they ask for more."""
    labels = len(prior)
    truth = chance.choice(labels, CROWD_TASKS, p=prior)
    votes = np.zeros((CROWD_TASKS, labels))
    asked, stood = (np.zeros(rule.most - rule.least + 1) for _ in range(2))
    rows = np.arange(CROWD_TASKS)
    for count in range(1, rule.most):
        right = chance.random(len(rows)) < accuracy
        other = (truth[rows] + chance.integers(1, max(2, labels), len(rows))) % labels
        votes[rows, np.where(right, truth[rows], other)] += 1
        if count >= rule.least:
            stood[count - rule.least] = len(rows)
            rows = rows[_belief(votes[rows], accuracy=accuracy, prior=prior).max(axis=1) < rule.confidence]
            asked[count - rule.least] = len(rows)
    return asked, stood


def _waiting(standing: Standing, rule: Rule, fresh: int) -> tuple[Ints, int]:
    """Count the unfinished tasks by the places they have, and the places that are still to be filled for certain."""
    open_tasks = ~standing.done
    places = np.clip(standing.overlap[open_tasks], rule.least, rule.most)
    missing = np.clip(places - standing.votes[open_tasks].sum(axis=1), 0, None)
    waiting = np.bincount(places - rule.least, minlength=rule.most - rule.least + 1).astype(np.int64)
    waiting[0] += fresh
    return waiting, int(missing.sum()) + fresh * rule.least
