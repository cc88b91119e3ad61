"""What fusers of marks on an image share: answers as marks, one value of several, and the distance."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from crowd_hitl.domain.ports import Floats, Fused, ValueTable
from crowd_hitl.inference.fusing import Weighing, fuse_values, name_of
from crowd_hitl.inference.matching import likeness
from crowd_hitl.inference.regions import Mark, Shapes, Thing, agreed, label_of, merged, overlaps, things_of

MOST_MARKS = 500


class RegionsFuser(ABC):
    """Matches the marks of all answers and makes one of those that are of one thing; the base of ours."""

    name: str
    kinds: Sequence[str]
    right_within = 0.5
    reads_contents = False

    def fuse(self, answers: ValueTable, *, seed: int) -> Fused:
        """Return marks for each task: those of more than half of the weight. The seed is not used."""
        shapes = self.shapes(answers.spec)
        weighing = Weighing(
            prepare=lambda value: [self.mark(one) for one in value],
            distance=lambda one, other: 1.0 - likeness(overlaps(one, other, shapes), len(one), len(other)),
            combine=lambda given, weights, gaps: self.combine(given, weights, gaps, answers.spec),
        )
        return fuse_values(answers, weighing)

    def distance(self, one: Any, other: Any, *, spec: Mapping[str, Any]) -> float:
        """Return 1 − F1 of the two answers, marks of one label matched by how far they overlap."""
        left, right = ([self.mark(each) for each in value] for value in (one, other))
        return 1.0 - likeness(overlaps(left, right, self.shapes(spec)), len(left), len(right))

    def combine(self, given: Sequence[Sequence[Mark]], weights: Floats, gaps: Floats, spec: Mapping[str, Any]) -> Any:
        """Return the marks of one task."""
        shapes = self.shapes(spec)
        total = float(weights[: len(gaps)].sum())
        most = min(int(spec.get("max_count", MOST_MARKS)), MOST_MARKS)
        least = int(spec.get("min_count", 0))
        things = things_of(given, weights, gaps, shapes)
        kept = agreed(things, total=total, least=least, most=most)
        marks = {name_of(mark): mark for mark in (self.value(thing, shapes, spec) for thing in kept)}
        if len(marks) < least:
            return self.nearest(given, weights, gaps, spec)
        return in_order(marks.values())

    def nearest(self, given: Sequence[Sequence[Mark]], weights: Floats, gaps: Floats, spec: Mapping[str, Any]) -> Any:
        """Return the answer that is nearest to all: people agreed on less than an answer must have."""
        sums = (gaps @ weights[: len(gaps)]).round(9).tolist()
        shapes = self.shapes(spec)
        alone = [Thing([mark], [1.0]) for mark in given[sums.index(min(sums))]]
        return in_order(self.value(thing, shapes, spec) for thing in alone)

    def value(self, thing: Thing, shapes: Shapes, spec: Mapping[str, Any]) -> dict[str, Any]:
        """Return a thing as a mark of an answer."""
        return {**self.written(merged(thing, shapes), spec), "label": label_of(thing)}

    @abstractmethod
    def shapes(self, spec: Mapping[str, Any]) -> Shapes:
        """Return how shapes are compared and merged."""

    @abstractmethod
    def mark(self, value: Mapping[str, Any]) -> Mark:
        """Return a mark of an answer as inference takes it."""

    @abstractmethod
    def written(self, shape: Any, spec: Mapping[str, Any]) -> dict[str, Any]:
        """Return a shape as the question has it."""


def in_order(marks: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return marks in the question's order: by their parts, as they are written."""
    return sorted(marks, key=lambda mark: tuple(mark.values()))
