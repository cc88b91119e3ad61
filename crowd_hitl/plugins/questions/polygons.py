"""Outlines around things in an image, each with a label."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from crowd_hitl.domain.errors import bad_field
from crowd_hitl.domain.items import Content
from crowd_hitl.inference.outlines import FEWEST_POINTS, canonical_points, doubled_area, is_simple
from crowd_hitl.plugins.questions.open_answers import (
    OpenQuestion,
    checked_counts,
    checked_label,
    checked_labels,
    checked_marks,
    checked_parts,
    wrong,
)
from crowd_hitl.plugins.questions.places import checked_unit, image_size, outside, scale_of

MOST_POLYGONS = 200
MOST_POINTS = 500
MOST_POINTS_IN_ALL = 5_000


class PolygonsQuestion(OpenQuestion):
    """Polygons {"points": [[x, y], …], "label"}: closed by themselves, simple, with an area.

    Canonical: rounded, no point twice in a row, one way round, from the smallest point on; the polygons sorted.
    """

    kind = "polygons"
    settings = ("labels", "unit", "min_count", "max_count")

    def check_settings(self, spec: Mapping[str, Any]) -> dict[str, Any]:
        """Return the labels, the unit of the coordinates, and how many polygons there may be."""
        return {
            "labels": checked_labels(spec),
            "unit": checked_unit(spec),
            **checked_counts(spec, most=MOST_POLYGONS),
        }

    def check_value(self, spec: Mapping[str, Any], value: object, *, where: str) -> list[dict[str, Any]]:
        """Return the polygons in order; BadInput for one that crosses itself, has no area, or comes twice."""
        marks = checked_marks(spec, value, where=where)
        polygons, points = [], 0
        for place, mark in enumerate(marks):
            polygons.append(checked_polygon(spec, mark, where=f"{where}[{place}]"))
            points += len(polygons[-1]["points"])
            if points > MOST_POINTS_IN_ALL:
                raise bad_field(where, expected=f"at most {MOST_POINTS_IN_ALL} points in all", found="more")
        polygons.sort(key=lambda polygon: (polygon["points"], polygon["label"]))
        for before, polygon in pairwise(polygons):
            if before == polygon:
                raise wrong(where, "every polygon once", f"that of {polygon['label'][:40]} twice")
        return polygons

    def check_fit(self, spec: Mapping[str, Any], answer: Mapping[str, Any], content: Content) -> None:
        """Refuse a point in pixels beyond the item's image, where its data says `width` and `height`."""
        size = image_size(content)
        if spec.get("unit") != "pixel" or size is None:
            return
        field = self.fields(spec)[0]
        for place, polygon in enumerate(answer[field]):
            for number, point in enumerate(polygon["points"]):
                for found, limit, side in zip(point, size, ("width", "height"), strict=True):
                    if found > limit:
                        raise outside(f"{field}[{place}].points[{number}]", limit=limit, side=side, found=found)


def checked_polygon(spec: Mapping[str, Any], mark: object, *, where: str) -> dict[str, Any]:
    """Return one polygon in its canonical form."""
    parts = checked_parts(mark, where=where, needed=("points",), also=("label",))
    scale = scale_of(spec)
    unit = 10**scale.digits
    given = checked_points(spec, parts["points"], where=f"{where}.points")
    # In whole units of the last digit, where sums and products are exact.
    points = canonical_points(np.rint(np.array(given) * unit).astype(np.int64))
    if len(points) < FEWEST_POINTS or doubled_area(points) == 0:
        raise wrong(f"{where}.points", "an outline with an area: three points that are not in one line", given)
    if not is_simple(points):
        raise bad_field(
            f"{where}.points", expected="an outline that does not cross or touch itself", found="one that does"
        )
    label = checked_label(spec, parts.get("label"), where=f"{where}.label")
    return {
        "points": [[round(x / unit, scale.digits), round(y / unit, scale.digits)] for x, y in points.tolist()],
        "label": label,
    }


def checked_points(spec: Mapping[str, Any], value: object, *, where: str) -> list[tuple[float, float]]:
    """Return the points of one outline, within the image."""
    if not isinstance(value, Sequence) or isinstance(value, str | bytes) or len(value) < FEWEST_POINTS:
        raise wrong(where, f"a list of {FEWEST_POINTS} to {MOST_POINTS} points [x, y]", value)
    if len(value) > MOST_POINTS:
        raise bad_field(where, expected=f"at most {MOST_POINTS} points; draw it coarser", found=len(value))
    scale = scale_of(spec)
    points = []
    for place, point in enumerate(value):
        if not isinstance(point, list | tuple) or len(point) != 2:
            raise wrong(f"{where}[{place}]", "a point [x, y]", point)
        points.append((scale.number(f"{where}[{place}][0]", point[0]), scale.number(f"{where}[{place}][1]", point[1])))
    return points


plugin = PolygonsQuestion()
