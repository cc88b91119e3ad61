"""Polygons under a sheaf of level lines: how far two overlap, and one outline for several. Points are (n, 2) arrays.

Where a line crosses an outline is exact; between two lines, an outline is taken to run straight on.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from crowd_hitl.inference.outlines import FEWEST_POINTS, canonical_points, doubled_area, is_simple
from crowd_hitl.inference.sweeps import outvoted, overlap

Floats = NDArray[np.float64]
Longs = NDArray[np.int64]

LINES, FINE_LINES = 128, 256
# How many points an average outline is drawn with, before those that are not needed are left out.
DRAWN_POINTS = 64
# What is nearer to a straight line than this share of the outline's size is not needed.
STRAIGHT = 0.01
MOST_TRIED = 16


class Outline:
    """A polygon with what is asked of it again and again: the ends of its edges, and the box around it."""

    def __init__(self, points: Floats) -> None:
        self.points = points
        self.ends = np.roll(points, -1, axis=0)
        self.low: tuple[float, float] = tuple(points.min(axis=0).tolist())
        self.high: tuple[float, float] = tuple(points.max(axis=0).tolist())


def crossings(starts: Floats, ends: Floats, low: Floats, high: Floats, *, lines: int) -> tuple[Floats, Longs]:
    """Return where so many lines across the frame, put one after the other, cross edges, and which edges these are."""
    width = float(high[0] - low[0]) * 1.1
    level = low[1] + (np.arange(lines) + 0.5) / lines * (high[1] - low[1])
    line, edge = np.nonzero((starts[:, 1] > level[:, None]) != (ends[:, 1] > level[:, None]))
    begin, end = starts[edge], ends[edge]
    part = (level[line] - begin[:, 1]) / (end[:, 1] - begin[:, 1])
    across = begin[:, 0] + part * (end[:, 0] - begin[:, 0]) - low[0]
    # Within its line's stretch, whatever the last digit says.
    return line * width + np.clip(across, 0.0, width), edge


def scanned(outline: Outline, low: Floats, high: Floats, *, lines: int) -> Floats:
    """Return the region of a polygon under the lines of a frame."""
    places, _ = crossings(outline.points, outline.ends, low, high, lines=lines)
    return np.sort(places)


def polygon_overlap(one: Outline, other: Outline) -> float:
    """Return intersection over union, 0..1."""
    if any(one.high[axis] <= other.low[axis] or other.high[axis] <= one.low[axis] for axis in (0, 1)):
        return 0.0
    low = np.minimum(one.low, other.low)
    high = np.maximum(one.high, other.high)
    starts, ends = np.concatenate([one.points, other.points]), np.concatenate([one.ends, other.ends])
    places, edge = crossings(starts, ends, low, high, lines=LINES)
    order = np.argsort(places, kind="stable")
    # Odd where the line is inside: every crossing goes in or out.
    seconds = edge[order] >= len(one.points)
    in_one, in_other = np.cumsum(~seconds) & 1, np.cumsum(seconds) & 1
    lengths = np.diff(places[order])
    both = float(lengths @ (in_one & in_other)[:-1])
    union = float(lengths @ (in_one | in_other)[:-1])
    return min(both / union, 1.0) if union > 0 else 1.0


def fused_outline(outlines: Sequence[Outline], weights: Floats, *, digits: int) -> Outline:
    """Return the outline that is nearest to the area which more than half of the weight covers.

    Tried are those that were drawn and the mean of them all, point by point, where that does not cross itself.
    """
    if len(outlines) == 1:
        return outlines[0]
    order: list[int] = np.argsort(-np.round(weights, 9), kind="stable")[:MOST_TRIED].tolist()
    drawn, weights = [outlines[place] for place in order], weights[order]
    low = np.min([one.low for one in drawn], axis=0)
    high = np.max([one.high for one in drawn], axis=0)
    regions = [scanned(one, low, high, lines=FINE_LINES) for one in drawn]
    middle = outvoted(regions, weights, above=float(weights.sum()) / 2 + 1e-9)
    scores = [overlap(region, middle) for region in regions]
    best = int(np.argmax(np.round(scores, 9)))
    points = mean_outline([one.points for one in drawn], weights, reference=best, digits=digits)
    if points is None:
        return drawn[best]
    mean = Outline(points)
    return mean if overlap(scanned(mean, low, high, lines=FINE_LINES), middle) > scores[best] else drawn[best]


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
    limit = STRAIGHT * float(np.hypot(*np.ptp(points, axis=0)))
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
