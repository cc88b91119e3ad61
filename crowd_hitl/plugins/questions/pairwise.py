"""Which of two: what is compared stands in two columns of the item."""

from collections.abc import Mapping, Sequence
from typing import Any

from crowd_hitl.domain.errors import bad_field
from crowd_hitl.plugins.questions.checking import checked_flag, checked_one, checked_value
from crowd_hitl.plugins.questions.framing import FramedQuestion

LEFT, RIGHT, TIE = "left", "right", "tie"


class PairwiseQuestion(FramedQuestion):
    """The left one or the right one, or with `tie` also neither; `left` and `right` name the item's two columns."""

    kind = "pairwise"
    is_class = True
    settings = ("left", "right", "tie")

    def check_settings(self, spec: Mapping[str, Any]) -> dict[str, Any]:
        """Return the two columns, and whether neither may be the better one."""
        left = checked_value("left", spec.get("left", LEFT))
        right = checked_value("right", spec.get("right", RIGHT))
        if left == right:
            raise bad_field("right", expected="another column than 'left' has", found=right)
        return {"left": left, "right": right, "tie": checked_flag("tie", spec.get("tie", False))}

    def classes(self, spec: Mapping[str, Any]) -> Sequence[str]:
        """List the sides, and the tie where it is allowed."""
        return [LEFT, RIGHT, TIE] if spec.get("tie", False) else [LEFT, RIGHT]

    def check_value(self, spec: Mapping[str, Any], value: object, *, where: str) -> str:
        """Return the side; BadInput if it is none, or a tie where none is allowed."""
        return checked_one(where, value, self.classes(spec))

    def shown(self, spec: Mapping[str, Any]) -> Sequence[str]:
        """Name the two columns that are compared."""
        return [str(spec.get("left", LEFT)), str(spec.get("right", RIGHT))]


plugin = PairwiseQuestion()
