"""Polygons under a sheaf of level lines: how far two overlap, and one outline for several. Points are (n, 2) arrays.

Where a line crosses an outline is exact; between two lines, an outline is taken to run straight on.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from crowd_hitl.inference.outlines import FEWEST_POINTS, canonical_points, doubled_area, is_simple
from crowd_hitl.inference.sweeps import outvoted, overlap

Floats = NDArray[np.float64]

LINES, FINE_LINES = 128, 256
# How many points an average outline is drawn with, before those that are not needed are left out.
DRAWN_POINTS = 64
# What is nearer to a straight line than this share of the outline's size is not needed.
STRAIGHT = 0.01
MOST_TRIED = 16


def frame_of(polygons: Sequence[Floats]) -> tuple[Floats, Floats]:
    """Return the lower and upper corner of the box around all."""
    low = np.min([points.min(axis=0) for points in polygons], axis=0)
    high = np.max([points.max(axis=0) for points in polygons], axis=0)
    return low, high


def scanned(points: Floats, low: Floats, high: Floats, *, lines: int) -> Floats:
    """Return the region of a polygon under so many lines across the frame, the lines put one after the other."""
    width = float(high[0] - low[0]) * 1.1
    height = float(high[1] - low[1])
    level = low[1] + (np.arange(lines) + 0.5) / lines * height
    ends = np.roll(points, -1, axis=0)
    above, above_end = points[None, :, 1] > level[:, None], ends[None, :, 1] > level[:, None]
    line, edge = np.nonzero(above != above_end)
    rise = ends[edge, 1] - points[edge, 1]
    part = (level[line] - points[edge, 1]) / rise
    across = points[edge, 0] + part * (ends[edge, 0] - points[edge, 0]) - low[0]
    # Within its line's stretch, whatever the last digit says.
    return np.sort(line * width + np.clip(across, 0.0, width))


def polygon_overlap(one: Floats, other: Floats) -> float:
    """Return intersection over union, 0..1."""
    if (one.max(axis=0) <= other.min(axis=0)).any() or (other.max(axis=0) <= one.min(axis=0)).any():
        return 0.0
    low, high = frame_of([one, other])
    left, right = (scanned(points, low, high, lines=LINES) for points in (one, other))
    return overlap(left, right)


def fused_outline(polygons: Sequence[Floats], weights: Floats, *, digits: int) -> Floats:
    """Return the outline that is nearest to the area which more than half of the weight covers.

    Tried are those that were drawn and the mean of them all, point by point, where that does not cross itself.
    """
    if len(polygons) == 1:
        return polygons[0]
    order = np.argsort(-np.round(weights, 9), kind="stable")[:MOST_TRIED]
    drawn: list[Floats] = [polygons[place] for place in order]
    low, high = frame_of(drawn)
    regions = [scanned(points, low, high, lines=FINE_LINES) for points in drawn]
    middle = outvoted(regions, weights[order], above=float(weights[order].sum()) / 2 + 1e-9)
    scores = [overlap(region, middle) for region in regions]
    best = int(np.argmax(np.round(scores, 9)))
    mean = mean_outline(drawn, weights[order], reference=best, digits=digits)
    if mean is not None and overlap(scanned(mean, low, high, lines=FINE_LINES), middle) > scores[best]:
        return mean
    return drawn[best]


def mean_outline(polygons: Sequence[Floats], weights: Floats, *, reference: int, digits: int) -> Floats | None:
    """Return the weighted mean of outlines that go round the same way; None where it crosses itself."""
    target = resampled(polygons[reference])
    turned = [aligned(resampled(points), target) for points in polygons]
    mean = np.average(turned, axis=0, weights=weights)
    unit = 10.0**digits
    points = canonical_points(np.rint(simplified(mean) * unit).astype(np.int64))
    if len(points) < FEWEST_POINTS or doubled_area(points) == 0 or not is_simple(points):
        return None
    return np.asarray(points / unit, dtype=np.float64)


def resampled(points: Floats) -> Floats:
    """Return so many points at equal steps along the outline."""
    closed = np.vstack([points, points[:1]])
    upto = np.concatenate(([0.0], np.cumsum(np.hypot(*np.diff(closed, axis=0).T))))
    steps = np.arange(DRAWN_POINTS) / DRAWN_POINTS * upto[-1]
    return np.stack([np.interp(steps, upto, closed[:, axis]) for axis in (0, 1)], axis=1)


def aligned(points: Floats, target: Floats) -> Floats:
    """Start the outline at the point from which it is nearest to the target, point by point."""
    count = len(points)
    turns = (np.arange(count)[:, None] + np.arange(count)) % count
    apart = ((points[turns] - target) ** 2).sum(axis=(1, 2))
    found: Floats = points[turns[int(np.argmin(np.round(apart, 12)))]]
    return found


def simplified(points: Floats) -> Floats:
    """Leave out the points that lie next to the line between those that are kept (Douglas and Peucker, 1973)."""
    low, high = frame_of([points])
    limit = STRAIGHT * float(np.hypot(*(high - low)))
    far = int(np.argmax(((points - points[0]) ** 2).sum(axis=1)))
    keep = {0, far}
    open_parts = [(0, far), (far, len(points))]
    while open_parts:
        start, end = open_parts.pop()
        inner = np.arange(start + 1, end)
        if not len(inner):
            continue
        begin, along = points[start], points[end % len(points)] - points[start]
        length = max(float(np.hypot(*along)), 1e-12)
        off = np.abs((points[inner] - begin) @ np.array([-along[1], along[0]])) / length
        if off.max() > limit:
            split = int(inner[int(np.argmax(off))])
            keep.add(split)
            open_parts += [(start, split), (split, end)]
    kept: Floats = points[sorted(keep)]
    return kept
