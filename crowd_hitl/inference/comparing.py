"""Compares two ways to label the same tasks: which of them each way has right, and how sure the difference is."""

import numpy as np
from numpy.typing import NDArray

from crowd_hitl.inference.ties import is_top

Floats = NDArray[np.float64]

SAMPLES = 2000
# Rows of random counts held at once: a set with a million known tasks must not fill the memory.
CELLS_AT_ONCE = 4_000_000


def right_shares(posteriors: Floats, truth: NDArray[np.int32]) -> Floats:
    """Return, per known task, 1 if it is right, 0 if wrong, and 1/m for a tie of m labels with the right one in it.

    `truth` is −1 where unknown, and −2 where known but no label that was ever given.
    """
    known = np.flatnonzero(truth != -1)
    top = is_top(posteriors[known])
    right = np.where(truth[known] >= 0, top[np.arange(len(known)), np.maximum(truth[known], 0)], False)
    shares: Floats = right / np.maximum(top.sum(axis=1), 1)
    return shares


def paired_bounds(differences: Floats, *, seed: int, sureness: float = 0.95) -> tuple[float, float]:
    """Return the bounds of the mean difference by a bootstrap over the tasks; NaN where there are none."""
    size = len(differences)
    if not size:
        return float("nan"), float("nan")
    chance = np.random.default_rng(seed)
    # Tasks with the same difference are alike: a draw of n tasks is a draw of how many of each kind.
    values, counts = np.unique(differences, return_counts=True)
    at_once = max(1, CELLS_AT_ONCE // len(values))
    means: list[Floats] = []
    for start in range(0, SAMPLES, at_once):
        drawn = chance.multinomial(size, counts / size, size=min(at_once, SAMPLES - start))
        means.append(drawn @ values / size)
    low, high = np.quantile(np.concatenate(means), [(1.0 - sureness) / 2, (1.0 + sureness) / 2])
    return float(low), float(high)
