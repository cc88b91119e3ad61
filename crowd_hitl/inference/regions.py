"""Things that several people marked in one image: who marked the same thing, and what it looks like.

Answers are matched one after another, each mark with at most one thing, by how far they overlap (the assignment with
the greatest sum). What no more than half of the weight marked is dropped.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

Floats = NDArray[np.float64]

# Marks that share less than this are not of one thing.
LEAST_OVERLAP = 0.3
# A mark is compared with so many marks of a thing: the first come from the answers that are nearest to all.
MOST_COMPARED = 8


@dataclass(frozen=True)
class Mark:
    """One mark: its shape, as the kind's functions take it, and its label."""

    shape: Any
    label: str


@dataclass(frozen=True)
class Shapes:
    """How one kind of shape is compared (intersection over union of all pairs), and how several become one,

    given their weights.
    """

    overlap: Callable[[Sequence[Any], Sequence[Any]], Floats]
    merge: Callable[[Sequence[Any], Floats], Any]


@dataclass
class Thing:
    """What was marked: the marks of it, with their weights."""

    marks: list[Mark]
    weights: list[float]

    @property
    def weight(self) -> float:
        """Return how much weight marked it."""
        return sum(self.weights)


def overlaps(one: Sequence[Mark], other: Sequence[Mark], shapes: Shapes) -> Floats:
    """Return the overlaps of all pairs; 0 where the labels differ."""
    if not one or not other:
        return np.zeros((len(one), len(other)))
    found = shapes.overlap([mark.shape for mark in one], [mark.shape for mark in other])
    labels = np.array([mark.label for mark in other])
    same = np.array([labels == mark.label for mark in one])
    return np.where(same, found, 0.0)


def things_of(answers: Sequence[Sequence[Mark]], weights: Floats, gaps: Floats, shapes: Shapes) -> list[Thing]:
    """Return what the answers marked, the answer that is nearest to all first; `gaps` are their distances."""
    known = len(gaps)
    sums = np.round(gaps @ weights[:known], 9)
    order = sorted(range(known), key=lambda i: (sums[i], -round(float(weights[i]), 9), i))
    things: list[Thing] = []
    for place in order:
        for mark, thing in zip(answers[place], matched(answers[place], things, shapes), strict=True):
            if thing is None:
                things.append(Thing([mark], [float(weights[place])]))
            else:
                thing.marks.append(mark)
                thing.weights.append(float(weights[place]))
    return things


def matched(marks: Sequence[Mark], things: Sequence[Thing], shapes: Shapes) -> list[Thing | None]:
    """Return which thing each mark is of, or None for a new one; labels break ties only."""
    found: list[Thing | None] = [None] * len(marks)
    if not marks or not things:
        return found
    near = nearness(marks, things, shapes)
    same = np.array([[mark.label in {one.label for one in thing.marks} for thing in things] for mark in marks])
    likely = np.where(near >= LEAST_OVERLAP, near + 0.1 * same, 0.0)
    for row, column in zip(*linear_sum_assignment(likely, maximize=True), strict=True):
        if likely[row, column] > 0:
            found[row] = things[column]
    return found


def nearness(marks: Sequence[Mark], things: Sequence[Thing], shapes: Shapes) -> Floats:
    """Return each mark's mean overlap with what was marked of each thing before."""
    members = [mark.shape for thing in things for mark in thing.marks[:MOST_COMPARED]]
    weights = np.array([weight for thing in things for weight in thing.weights[:MOST_COMPARED]])
    sizes = [min(len(thing.marks), MOST_COMPARED) for thing in things]
    starts = np.cumsum([0, *sizes[:-1]])
    met = shapes.overlap([mark.shape for mark in marks], members)
    found: Floats = np.add.reduceat(met * weights, starts, axis=1) / np.add.reduceat(weights, starts)
    return found


def agreed(things: Sequence[Thing], *, total: float, least: int, most: int) -> list[Thing]:
    """Return the things that more than half of the weight marked; no fewer and no more than an answer may have."""
    ranked = sorted(things, key=lambda thing: -round(thing.weight, 9))
    enough = [thing for thing in ranked if thing.weight > total / 2 + 1e-9]
    return ranked[: min(max(len(enough), least), most)]


def label_of(thing: Thing) -> str:
    """Return the label that most weight is for, the first by name when level."""
    votes: dict[str, float] = {}
    for mark, weight in zip(thing.marks, thing.weights, strict=True):
        votes[mark.label] = votes.get(mark.label, 0.0) + weight
    return min(votes, key=lambda label: (-round(votes[label], 9), label))


def merged(thing: Thing, shapes: Shapes) -> Any:
    """Return the thing's shape, made of those that have its label: the others may have meant another thing."""
    label = label_of(thing)
    kept = [place for place, mark in enumerate(thing.marks) if mark.label == label]
    return shapes.merge(
        [thing.marks[place].shape for place in kept], np.array([thing.weights[place] for place in kept])
    )


def weighted_median(values: Floats, weights: Floats) -> float:
    """Return the value with half of the weight on either side; the mean of two when level."""
    order = np.argsort(values, kind="stable")
    ranked, upto = values[order], np.cumsum(weights[order])
    half = upto[-1] / 2
    low = int(np.searchsorted(upto, half - 1e-9))
    high = int(np.searchsorted(upto, half + 1e-9))
    return float((ranked[low] + ranked[min(high, len(ranked) - 1)]) / 2)
