"""Outlines become one set of outlines: matched by the area they share, each nearest to what most people covered."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from crowd_hitl.domain.ports import Floats
from crowd_hitl.inference.outlines import canonical_points
from crowd_hitl.inference.regions import Mark, Shapes
from crowd_hitl.inference.scales import DIGITS
from crowd_hitl.inference.scanning import Outline, fused_outline, polygon_overlap
from crowd_hitl.plugins.fusers.regions import RegionsFuser

# As many as an answer may have, all its polygons together.
MOST_POINTS_IN_ALL = 5_000


def overlap(one: Sequence[Outline], other: Sequence[Outline]) -> Floats:
    """Return intersection over union of all pairs."""
    return np.array([[polygon_overlap(left, right) for right in other] for left in one])


class PolygonsFuser(RegionsFuser):
    """Fuses outlines."""

    name = "polygons"
    kinds = ("polygons",)

    def shapes(self, spec: Mapping[str, Any]) -> Shapes:
        """Return how outlines are compared and merged."""
        digits = DIGITS[spec.get("unit", "fraction")]
        return Shapes(
            overlap=overlap,
            merge=lambda outlines, weights: fused_outline(outlines, weights, digits=digits),
        )

    def combine(self, given: Sequence[Sequence[Mark]], weights: Floats, gaps: Floats, spec: Mapping[str, Any]) -> Any:
        """Return the outlines of one task; those of one answer where they would have too many points together."""
        found = super().combine(given, weights, gaps, spec)
        if sum(len(one["points"]) for one in found) > MOST_POINTS_IN_ALL:
            return self.nearest(given, weights, gaps, spec)
        return found

    def mark(self, value: Mapping[str, Any]) -> Mark:
        """Return an outline as points."""
        return Mark(shape=Outline(np.array(value["points"], dtype=np.float64)), label=value["label"])

    def written(self, shape: Outline, spec: Mapping[str, Any]) -> dict[str, Any]:
        """Return an outline as the question has it."""
        digits = DIGITS[spec.get("unit", "fraction")]
        points = canonical_points(np.rint(shape.points * 10**digits).astype(np.int64))
        return {"points": [[round(x / 10**digits, digits) for x in point] for point in points.tolist()]}


plugin = PolygonsFuser()
