"""A point on a scale from low to high, whose points may have names."""

from collections.abc import Mapping, Sequence
from typing import Any

from crowd_hitl.domain.errors import bad_field
from crowd_hitl.plugins.questions.checking import checked_value, checked_whole
from crowd_hitl.plugins.questions.framing import FramedQuestion

LOWEST, HIGHEST = -1000, 1000
MOST_POINTS = 101


class RatingQuestion(FramedQuestion):
    """A whole number from `low` (1) to `high` (5); `labels` names some points, or all of them in order."""

    kind = "rating"
    settings = ("low", "high", "labels")

    def check_settings(self, spec: Mapping[str, Any]) -> dict[str, Any]:
        """Return the ends of the scale, and its points' names."""
        low = checked_whole("low", spec.get("low", 1), least=LOWEST, most=HIGHEST - 1)
        high = checked_whole("high", spec.get("high", 5), least=low + 1, most=min(HIGHEST, low + MOST_POINTS - 1))
        return {"low": low, "high": high, "labels": checked_labels(spec.get("labels", {}), low=low, high=high)}

    def classes(self, spec: Mapping[str, Any]) -> Sequence[str]:
        """List the points of the scale as text, from low to high."""
        return [str(point) for point in range(spec.get("low", 1), spec.get("high", 5) + 1)]

    def check_value(self, spec: Mapping[str, Any], value: object, *, where: str) -> int:
        """Return the point; BadInput if it is no whole number or not on the scale."""
        return checked_whole(where, value, least=spec.get("low", 1), most=spec.get("high", 5))


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
