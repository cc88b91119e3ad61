"""Behaviour rules as JSON: what is collected of a worker, the condition, and what is done when it is met.

A rule: {"collector": "fast_answers", "condition": {"op": ">=", "threshold": 0.5, "answers_min": 20, "last": 50,
"seconds": 2}, "action": {"do": "pause", "scope": "project", "hours": 24}}.
"""

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from crowd_hitl.domain.errors import bad_field
from crowd_hitl.domain.money import currency_code, units

LAST_MAX, LAST_OTHERWISE = 500, 50
HOURS_MAX = 24 * 365
# Who disagrees with most people may be the one who is right: a person looks, and nobody is shut out for good.
AGAINST_MAJORITY_HOURS_MAX = 7 * 24
OPS: Mapping[str, Callable[[float, float], bool]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}


class Unit(StrEnum):
    """What a collector's figure is counted in."""

    SHARE = "share"
    SECONDS = "seconds"
    COUNT = "count"
    MICROS = "micros"


@dataclass(frozen=True)
class Collector:
    """What is measured of a worker: its unit, how it is said, and whether it looks at the last answers."""

    unit: Unit
    said: str
    windowed: bool = True
    daily: bool = False


COLLECTORS: Mapping[str, Collector] = {
    "fast_answers": Collector(Unit.SHARE, "of the last {answers} answers took less than {seconds:g} s"),
    "median_seconds": Collector(Unit.SECONDS, "is the median time of the last {answers} answers"),
    "same_answer_share": Collector(
        Unit.SHARE, "more often than the agreed labels, one same answer was given to the last {answers} items"
    ),
    "answers_in_row_same": Collector(Unit.COUNT, "answers in a row were the same"),
    "income_per_day": Collector(Unit.MICROS, "earned on {day} (UTC)", windowed=False, daily=True),
    "answers_per_day": Collector(Unit.COUNT, "answers on {day} (UTC)", windowed=False, daily=True),
    "gold_accuracy": Collector(Unit.SHARE, "of the last {answers} answers to items with known answers were right"),
    "skipped_in_row": Collector(Unit.COUNT, "tasks in a row were let go unanswered", windowed=False),
    "against_majority": Collector(Unit.SHARE, "of the last {answers} answers contradict the agreed label"),
}
PARAMETERS = frozenset({"op", "threshold", "answers_min", "last", "seconds", "currency"})


@dataclass(frozen=True)
class Rule:
    """A checked rule."""

    name: str
    collector: str
    condition: Mapping[str, Any]
    action: Mapping[str, Any]

    @property
    def last(self) -> int:
        """How many of the newest answers are looked at."""
        return int(self.condition.get("last", LAST_OTHERWISE))

    @property
    def answers_min(self) -> int:
        """From how many answers on it is judged at all."""
        return int(self.condition["answers_min"])


PRESETS: Mapping[str, Rule] = {
    "too-fast": Rule(
        "Too fast",
        "fast_answers",
        {"op": ">=", "threshold": 0.5, "answers_min": 20, "last": 50, "seconds": 2},
        {"do": "pause", "scope": "project", "hours": 24},
    ),
    "too-uniform": Rule(
        "Too uniform",
        "same_answer_share",
        {"op": ">=", "threshold": 0.3, "answers_min": 30, "last": 100},
        {"do": "flag"},
    ),
    "daily-income": Rule(
        "Daily income",
        "income_per_day",
        {"op": ">", "threshold": 50_000_000, "answers_min": 1},
        {"do": "pause", "scope": "project", "hours": 12},
    ),
}


def check_rule(*, name: str, collector: str, condition: object, action: object, everywhere: bool = False) -> Rule:
    """Refuse what is not a rule, naming the part that is wrong; `everywhere` is a rule of the whole organisation."""
    if not 1 <= len(name.strip()) <= 100:
        raise bad_field("name", expected="1 to 100 characters", found=name)
    if collector not in COLLECTORS:
        raise bad_field("collector", expected="one of " + ", ".join(COLLECTORS), found=collector)
    checked = _condition(collector, condition)
    return Rule(name.strip(), collector, checked, _action(collector, action, everywhere=everywhere))


