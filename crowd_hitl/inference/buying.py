"""What further answers are worth: how much of the error that is left they are expected to take away.

The log-odds of the two likeliest classes are taken as a random walk with normal steps: after m answers of workers of
a given skill, the classes are m·J apart with variance 2·m·J, J being what one answer tells apart.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

Ints = NDArray[np.int32]
Counts = NDArray[np.int64]
Floats = NDArray[np.float64]

# How many further answers are looked ahead: one alone often cannot turn a label, several can.
STEPS = (1, 2, 3, 4, 5, 6, 8, 10, 14, 20)
# Workers share errors: an answer tells apart half of what it would if it were independent of the others.
SHARED = 0.5
LEAST_GAP = 1e-4


def separation(skills: Floats, given: Counts | Ints, *, n_labels: int) -> float:
    """Return what the next answer tells apart two classes, in nats: half the symmetric divergence, less what is shared.

    The mean over the workers, by how many answers each gave; nothing much without workers.
    """
    if n_labels < 2 or not given.sum():
        return LEAST_GAP
    right = np.clip(skills, 1.0 / n_labels + 0.01, 0.99)
    other = (1.0 - right) / (n_labels - 1)
    apart = (right - other) * np.log(right / other)
    return max(LEAST_GAP, SHARED * float((apart * given).sum() / given.sum()))


def expected_gain(posteriors: Floats, left: Counts | Ints, *, gap: float) -> Floats:
    """Return, per task, how much accuracy its further answers (at most `left`) are expected to add, in 0..1.

    `gap` is what one answer tells apart, as `separation` finds it.
    """
    n_tasks, n_labels = posteriors.shape
    if n_labels < 2:
        return np.zeros(n_tasks)
    first = np.partition(posteriors, n_labels - 2, axis=1)
    top, next_best = first[:, -1], np.maximum(first[:, -2], 1e-9)
    odds = np.log(top / next_best)
    best = np.zeros(n_tasks)
    for step in STEPS:
        spread = np.sqrt(2.0 * step * gap)
        error = top * ndtr(-(odds + step * gap) / spread) + next_best * ndtr((odds - step * gap) / spread)
        best = np.maximum(best, np.where(step <= left, next_best - error, 0.0))
    return best


def entropies(posteriors: Floats) -> Floats:
    """Return how unsure each row is, in nats."""
    found: Floats = -(posteriors * np.log(np.maximum(posteriors, 1e-300))).sum(axis=1)
    return found


def foremost(wanted: Floats, *, count: int) -> Counts:
    """Return the places of the `count` highest values above 0, the highest first; level ones in their order."""
    order = np.argsort(-wanted, kind="stable")[:count]
    return order[wanted[order] > 0.0].astype(np.int64)


def wave(pool_size: int, *, share: float, coming: int, affordable: int | None) -> int:
    """Return how many places to open at once: a share of the pool, less what is coming, and never beyond the money."""
    count = max(1, round(share * pool_size)) - coming
    return max(0, count if affordable is None else min(count, affordable))
