"""One of several options: the question type that classes are asked with."""

from collections.abc import Mapping, Sequence
from typing import Any

from crowd_hitl.plugins.questions.checking import checked_one, checked_options, values_of
from crowd_hitl.plugins.questions.framing import FramedQuestion


class ChoiceQuestion(FramedQuestion):
    """Exactly one of the options, under one field."""

    kind = "choice"
    is_class = True
    settings = ("options",)

    def check_settings(self, spec: Mapping[str, Any]) -> dict[str, Any]:
        """Return the options, each with the label that is shown."""
        return {"options": checked_options(spec.get("options"))}

    def classes(self, spec: Mapping[str, Any]) -> Sequence[str]:
        """List the options' values in the requester's order."""
        return values_of(spec)

    def check_value(self, spec: Mapping[str, Any], value: object, *, where: str) -> str:
        """Return the value; BadInput if it is no option."""
        return checked_one(where, value, values_of(spec))


plugin = ChoiceQuestion()
