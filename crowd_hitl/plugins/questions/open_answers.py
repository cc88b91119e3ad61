"""What the questions with open answers share: their settings, their one field, and errors that say where.

An open answer is no class of a short list, so `classes` is empty: a fuser of the question's kind weighs the answers.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from reprlib import Repr
from typing import Any

from crowd_hitl.domain.errors import BadInput, bad_field
from crowd_hitl.plugins.questions.choice import checked_option, checked_text, checked_value, shortened

COMMON = ("prompt", "instructions", "field")
DEFAULT_FIELD = "label"
MOST_LABELS = 1000
MOST_MARKS = 10_000

# An answer may be megabytes long: only its beginning is shown.
_brief = Repr()
_brief.maxstring = _brief.maxother = _brief.maxlong = 80
_brief.maxlist = _brief.maxtuple = _brief.maxdict = 4
_brief.maxlevel = 2


class OpenQuestion:
    """A question with one field whose value is checked by `check_value`; the base of ours."""

    kind = ""
    is_class = False
    settings: tuple[str, ...] = ()

    def check_spec(self, spec: Mapping[str, Any]) -> dict[str, Any]:
        """Return the settings completed with defaults; BadInput for a setting that is unknown or wrong."""
        known = (*COMMON, *self.settings)
        for name in spec:
            if name not in known:
                raise wrong(str(name), "one of the settings " + ", ".join(known), spec[name])
        common = {
            "prompt": checked_text("prompt", spec.get("prompt", ""), least=1),
            "instructions": checked_text("instructions", spec.get("instructions", ""), least=0),
            "field": checked_value("field", spec.get("field", DEFAULT_FIELD)),
        }
        return common | self.check_settings(spec)

    def fields(self, spec: Mapping[str, Any]) -> Sequence[str]:
        """Name the one field an answer has."""
        return [str(spec.get("field", DEFAULT_FIELD))]

    def classes(self, spec: Mapping[str, Any]) -> Sequence[str]:
        """List nothing: there is no short list of values."""
        return []

    def check_answer(self, spec: Mapping[str, Any], value: object) -> dict[str, Any]:
        """Return {field: value} with the value in its one canonical form; BadInput says what is wrong with it."""
        field = self.fields(spec)[0]
        if not isinstance(value, Mapping):
            raise wrong("value", f"an object with the field '{field}'", value)
        for name in value:
            if name != field:
                raise wrong(str(name), f"only the field '{field}'", value[name])
        if field not in value:
            raise bad_field(field, expected="a value", found="nothing")
        return {field: self.check_value(spec, value[field], where=field)}

    def check_settings(self, spec: Mapping[str, Any]) -> dict[str, Any]:
        """Return this question's own settings, completed."""
        raise NotImplementedError

    def check_value(self, spec: Mapping[str, Any], value: object, *, where: str) -> Any:
        """Return the field's value in its canonical form."""
        raise NotImplementedError


def wrong(where: str, expected: str, found: object) -> BadInput:
    """Build the error of one wrong place, showing no more than the beginning of what was found."""
    if not isinstance(found, str | Shown):
        found = Shown(_brief.repr(found))
    shown = printable(found) if isinstance(found, str) else found
    return bad_field(printable(where), expected=expected, found=shown)


def printable(text: str) -> str:
    """Replace what cannot be written in UTF-8, so that the error itself can be sent."""
    return text[:200].encode(errors="replace").decode()


@dataclass(frozen=True)
class Shown:
    """What was found, as it is to be shown: `bad_field` puts only plain texts in quotes."""

    text: str

    def __repr__(self) -> str:
        """Return the text itself."""
        return self.text


def checked_labels(spec: Mapping[str, Any]) -> list[dict[str, str]]:
    """Return the labels as [{"value", "label"}], one or more that differ."""
    labels = spec.get("labels")
    if not isinstance(labels, Sequence) or isinstance(labels, str | bytes) or not 1 <= len(labels) <= MOST_LABELS:
        raise wrong("labels", f"a list of 1 to {MOST_LABELS} labels", labels)
    checked = []
    for place, label in enumerate(labels):
        try:
            checked.append(checked_option(place, label))
        except BadInput as refused:
            problem = refused.problems[0]
            name = problem.field.replace("options[", "labels[", 1)
            raise wrong(name, problem.expected, Shown(problem.found)) from refused
    values = [label["value"] for label in checked]
    for value in values:
        if values.count(value) > 1:
            raise wrong("labels", "values that differ", value)
    return checked


def label_values(spec: Mapping[str, Any]) -> list[str]:
    """List the values that a mark's label can take."""
    labels = spec.get("labels", ())
    return [str(label["value"] if isinstance(label, Mapping) else label) for label in labels]


def checked_label(spec: Mapping[str, Any], value: object, *, where: str) -> str:
    """Return a mark's label; it may be left out where there is only one."""
    known = label_values(spec)
    if value is None and len(known) == 1:
        return known[0]
    if not isinstance(value, str) or value not in known:
        raise wrong(where, f"one of {shortened(known)}", value)
    return value


def checked_whole(where: str, value: object, *, least: int, most: int) -> int:
    """Return a whole number between two bounds; 3.0 is one too."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise wrong(where, f"a whole number from {least} to {most}", value)
    return value


def checked_number(where: str, value: object, *, least: float, most: float) -> float:
    """Return a finite number between two bounds."""
    if not isinstance(value, int | float) or isinstance(value, bool) or not least <= value <= most:
        raise wrong(where, f"a number from {least:g} to {most:g}", value)
    if not isfinite(value):
        raise wrong(where, "a finite number", value)
    return float(value)


def checked_flag(where: str, value: object) -> bool:
    """Return true or false."""
    if not isinstance(value, bool):
        raise wrong(where, "true or false", value)
    return value


def checked_counts(spec: Mapping[str, Any], *, most: int) -> dict[str, int]:
    """Return `min_count` and `max_count`: how many marks an answer may have."""
    least = checked_whole("min_count", spec.get("min_count", 0), least=0, most=most)
    return {
        "min_count": least,
        "max_count": checked_whole("max_count", spec.get("max_count", most), least=max(least, 1), most=most),
    }


def checked_marks(spec: Mapping[str, Any], value: object, *, where: str) -> list[Any]:
    """Return the list of marks, of which there are neither too few nor too many."""
    least, most = spec.get("min_count", 0), spec.get("max_count", MOST_MARKS)
    if not isinstance(value, Sequence) or isinstance(value, str | bytes):
        raise wrong(where, f"a list of {least} to {most} marks (none: an empty list)", value)
    if not least <= len(value) <= most:
        raise bad_field(where, expected=f"{least} to {most} marks", found=len(value))
    return list(value)


def checked_parts(mark: object, *, where: str, needed: Sequence[str], also: Sequence[str] = ()) -> Mapping[str, Any]:
    """Return a mark that has all the parts it needs and no others."""
    if not isinstance(mark, Mapping):
        raise wrong(where, "an object with " + ", ".join((*needed, *also)), mark)
    for name in mark:
        if name not in needed and name not in also:
            raise wrong(f"{where}.{name}", "only " + ", ".join((*needed, *also)), mark[name])
    for name in needed:
        if name not in mark:
            raise bad_field(f"{where}.{name}", expected="a value", found="nothing")
    return mark