def preset(name: str, *, everywhere: bool = False) -> Rule:
    """Return a rule that is ready to use; refuses a name that is none."""
    if name not in PRESETS:
        raise bad_field("preset", expected="one of " + ", ".join(PRESETS), found=name)
    found = PRESETS[name]
    action = dict(found.action)
    if everywhere and "scope" in action:
        action["scope"] = "organisation"
    return check_rule(
        name=found.name,
        collector=found.collector,
        condition=found.condition,
        action=action,
        everywhere=everywhere,
    )


def is_met(condition: Mapping[str, Any], measured: float) -> bool:
    """Say whether a measured figure meets the (checked) condition."""
    return OPS[condition["op"]](measured, condition["threshold"])


def figure(collector: str, value: float, *, currency: str = "") -> str:
    """Write a figure as people read it: 62%, 1.4 s, 31, 50.00 USD."""
    unit = COLLECTORS[collector].unit
    if unit == Unit.SHARE:
        return f"{100 * value:.0f}%"
    if unit == Unit.SECONDS:
        return f"{value:.1f} s"
    if unit == Unit.MICROS:
        return f"{units(int(value))} {currency}".strip()
    return f"{value:.0f}"


def measured_text(rule: Rule, *, measured: float, evidence: Mapping[str, Any]) -> str:
    """Say what was measured: "62% of the last 50 answers took less than 2 s"."""
    said = COLLECTORS[rule.collector].said.format(
        answers=evidence.get("count", 0), seconds=rule.condition.get("seconds", 0), day=evidence.get("day", "")
    )
    return f"{figure(rule.collector, measured, currency=str(evidence.get('currency', '')))} {said}"


def limit_text(rule: Rule) -> str:
    """Say the condition: "at or above 50%"."""
    words = {">": "above", ">=": "at or above", "<": "below", "<=": "at or below"}
    currency = str(rule.condition.get("currency", ""))
    return f"{words[rule.condition['op']]} {figure(rule.collector, rule.condition['threshold'], currency=currency)}"


def reason_text(rule: Rule, *, measured: float, evidence: Mapping[str, Any]) -> str:
    """Say to a worker why a rule keeps them from work."""
    said = measured_text(rule, measured=measured, evidence=evidence)
    return f"{said}; the rule '{rule.name}' acts {limit_text(rule)}. If this is a mistake, tell the requester."


def action_text(action: Mapping[str, Any]) -> str:
    """Say what a rule does: "pause in this project for 24 h"."""
    if action["do"] == "flag":
        return "flag for a person to look"
    where = "in this project" if action["scope"] == "project" else "everywhere"
    return f"{action['do']} {where} " + (f"for {action['hours']:g} h" if action.get("hours") else "until lifted")


def ends_at(action: Mapping[str, Any], *, now: datetime) -> datetime | None:
    """Say when what the action puts on a worker ends by itself; None means never."""
    return now + timedelta(hours=action["hours"]) if action.get("hours") else None


def _condition(collector: str, found: object) -> dict[str, Any]:
    if not isinstance(found, Mapping) or not PARAMETERS.issuperset(found):
        raise bad_field("condition", expected="an object with " + ", ".join(sorted(PARAMETERS)), found=found)
    kind = COLLECTORS[collector]
    if found.get("op") not in OPS:
        raise bad_field("condition.op", expected="one of " + " ".join(OPS), found=found.get("op"))
    _check_threshold(kind.unit, collector, found.get("threshold"))
    checked = {"op": found["op"], "threshold": found["threshold"], "answers_min": found.get("answers_min", 1)}
    _check_whole("condition.answers_min", checked["answers_min"], most=LAST_MAX)
    if "last" in found and not kind.windowed:
        raise bad_field(
            "condition.last", expected=f"nothing: {collector} looks at no last answers", found=found["last"]
        )
    if kind.windowed:
        checked["last"] = found.get("last", max(LAST_OTHERWISE, checked["answers_min"]))
        _check_whole("condition.last", checked["last"], least=checked["answers_min"], most=LAST_MAX)
    return checked | _extras(collector, found)


