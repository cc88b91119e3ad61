"""Regions as the places where a line enters and leaves them: areas, overlaps and votes, without any pixels.

A region is a sorted array of an even number of places: in at the first, out at the second, and so on. A mask's are
whole numbers (pixels counted down the columns), a polygon's lie on a sheaf of lines put one after the other.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

LEVEL = 1e-9


def area(edges: Floats) -> float:
    """Return how much lies inside."""
    return float((edges[1::2] - edges[::2]).sum())


def shared(one: Floats, other: Floats) -> float:
    """Return how much lies inside both."""
    if not len(one) or not len(other):
        return 0.0
    places, cover = _swept([one, other], np.ones(2))
    return float((np.diff(places) * (cover[:-1] > 1.5)).sum())


def overlap(one: Floats, other: Floats) -> float:
    """Return intersection over union, 0..1; two empty regions are equal."""
    both = shared(one, other)
    union = area(one) + area(other) - both
    return min(both / union, 1.0) if union > 0 else 1.0


def outvoted(regions: Sequence[Floats], weights: Floats, *, above: float) -> Floats:
    """Return the region where the weights of those that cover it sum to more than `above`."""
    if not any(len(region) for region in regions):
        return np.zeros(0)
    places, cover = _swept(regions, weights)
    return runs_of(places, cover > above)


def runs_of(places: Floats, inside: Bools) -> Floats:
    """Return the region that is inside from these places on, each up to the next; outside before the first."""
    turns = np.flatnonzero(np.diff(inside, prepend=False))
    found: Floats = places[turns]
    return found if len(found) % 2 == 0 else np.append(found, places[-1])


def pieces(regions: Sequence[Floats], *, size: float) -> tuple[Floats, Bools]:
    """Cut 0..size where any region begins or ends; return where each piece begins, and which regions cover it.

    Places: (m,); covers: (regions, m).
    """
    places = np.unique(np.concatenate([np.array([0.0, size]), *regions]))[:-1]
    covers = np.zeros((len(regions), len(places)), dtype=bool)
    for row, region in enumerate(regions):
        covers[row] = np.searchsorted(region, places, side="right") % 2 == 1
    return places, covers


def _swept(regions: Sequence[Floats], weights: Floats) -> tuple[Floats, Floats]:
    """Return all places in order, and how much weight covers what follows each."""
    steps = []
    for region, weight in zip(regions, weights, strict=True):
        step = np.full(len(region), weight)
        step[1::2] = -weight
        steps.append(step)
    places, step = np.concatenate(regions), np.concatenate(steps)
    order = np.argsort(places, kind="stable")
    found, first = np.unique(places[order], return_index=True)
    return found, np.cumsum(np.add.reduceat(step[order], first))
