"""Boxes become one set of boxes: matched by overlap, each side the weighted median of those drawn."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from crowd_hitl.domain.ports import Floats
from crowd_hitl.inference.regions import Mark, Shapes, weighted_median
from crowd_hitl.inference.scales import DIGITS, EXTENTS
from crowd_hitl.plugins.fusers.regions import RegionsFuser

# left, top, right, bottom
Sides = tuple[float, float, float, float]


def overlap(one: Sides, other: Sides) -> float:
    """Return intersection over union."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    if width <= 0 or height <= 0:
        return 0.0
    union = area(one) + area(other) - width * height
    # Boxes so small that their areas round to nothing are equal if they meet.
    return min(width * height / union, 1.0) if union > 0 else 1.0


def area(box: Sides) -> float:
    """Return width times height."""
    return (box[2] - box[0]) * (box[3] - box[1])


def merge(boxes: Sequence[Sides], weights: Floats) -> Sides:
    """Return the box whose sides are the medians."""
    columns = np.array(boxes, dtype=np.float64)
    left, top, right, bottom = (weighted_median(columns[:, side], weights) for side in range(4))
    return left, top, right, bottom


class BoxesFuser(RegionsFuser):
    """Fuses boxes."""

    name = "boxes"
    kinds = ("boxes",)

    def shapes(self, spec: Mapping[str, Any]) -> Shapes:
        """Return how boxes are compared and merged."""
        return Shapes(overlap=overlap, merge=merge)

    def mark(self, value: Mapping[str, Any]) -> Mark:
        """Return a box by its sides."""
        x, y, width, height = (float(value[name]) for name in ("x", "y", "width", "height"))
        return Mark(shape=(x, y, x + width, y + height), label=value["label"])

    def written(self, shape: Sides, spec: Mapping[str, Any]) -> dict[str, Any]:
        """Return a box by its corner and size, rounded, within the image."""
        unit = spec.get("unit", "fraction")
        digits, most = DIGITS[unit], EXTENTS[unit]
        least = 10.0**-digits
        found = {}
        for corner, side, low, high in (("x", "width", shape[0], shape[2]), ("y", "height", shape[1], shape[3])):
            start = round(min(low, most - least), digits)
            found[corner] = start
            found[side] = round(min(max(high - start, least), most - start), digits)
        return {name: found[name] for name in ("x", "y", "width", "height")}

    def in_order(self, marks: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Sort by place, size and label."""
        return sorted(marks, key=lambda box: tuple(box.values()))


plugin = BoxesFuser()
