"""What gold may say: known answers are checked as answers are, before they come in and when a person mends one."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from crowd_hitl.domain.errors import BadInput
from crowd_hitl.domain.items import FIRST_FIELD, ItemRecord
from crowd_hitl.domain.ports import Question
from crowd_hitl.domain.values import as_text, from_text

OPTIONS_SHOWN = 20


class BadGold(Exception):
    """Why a known answer cannot be used."""

    def __init__(self, column: str, *, expected: str, found: str) -> None:
        super().__init__(column)
        self.column, self.expected, self.found = column, expected, found


@dataclass(frozen=True)
class GoldRule:
    """What gold may say: the question's fields, the options of each, and how often one known answer may be shown.

    Where answers are no classes, `check` takes an answer and returns it as the question's answers are kept.
    """

    fields: Sequence[str]
    classes: Sequence[str]
    views_max: int = 100_000
    check: Callable[[Mapping[str, Any]], Mapping[str, Any]] | None = None

    def by_field(self, record: ItemRecord) -> dict[str, str]:
        """Return a record's gold with every field named; BadGold if the question has no such field or option."""
        named = {}
        for name, value in record.gold.items():
            column = f"gold.{name}" if name != FIRST_FIELD else "gold"
            if name not in (FIRST_FIELD, *self.fields):
                expected = f"one of the question's fields: {_listed(self.fields)}"
                raise BadGold(column, expected=expected, found=f"'{name[:80]}'")
            field_name = name or self.fields[0]
            named[field_name] = self._checked(field_name, value, column=column)
        return named

    def _checked(self, name: str, value: str, *, column: str) -> str:
        if self.check is not None:
            try:
                return as_text(_taken(self.check, name, value))
            except BadInput as error:
                wrong = error.problems[0] if error.problems else None
                expected = wrong.expected if wrong else str(error)
                raise BadGold(column, expected=expected, found=f"'{value[:80]}'") from error
        if value not in self.classes:
            raise BadGold(column, expected=f"one of {_listed(self.classes)}", found=f"'{value[:80]}'")
        return value


def gold_rule(question: Question, spec: Mapping[str, Any]) -> GoldRule:
    """Say what gold may say of this question."""
    check = None if question.is_class else partial(question.check_answer, spec)
    return GoldRule(fields=question.fields(spec), classes=question.classes(spec), check=check)


def _taken(check: Callable[[Mapping[str, Any]], Mapping[str, Any]], name: str, written: str) -> Any:
    """Return a known answer as the question keeps it: the text as it stands, or the JSON that is written there."""
    try:
        return check({name: written})[name]
    except BadInput as refused:  # "1984" is a text first, and a number where no text is taken
        try:
            read = from_text(written)
        except BadInput:
            raise refused from None
    return check({name: read})[name]


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(names[:OPTIONS_SHOWN])
    more = len(names) - OPTIONS_SHOWN
    return f"{shown} and {more} more" if more > 0 else shown
