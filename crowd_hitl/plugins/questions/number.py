"""A number: whole or decimal, within bounds, on steps, in a unit."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from crowd_hitl.domain.errors import bad_field
from crowd_hitl.plugins.questions.checking import checked_flag, checked_number, checked_value
from crowd_hitl.plugins.questions.framing import FramedQuestion

# How far from a step a value may lie, as a share of the step: browsers add 0.1 and 0.2 to 0.30000000000000004.
NEAR = 1e-6
SMALLEST_STEP = 1e-9

Number = int | float


class NumberQuestion(FramedQuestion):
    """A number from `min` to `max`, in steps of `step` from `min` (or 0), whole if `integer`, in `unit`.

    `tolerance` is how far from the truth still counts as right: confidence and skill are about that.
    """

    kind = "number"
    settings = ("min", "max", "step", "unit", "integer", "tolerance")

    def check_settings(self, spec: Mapping[str, Any]) -> dict[str, Any]:
        """Return the bounds and steps, the unit, and what still counts as right."""
        whole = checked_flag("integer", spec.get("integer", False))
        least, most = given_number(spec, "min"), given_number(spec, "max")
        step = given_number(spec, "step", least=SMALLEST_STEP)
        if least is not None and most is not None and least >= most:
            raise bad_field("max", expected=f"a number above min ({least})", found=most)
        if least is not None and most is not None and step is not None and step > most - least:
            raise bad_field("step", expected=f"at most max − min ({most - least})", found=step)
        for name, bound in (("min", least), ("max", most), ("step", step)):
            if whole and isinstance(bound, float):
                raise bad_field(name, expected="a whole number, as 'integer' is true", found=bound)
        unit = spec.get("unit", "")
        checked = "" if unit == "" else checked_value("unit", unit)
        tolerance = given_number(spec, "tolerance", least=SMALLEST_STEP)
        bounds = {"min": least, "max": most, "step": step}
        return {**bounds, "unit": checked, "integer": whole, "tolerance": tolerance}

    def check_value(self, spec: Mapping[str, Any], value: object, *, where: str) -> Number:
        """Return the number, a whole one as an integer; BadInput if it is none, out of bounds or between steps."""
        expected = described(spec)
        number = checked_number(where, value, expected=expected)
        on_step = put_on_step(number, spec)
        if on_step is None or not is_within(on_step, spec):
            raise bad_field(where, expected=expected, found=number)
        return on_step


def given_number(spec: Mapping[str, Any], name: str, *, least: float | None = None) -> Number | None:
    """Return a number setting, or None where it is not given."""
    if spec.get(name) is None:
        return None
    expected = "a number" if least is None else f"a number of at least {least}"
    number = checked_number(name, spec[name], expected=expected)
    if least is not None and number < least:
        raise bad_field(name, expected=expected, found=number)
    return number


def put_on_step(number: Number, spec: Mapping[str, Any]) -> Number | None:
    """Return the number exactly on its step, None if it is on none."""
    step = spec.get("step")
    if step is None:
        return number
    start = spec.get("min") or 0
    steps = (number - start) / step
    if abs(steps - round(steps)) > NEAR:
        return None
    exact = Decimal(str(start)) + round(steps) * Decimal(str(step))
    return int(exact) if exact == exact.to_integral_value() else float(exact)


def is_within(number: Number, spec: Mapping[str, Any]) -> bool:
    """Say whether a number keeps the bounds, and is whole where it must be."""
    least, most = spec.get("min"), spec.get("max")
    if (least is not None and number < least) or (most is not None and number > most):
        return False
    return isinstance(number, int) or not spec.get("integer", False)


def described(spec: Mapping[str, Any]) -> str:
    """Say which numbers are allowed."""
    parts = ["a whole number" if spec.get("integer", False) else "a number"]
    for name, word in (("min", "from"), ("max", "to"), ("step", "in steps of")):
        if spec.get(name) is not None:
            parts.append(f"{word} {spec[name]}")
    return " ".join(parts)


plugin = NumberQuestion()
