"""What the questions' settings and answers have in common: known names, a prompt, one field, and how it is read."""

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any

from crowd_hitl.domain.errors import bad_field
from crowd_hitl.plugins.questions.choice import checked_options, checked_text, checked_value, shortened

FRAME = ("prompt", "instructions", "field")
# Beyond this a float no longer tells whole numbers apart with digits to spare.
LARGEST = 1e15


def refuse_unknown(spec: Mapping[str, Any], settings: Sequence[str]) -> None:
    """Refuse a setting that is not one of these or of the frame: a misspelt one must not be lost in silence."""
    known = (*FRAME, *settings)
    for name in spec:
        if name not in known:
            raise bad_field(str(name), expected="one of " + ", ".join(known), found=spec[name])


def checked_frame(spec: Mapping[str, Any]) -> dict[str, Any]:
    """Return prompt, instructions and field, completed."""
    return {
        "prompt": checked_text("prompt", spec.get("prompt", ""), least=1),
        "instructions": checked_text("instructions", spec.get("instructions", ""), least=0),
        "field": field_of(spec),
    }


def field_of(spec: Mapping[str, Any]) -> str:
    """Name the one field an answer has."""
    return checked_value("field", spec.get("field", "label"))


def values_of(spec: Mapping[str, Any]) -> list[str]:
    """List the options' values in the requester's order."""
    return [option["value"] for option in checked_options(spec.get("options"))]


def the_value(spec: Mapping[str, Any], value: object, *, expected: str) -> object:
    """Return what the answer holds in its one field; BadInput if it is no object, or has another field or none."""
    field = field_of(spec)
    if not isinstance(value, Mapping):
        raise bad_field("value", expected=f"an object with the field '{field}'", found=value)
    for name in value:
        if name != field:
            raise bad_field(str(name), expected=f"only the field '{field}'", found=value[name])
    if field not in value:
        raise bad_field(field, expected=expected, found="nothing")
    return value[field]


def checked_picks(spec: Mapping[str, Any], value: object, *, fewest: int, most: int) -> list[str]:
    """Return a list of so many different options, as given; BadInput naming the place of the first that is wrong."""
    field, known = field_of(spec), values_of(spec)
    expected = f"a list of {counted(fewest, most)} of {shortened(known)}"
    picked = the_value(spec, value, expected=expected)
    if not isinstance(picked, Sequence) or isinstance(picked, str | bytes):
        raise bad_field(field, expected=expected, found=picked)
    seen: list[str] = []
    for place, one in enumerate(picked):
        if not isinstance(one, str) or one not in known:
            raise bad_field(f"{field}[{place}]", expected=f"one of {shortened(known)}", found=one)
        if one in seen:
            raise bad_field(f"{field}[{place}]", expected="each option at most once", found=one)
        seen.append(one)
    if not fewest <= len(seen) <= most:
        raise bad_field(field, expected=f"{counted(fewest, most)} options", found=len(seen))
    return seen


def checked_count(name: str, value: object, *, least: int, most: int) -> int:
    """Return a whole number from least to most."""
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise bad_field(name, expected=f"a whole number from {least} to {most}", found=value)
    return value


def checked_flag(name: str, value: object) -> bool:
    """Return true or false."""
    if not isinstance(value, bool):
        raise bad_field(name, expected="true or false", found=value)
    return value


def checked_number(name: str, value: object, *, expected: str = "a number") -> int | float:
    """Return a finite number, a whole one as an integer; BadInput for anything else, text that looks like one too."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise bad_field(name, expected=expected, found=value)
    # Compared first: an integer of a thousand digits is no float at all.
    if abs(value) > LARGEST or not isfinite(value):
        raise bad_field(name, expected=f"{expected} from −10¹⁵ to 10¹⁵", found=value)
    return int(value) if float(value).is_integer() else float(value)


def counted(fewest: int, most: int) -> str:
    """Say how many."""
    return str(fewest) if fewest == most else f"{fewest} to {most}"
