"""A point on a scale from low to high, whose points may have names."""

from collections.abc import Mapping, Sequence
from typing import Any

from crowd_hitl.domain.errors import bad_field
from crowd_hitl.plugins.questions.choice import checked_value
from crowd_hitl.plugins.questions.framing import (
    checked_count,
    checked_frame,
    checked_number,
    field_of,
    refuse_unknown,
    the_value,
)

LOWEST, HIGHEST = -1000, 1000
MOST_POINTS = 101


class RatingQuestion:
    """A whole number from `low` (1) to `high` (5); `labels` names some points, or all of them in order."""

    kind = "rating"
    is_class = False

    def check_spec(self, spec: Mapping[str, Any]) -> dict[str, Any]:
        """Return the settings completed with defaults; BadInput for a setting that is unknown or wrong."""
        refuse_unknown(spec, ("low", "high", "labels"))
        framed = checked_frame(spec)
        low = checked_count("low", spec.get("low", 1), least=LOWEST, most=HIGHEST - 1)
        high = checked_count("high", spec.get("high", 5), least=low + 1, most=min(HIGHEST, low + MOST_POINTS - 1))
        return {
            **framed,
            "low": low,
            "high": high,
            "labels": checked_labels(spec.get("labels", {}), low=low, high=high),
        }

    def fields(self, spec: Mapping[str, Any]) -> Sequence[str]:
        """Name the one field an answer has."""
        return [field_of(spec)]

    def classes(self, spec: Mapping[str, Any]) -> Sequence[str]:
        """List the points of the scale as text, from low to high."""
        return [str(point) for point in range(spec.get("low", 1), spec.get("high", 5) + 1)]

    def check_answer(self, spec: Mapping[str, Any], value: object) -> dict[str, Any]:
        """Return {field: point} with a whole number; BadInput if it is none or not on the scale."""
        field, low, high = field_of(spec), spec.get("low", 1), spec.get("high", 5)
        expected = f"a whole number from {low} to {high}"
        point = checked_number(field, the_value(spec, value, expected=expected), expected=expected)
        if not isinstance(point, int) or not low <= point <= high:
            raise bad_field(field, expected=expected, found=point)
        return {field: point}


def checked_labels(labels: object, *, low: int, high: int) -> dict[str, str]:
    """Return the points' names by point; a list names every point in order."""
    if isinstance(labels, Mapping):
        points = {str(point) for point in range(low, high + 1)}
        for point in labels:
            if str(point) not in points:
                raise bad_field(f"labels.{point}", expected=f"a point from {low} to {high}", found=str(point))
        named = {str(point): checked_value(f"labels.{point}", name) for point, name in labels.items()}
        return dict(sorted(named.items(), key=lambda each: int(each[0])))
    expected = f'a list of {high - low + 1} names, or an object like {{"{low}": "…", "{high}": "…"}}'
    if not isinstance(labels, Sequence) or isinstance(labels, str | bytes):
        raise bad_field("labels", expected=expected, found=labels)
    if len(labels) != high - low + 1:
        raise bad_field("labels", expected=expected, found=len(labels))
    return {str(low + place): checked_value(f"labels[{place}]", name) for place, name in enumerate(labels)}


plugin = RatingQuestion()