def _extras(collector: str, found: Mapping[str, Any]) -> dict[str, Any]:
    """Check what only one collector knows: the time that is too short, the currency that is counted."""
    extras: dict[str, Any] = {}
    if ("seconds" in found) != (collector == "fast_answers"):
        expected = "the time below which an answer is fast" if collector == "fast_answers" else "only with fast_answers"
        raise bad_field("condition.seconds", expected=expected, found=found.get("seconds"))
    if "seconds" in found:
        if not _is_number(found["seconds"]) or not 0 < found["seconds"] <= 3600:
            raise bad_field("condition.seconds", expected="above 0, at most 3600", found=found["seconds"])
        extras["seconds"] = found["seconds"]
    if "currency" in found:
        if collector != "income_per_day":
            raise bad_field("condition.currency", expected="only with income_per_day", found=found["currency"])
        extras["currency"] = currency_code(str(found["currency"]))
    return extras


def _check_threshold(unit: Unit, collector: str, found: object) -> None:
    least = -1.0 if collector == "same_answer_share" else 0.0
    most = 1.0 if unit == Unit.SHARE else 10.0**18
    if not _is_number(found) or not least <= float(str(found)) <= most:
        expected = f"a number from {least:g} to {most:g} ({unit})"
        raise bad_field("condition.threshold", expected=expected, found=found)


def _action(collector: str, found: object, *, everywhere: bool) -> dict[str, Any]:
    shapes = '{"do": "flag"} or {"do": "pause" or "block", "scope": "project" or "organisation", "hours": number}'
    if not isinstance(found, Mapping) or found.get("do") not in ("flag", "pause", "block"):
        raise bad_field("action", expected=shapes, found=found)
    if found["do"] == "flag":
        if set(found) != {"do"}:
            raise bad_field("action", expected='nothing beside "do" for a flag', found=dict(found))
        return {"do": "flag"}
    scope = found.get("scope", "organisation" if everywhere else "project")
    if not {"do", "scope", "hours"}.issuperset(found) or scope not in ("project", "organisation"):
        raise bad_field("action", expected=shapes, found=dict(found))
    if everywhere and scope == "project":
        raise bad_field("action.scope", expected="organisation: this rule looks at all projects", found=scope)
    hours = found.get("hours")
    _check_hours(found["do"], hours)
    if collector == "against_majority":
        _check_against_majority(found["do"], hours)
    return {"do": found["do"], "scope": scope, "hours": hours}


def _check_hours(do: str, hours: object) -> None:
    if hours is None:
        if do == "pause":
            raise bad_field("action.hours", expected="how long a pause lasts", found=hours)
    elif not _is_number(hours) or not 0 < float(str(hours)) <= HOURS_MAX:
        raise bad_field("action.hours", expected=f"above 0, at most {HOURS_MAX}", found=hours)


def _check_against_majority(do: str, hours: float | None) -> None:
    expected = (
        f"flag, or a pause of at most {AGAINST_MAJORITY_HOURS_MAX} hours: who contradicts most people may be right, "
        "so a person decides about them"
    )
    if do == "block":
        raise bad_field("action.do", expected=expected, found=do)
    if hours is not None and hours > AGAINST_MAJORITY_HOURS_MAX:
        raise bad_field("action.hours", expected=expected, found=hours)


def _check_whole(field: str, found: object, *, least: int = 1, most: int) -> None:
    if not isinstance(found, int) or isinstance(found, bool) or not least <= found <= most:
        raise bad_field(field, expected=f"a whole number from {least} to {most}", found=found)


def _is_number(found: object) -> bool:
    return isinstance(found, int | float) and not isinstance(found, bool) and abs(found) < float("inf")
