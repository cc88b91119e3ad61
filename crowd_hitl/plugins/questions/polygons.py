"""Outlines around things in an image, each with a label."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from crowd_hitl.domain.errors import bad_field
from crowd_hitl.inference.outlines import FEWEST_POINTS, canonical_points, doubled_area, is_simple
from crowd_hitl.plugins.questions.marking import checked_label, checked_parts
from crowd_hitl.plugins.questions.places import PlacesQuestion, scale_of

MOST_POINTS = 500
MOST_POINTS_IN_ALL = 5_000


class PolygonsQuestion(PlacesQuestion):
    """Polygons {"points": [[x, y], …], "label"}: closed by themselves, simple, with an area.

    Canonical: rounded, no point twice in a row, one way round, from the smallest point on; the polygons sorted.
    """

    kind = "polygons"
    most_marks = 200

    def read_marks(self, spec: Mapping[str, Any], marks: Sequence[Any], *, where: str) -> Iterator[dict[str, Any]]:
        """Yield the polygons; BadInput as soon as they have too many points together."""
        points = 0
        for polygon in super().read_marks(spec, marks, where=where):
            points += len(polygon["points"])
            if points > MOST_POINTS_IN_ALL:
                raise bad_field(where, expected=f"at most {MOST_POINTS_IN_ALL} points in all", found="more")
            yield polygon

    def read_mark(self, spec: Mapping[str, Any], mark: object, *, where: str) -> dict[str, Any]:
        """Return one polygon that does not cross itself and has an area."""
        parts = checked_parts(mark, where=where, needed=("points",))
        scale = scale_of(spec)
        unit = 10**scale.digits
        given = checked_points(spec, parts["points"], where=f"{where}.points")
        # In whole units of the last digit, where sums and products are exact.
        points = canonical_points(np.rint(np.array(given) * unit).astype(np.int64))
        if len(points) < FEWEST_POINTS or doubled_area(points) == 0:
            expected = "an outline with an area: three points that are not in one line"
            raise bad_field(f"{where}.points", expected=expected, found=given)
        if not is_simple(points):
            raise bad_field(
                f"{where}.points", expected="an outline that does not cross or touch itself", found="one that does"
            )
        label = checked_label(spec, parts.get("label"), where=f"{where}.label")
        return {
            "points": [[round(x / unit, scale.digits), round(y / unit, scale.digits)] for x, y in points.tolist()],
            "label": label,
        }

    def reaches(self, mark: Mapping[str, Any]) -> Iterator[tuple[str, int, float]]:
        """Yield where every point lies."""
        for number, point in enumerate(mark["points"]):
            for axis in (0, 1):
                yield f".points[{number}]", axis, point[axis]


def checked_points(spec: Mapping[str, Any], value: object, *, where: str) -> list[tuple[float, float]]:
    """Return the points of one outline, within the image."""
    if not isinstance(value, Sequence) or isinstance(value, str | bytes) or len(value) < FEWEST_POINTS:
        raise bad_field(where, expected=f"a list of {FEWEST_POINTS} to {MOST_POINTS} points [x, y]", found=value)
    if len(value) > MOST_POINTS:
        raise bad_field(where, expected=f"at most {MOST_POINTS} points; draw it coarser", found=len(value))
    scale = scale_of(spec)
    points = []
    for place, point in enumerate(value):
        if not isinstance(point, list | tuple) or len(point) != 2:
            raise bad_field(f"{where}[{place}]", expected="a point [x, y]", found=point)
        points.append((scale.number(f"{where}[{place}][0]", point[0]), scale.number(f"{where}[{place}][1]", point[1])))
    return points


plugin = PolygonsQuestion()
