"""Settles ties the same way everywhere: a seed orders the labels, and the first of those that are level wins."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

LEVEL = 1e-9
# Numbers looked at in one step: their copies stay small.
AT_ONCE = 500_000


def is_top(posteriors: Floats) -> NDArray[np.bool_]:
    """Mark, per row, every label that is as likely as the likeliest."""
    top: NDArray[np.bool_] = posteriors >= posteriors.max(axis=1, keepdims=True) - LEVEL
    return top


def label_ranks(n_labels: int, *, seed: int) -> NDArray[np.int64]:
    """Return each label's place in the order by which ties are broken.

    Labels are coded in the order of their names, so this is an order of names, whatever order rows came in.
    """
    return np.random.default_rng(seed).permutation(n_labels)


def winners(posteriors: Floats, *, seed: int) -> NDArray[np.int64]:
    """Return the likeliest label of every row, ties broken by the seeded order."""
    ranks = label_ranks(posteriors.shape[1], seed=seed)
    first = np.empty(len(posteriors), dtype=np.int64)
    rows = max(1, AT_ONCE // posteriors.shape[1])
    for start in range(0, len(posteriors), rows):
        part = posteriors[start : start + rows]
        first[start : start + rows] = np.where(is_top(part), ranks, posteriors.shape[1]).argmin(axis=1)
    return first


def accuracy(posteriors: Floats, truth: NDArray[np.int32]) -> float:
    """Return the share of known tasks that are right; a tie between m labels, one of them right, counts 1/m.

    `truth` is −1 where unknown, and −2 where known but no label that was ever given. NaN when nothing is known.
    """
    known = np.flatnonzero(truth != -1)
    if not len(known):
        return float("nan")
    top = is_top(posteriors[known])
    right = np.where(truth[known] >= 0, top[np.arange(len(known)), np.maximum(truth[known], 0)], False)
    return float((right / top.sum(axis=1)).mean())
