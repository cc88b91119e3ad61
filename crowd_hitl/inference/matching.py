"""How alike two sets of marks are: each mark is matched with at most one of the other set, by how far they overlap."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

Floats = NDArray[np.float64]
Longs = NDArray[np.int64]


def best_pairs(overlaps: Floats) -> tuple[Longs, Longs]:
    """Return the rows and columns of the one-to-one matching with the greatest sum, pairs that do overlap only."""
    if not overlaps.size:
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    rows, columns = linear_sum_assignment(overlaps, maximize=True)
    met = overlaps[rows, columns] > 0
    return rows[met], columns[met]


def likeness(overlaps: Floats, one: int, other: int) -> float:
    """Return 2 Σ overlap / (number of marks in both), 0..1; two empty sets are equal.

    The F1 of the marks where a pair counts by its overlap: 1 where all are equal, and 0 where no two overlap.
    """
    if not one + other:
        return 1.0
    rows, columns = best_pairs(overlaps)
    return min(float(2.0 * overlaps[rows, columns].sum() / (one + other)), 1.0)


def span_likeness(one: Sequence[tuple[int, int, int]], other: Sequence[tuple[int, int, int]]) -> float:
    """Return the likeness of two sets of (start, end, label), an overlap being the shared share of both lengths."""
    if not one or not other:
        return float(len(one) == len(other))
    pairs = sorted(_overlapping(one, other), key=lambda pair: (-pair[0], pair[1], pair[2]))
    left, right, total = set(), set(), 0.0
    # In a text the best matching is the greedy one but for rare chains, and thousands of spans take no time.
    for share, i, j in pairs:
        if i not in left and j not in right:
            left.add(i)
            right.add(j)
            total += share
    return min(2.0 * total / (len(one) + len(other)), 1.0)


def _overlapping(
    one: Sequence[tuple[int, int, int]], other: Sequence[tuple[int, int, int]]
) -> list[tuple[float, int, int]]:
    pairs = []
    begin = 0
    longest = max(end - start for start, end, _ in other)
    for i, (start, end, label) in enumerate(one):
        while begin < len(other) and other[begin][0] + longest <= start:
            begin += 1
        for j in range(begin, len(other)):
            low, high, also = other[j]
            if low >= end:
                break
            shared = min(end, high) - max(start, low)
            if label == also and shared > 0:
                pairs.append((shared / (max(end, high) - min(start, low)), i, j))
    return pairs
