"""The base of our questions: settings that begin with a prompt, and answers that have one field."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

from crowd_hitl.domain.errors import bad_field
from crowd_hitl.plugins.questions.checking import checked_text, checked_value

FRAME = ("prompt", "instructions", "field")


class FramedQuestion(ABC):
    """A question with one field; each kind says which settings of its own it has, and what a value looks like."""

    kind: str
    is_class = False
    settings: tuple[str, ...] = ()

    def check_spec(self, spec: Mapping[str, Any]) -> dict[str, Any]:
        """Return the settings completed with defaults; BadInput for a setting that is unknown or wrong."""
        known = (*FRAME, *self.settings)
        for name in spec:
            # A misspelt one must not be lost in silence.
            if name not in known:
                raise bad_field(str(name), expected="one of " + ", ".join(known), found=spec[name])
        frame = {
            "prompt": checked_text("prompt", spec.get("prompt", ""), least=1),
            "instructions": checked_text("instructions", spec.get("instructions", ""), least=0),
            "field": checked_value("field", spec.get("field", "label")),
        }
        return frame | self.check_settings(spec)

    def fields(self, spec: Mapping[str, Any]) -> Sequence[str]:
        """Name the one field an answer has."""
        return [str(spec.get("field", "label"))]

    def classes(self, spec: Mapping[str, Any]) -> Sequence[str]:
        """List nothing: most kinds have no short list of values."""
        return []

    def check_answer(self, spec: Mapping[str, Any], value: object) -> dict[str, Any]:
        """Return {field: value} with the value in its one canonical form; BadInput says what is wrong with it."""
        field = self.fields(spec)[0]
        if not isinstance(value, Mapping):
            raise bad_field("value", expected=f"an object with the field '{field}'", found=value)
        for name in value:
            if name != field:
                raise bad_field(str(name), expected=f"only the field '{field}'", found=value[name])
        if field not in value:
            raise bad_field(field, expected="a value", found="nothing")
        return {field: self.check_value(spec, value[field], where=field)}

    @abstractmethod
    def check_settings(self, spec: Mapping[str, Any]) -> dict[str, Any]:
        """Return this question's own settings, completed."""

    @abstractmethod
    def check_value(self, spec: Mapping[str, Any], value: object, *, where: str) -> Any:
        """Return the field's value in its canonical form; BadInput, naming the place, if it is not one."""
