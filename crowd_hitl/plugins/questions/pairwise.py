"""Which of two: what is compared stands in two columns of the item."""

from collections.abc import Mapping, Sequence
from typing import Any

from crowd_hitl.domain.errors import bad_field
from crowd_hitl.plugins.questions.choice import checked_value
from crowd_hitl.plugins.questions.framing import checked_flag, checked_frame, field_of, refuse_unknown, the_value

LEFT, RIGHT, TIE = "left", "right", "tie"


class PairwiseQuestion:
    """The left one or the right one, or with `tie` also neither; `left` and `right` name the item's two columns."""

    kind = "pairwise"
    is_class = True

    def check_spec(self, spec: Mapping[str, Any]) -> dict[str, Any]:
        """Return the settings completed with defaults; BadInput for a setting that is unknown or wrong."""
        refuse_unknown(spec, ("left", "right", "tie"))
        left = checked_value("left", spec.get("left", LEFT))
        right = checked_value("right", spec.get("right", RIGHT))
        if left == right:
            raise bad_field("right", expected="another column than 'left' has", found=right)
        return {**checked_frame(spec), "left": left, "right": right, "tie": checked_flag("tie", spec.get("tie", False))}

    def fields(self, spec: Mapping[str, Any]) -> Sequence[str]:
        """Name the one field an answer has."""
        return [field_of(spec)]

    def classes(self, spec: Mapping[str, Any]) -> Sequence[str]:
        """List the sides, and the tie where it is allowed."""
        return [LEFT, RIGHT, TIE] if spec.get("tie", False) else [LEFT, RIGHT]

    def shown(self, spec: Mapping[str, Any]) -> Sequence[str]:
        """Name the two columns that are compared."""
        return [str(spec.get("left", LEFT)), str(spec.get("right", RIGHT))]

    def check_answer(self, spec: Mapping[str, Any], value: object) -> dict[str, Any]:
        """Return {field: side}; BadInput if it is no side, or a tie where none is allowed."""
        sides = self.classes(spec)
        expected = "one of " + ", ".join(f"'{side}'" for side in sides)
        said = the_value(spec, value, expected=expected)
        if not isinstance(said, str) or said not in sides:
            raise bad_field(field_of(spec), expected=expected, found=said)
        return {field_of(spec): said}


plugin = PairwiseQuestion()
