"""One of several options: the question type that classes are asked with."""

from collections.abc import Mapping, Sequence
from typing import Any

from crowd_hitl.domain.errors import bad_field

FEWEST_OPTIONS = 2
MOST_OPTIONS = 1000
LONGEST_VALUE = 200
LONGEST_TEXT = 20_000
SETTINGS = ("prompt", "options", "instructions", "field")


class ChoiceQuestion:
    """Exactly one of the options, under one field."""

    kind = "choice"
    is_class = True

    def check_spec(self, spec: Mapping[str, Any]) -> dict[str, Any]:
        """Return the settings completed with defaults; BadInput for a setting that is unknown or wrong."""
        for name in spec:
            if name not in SETTINGS:
                raise bad_field(str(name), expected="one of " + ", ".join(SETTINGS), found=spec[name])
        return {
            "prompt": checked_text("prompt", spec.get("prompt", ""), least=1),
            "options": checked_options(spec.get("options")),
            "instructions": checked_text("instructions", spec.get("instructions", ""), least=0),
            "field": checked_value("field", spec.get("field", "label")),
        }

    def fields(self, spec: Mapping[str, Any]) -> Sequence[str]:
        """Name the one field an answer has."""
        return [str(spec.get("field", "label"))]

    def classes(self, spec: Mapping[str, Any]) -> Sequence[str]:
        """List the options' values in the requester's order."""
        return [option["value"] for option in checked_options(spec.get("options"))]

    def check_answer(self, spec: Mapping[str, Any], value: object) -> dict[str, str]:
        """Return {field: value}; BadInput if a field is missing or unknown, or the value is no option."""
        field = self.fields(spec)[0]
        if not isinstance(value, Mapping):
            raise bad_field("value", expected=f"an object with the field '{field}'", found=value)
        for name in value:
            if name != field:
                raise bad_field(str(name), expected=f"only the field '{field}'", found=value[name])
        if field not in value:
            raise bad_field(field, expected=f"one of {shortened(self.classes(spec))}", found="nothing")
        answer = value[field]
        if not isinstance(answer, str) or answer not in self.classes(spec):
            raise bad_field(field, expected=f"one of {shortened(self.classes(spec))}", found=answer)
        return {field: answer}


def checked_options(options: object) -> list[dict[str, str]]:
    """Return the options as [{"value", "label"}]; plain strings are their own label."""
    if not isinstance(options, Sequence) or isinstance(options, str | bytes):
        raise bad_field("options", expected="a list of options", found=options)
    if not FEWEST_OPTIONS <= len(options) <= MOST_OPTIONS:
        raise bad_field("options", expected=f"{FEWEST_OPTIONS} to {MOST_OPTIONS} options", found=len(options))
    checked = [checked_option(place, option) for place, option in enumerate(options)]
    seen: set[str] = set()
    for option in checked:
        if option["value"] in seen:
            raise bad_field("options", expected="values that differ", found=option["value"])
        seen.add(option["value"])
    return checked


def checked_option(place: int, option: object) -> dict[str, str]:
    """Return one option as {"value", "label"}."""
    name = f"options[{place}]"
    if isinstance(option, str):
        return {"value": checked_value(name, option), "label": option}
    if not isinstance(option, Mapping):
        raise bad_field(name, expected='a text or {"value", "label"}', found=option)
    for key in option:
        if key not in ("value", "label"):
            raise bad_field(f"{name}.{key}", expected='only "value" and "label"', found=option[key])
    value = checked_value(f"{name}.value", option.get("value"))
    return {"value": value, "label": checked_value(f"{name}.label", option.get("label", value))}


def checked_value(name: str, value: object) -> str:
    """Return a short text that is not blank."""
    if not isinstance(value, str) or not value.strip() or len(value) > LONGEST_VALUE:
        raise bad_field(name, expected=f"a text of 1 to {LONGEST_VALUE} characters", found=value)
    return value


def checked_text(name: str, value: object, *, least: int) -> str:
    """Return a text of at least `least` characters that are not blank."""
    if not isinstance(value, str) or not least <= len(value.strip()) <= LONGEST_TEXT:
        raise bad_field(name, expected=f"a text of {least} to {LONGEST_TEXT} characters", found=value)
    return value


def shortened(values: Sequence[str]) -> str:
    """Name a few of the values, enough to see what is meant."""
    few = ", ".join(f"'{value[:40]}'" for value in values[:8])
    return few if len(values) <= 8 else f"{few} and {len(values) - 8} more"


plugin = ChoiceQuestion()
