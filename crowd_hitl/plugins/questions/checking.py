"""How single settings and values are read: texts, numbers, options; each error says what, where, and what was found."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from crowd_hitl.domain.errors import bad_field

FEWEST_OPTIONS = 2
MOST_OPTIONS = 1000
LONGEST_VALUE = 200
LONGEST_TEXT = 20_000
# Beyond this a float no longer tells whole numbers apart with digits to spare.
LARGEST = 1e15
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")


def checked_value(name: str, value: object) -> str:
    """Return a short text that is not blank."""
    if not isinstance(value, str) or not value.strip() or len(value) > LONGEST_VALUE:
        raise bad_field(name, expected=f"a text of 1 to {LONGEST_VALUE} characters", found=value)
    return checked_storable(name, value)


def checked_text(name: str, value: object, *, least: int) -> str:
    """Return a text of at least `least` characters that are not blank."""
    if not isinstance(value, str) or not least <= len(value.strip()) <= LONGEST_TEXT:
        raise bad_field(name, expected=f"a text of {least} to {LONGEST_TEXT} characters", found=value)
    return checked_storable(name, value)


def checked_storable(name: str, text: str) -> str:
    """Return a text that PostgreSQL stores: in UTF-8 (no half of a surrogate pair), without NUL."""
    if _UNSTORABLE.search(text):
        raise bad_field(name, expected="text in UTF-8, without NUL and half characters", found=text)
    return text


def checked_options(options: object, *, name: str = "options", fewest: int = FEWEST_OPTIONS) -> list[dict[str, str]]:
    """Return the options as [{"value", "label"}]; plain strings are their own label."""
    if not isinstance(options, Sequence) or isinstance(options, str | bytes):
        raise bad_field(name, expected=f"a list of {name}", found=options)
    if not fewest <= len(options) <= MOST_OPTIONS:
        raise bad_field(name, expected=f"{fewest} to {MOST_OPTIONS} {name}", found=len(options))
    checked = [checked_option(f"{name}[{place}]", option) for place, option in enumerate(options)]
    seen: set[str] = set()
    for option in checked:
        if option["value"] in seen:
            raise bad_field(name, expected="values that differ", found=option["value"])
        seen.add(option["value"])
    return checked


def checked_option(name: str, option: object) -> dict[str, str]:
    """Return one option as {"value", "label"}."""
    if isinstance(option, str):
        return {"value": checked_value(name, option), "label": option}
    if not isinstance(option, Mapping):
        raise bad_field(name, expected='a text or {"value", "label"}', found=option)
    for key in option:
        if key not in ("value", "label"):
            raise bad_field(f"{name}.{key}", expected='only "value" and "label"', found=option[key])
    value = checked_value(f"{name}.value", option.get("value"))
    return {"value": value, "label": checked_value(f"{name}.label", option.get("label", value))}


def values_of(spec: Mapping[str, Any]) -> list[str]:
    """List the options' values in the requester's order."""
    return [option["value"] for option in checked_options(spec.get("options"))]


def checked_one(name: str, value: object, known: Sequence[str]) -> str:
    """Return one of the known values."""
    if not isinstance(value, str) or value not in known:
        raise bad_field(name, expected=f"one of {shortened(known)}", found=value)
    return value


def checked_picks(name: str, value: object, known: Sequence[str], *, fewest: int, most: int) -> list[str]:
    """Return a list of so many different values, as given; BadInput naming the place of the first that is wrong."""
    counted = str(fewest) if fewest == most else f"{fewest} to {most}"
    if not isinstance(value, Sequence) or isinstance(value, str | bytes):
        raise bad_field(name, expected=f"a list of {counted} of {shortened(known)}", found=value)
    seen: list[str] = []
    for place, one in enumerate(value):
        if checked_one(f"{name}[{place}]", one, known) in seen:
            raise bad_field(f"{name}[{place}]", expected="each option at most once", found=one)
        seen.append(one)
    if not fewest <= len(seen) <= most:
        raise bad_field(name, expected=f"{counted} options", found=len(seen))
    return seen


def checked_range(spec: Mapping[str, Any], names: tuple[str, str], *, defaults: tuple[int, int]) -> dict[str, int]:
    """Return two settings that say how many of something there must and may be; at most the larger default."""
    least, most = names
    fewest = checked_whole(least, spec.get(least, defaults[0]), least=0, most=defaults[1])
    return {
        least: fewest,
        most: checked_whole(most, spec.get(most, defaults[1]), least=max(fewest, 1), most=defaults[1]),
    }


def checked_whole(name: str, value: object, *, least: int, most: int) -> int:
    """Return a whole number between two bounds; 3.0 is one too."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise bad_field(name, expected=f"a whole number from {least} to {most}", found=value)
    return value


def checked_number(
    name: str, value: object, *, expected: str = "a number", least: float = -LARGEST, most: float = LARGEST
) -> int | float:
    """Return a finite number, a whole one as an integer; BadInput for anything else, text that looks like one too."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise bad_field(name, expected=expected, found=value)
    if not least <= value <= most:
        raise bad_field(name, expected=f"{expected} from {least:g} to {most:g}", found=value)
    return int(value) if float(value).is_integer() else float(value)


def checked_flag(name: str, value: object) -> bool:
    """Return true or false."""
    if not isinstance(value, bool):
        raise bad_field(name, expected="true or false", found=value)
    return value


def shortened(values: Sequence[str]) -> str:
    """Name a few of the values, enough to see what is meant."""
    few = ", ".join(f"'{value[:40]}'" for value in values[:8])
    return few if len(values) <= 8 else f"{few} and {len(values) - 8} more"
