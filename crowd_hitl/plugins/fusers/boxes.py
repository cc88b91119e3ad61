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


def overlap(one: Sequence[Sides], other: Sequence[Sides]) -> Floats:
    """Return intersection over union of all pairs."""
    left, right = np.array(one)[:, None, :], np.array(other)[None, :, :]
    sides = np.minimum(left[..., 2:], right[..., 2:]) - np.maximum(left[..., :2], right[..., :2])
    both = np.prod(np.maximum(sides, 0.0), axis=2)
    areas = [np.prod(boxes[..., 2:] - boxes[..., :2], axis=2) for boxes in (left, right)]
    found: Floats = np.minimum(both / (areas[0] + areas[1] - both), 1.0)
    return found


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


plugin = BoxesFuser()
