"""Polygons as points: whether they are simple, their area, and their one canonical form. Points are (n, 2) arrays."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Longs = NDArray[np.int64]

FEWEST_POINTS = 3


def doubled_area(points: Longs) -> int:
    """Return twice the signed area; positive where the points go from the x axis towards the y axis."""
    x, y = points[:, 0], points[:, 1]
    return int((x * np.roll(y, -1) - np.roll(x, -1) * y).sum())


def canonical_points(points: Longs) -> Longs:
    """Drop points that repeat the one before, turn the outline one way round and start at its smallest point."""
    repeats = (points == np.roll(points, 1, axis=0)).all(axis=1)
    points = points[~repeats] if not repeats.all() else points[:1]
    if doubled_area(points) < 0:
        points = points[::-1]
    first = int(np.lexsort((points[:, 1], points[:, 0]))[0])
    return np.roll(points, -first, axis=0)


def is_simple(points: Longs) -> bool:
    """Say whether no two edges cross or touch but neighbours at their common point. Whole numbers: exact."""
    count = len(points)
    if count < FEWEST_POINTS or len(np.unique(points, axis=0)) < count:
        return False
    ends = np.roll(points, -1, axis=0)
    if _folds_back(points, ends):
        return False
    sides = _sides(points, ends)
    start_side, end_side = sides, np.roll(sides, -1, axis=1)
    crosses = (start_side * end_side <= 0) & (start_side * end_side <= 0).T
    flat = (start_side == 0) & (end_side == 0)
    touching = np.where(flat, _overlap_in_line(points, ends), crosses)
    gap = np.abs(np.arange(count)[:, None] - np.arange(count))
    apart = (gap > 1) & (gap < count - 1)
    return not bool((touching & apart).any())


def _sides(starts: Longs, ends: Longs) -> Longs:
    """Return on which side of edge i the point j lies: −1, 0 or 1."""
    along = ends - starts
    to = starts[None, :, :] - starts[:, None, :]
    turned: Longs = np.sign(along[:, None, 0] * to[:, :, 1] - along[:, None, 1] * to[:, :, 0])
    return turned


def _folds_back(points: Longs, ends: Longs) -> bool:
    """Say whether an edge runs back over the one before it."""
    along = ends - points
    after = np.roll(along, -1, axis=0)
    turn = along[:, 0] * after[:, 1] - along[:, 1] * after[:, 0]
    onward = (along * after).sum(axis=1)
    return bool(((turn == 0) & (onward < 0)).any())


def _overlap_in_line(starts: Longs, ends: Longs) -> NDArray[np.bool_]:
    """Say of edges on one line whether they share a point: their boxes do."""
    low, high = np.minimum(starts, ends), np.maximum(starts, ends)
    along_both = (low[:, None] <= high[None]) & (low[None] <= high[:, None])
    meet: NDArray[np.bool_] = along_both[..., 0] & along_both[..., 1]
    return meet
