"""What a worker must bring to be handed a batch, or to be paid a certain rate: qualifications and skill, AND and OR.

A requirement is JSON: {"has": "spanish"}, {"has": "spanish", "min": 80}, {"skill_min": 0.9, "answers_min": 50},
{"all": [...]}, {"any": [...]} or {"not": {...}}; an empty one is met by everybody.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from crowd_hitl.domain.errors import bad_field

DEPTH_MAX = 5
PARTS_MAX = 20
SHAPES = (
    '{"has": name}, {"has": name, "min": number}, {"skill_min": 0 to 1, "answers_min": number}, {"all": [...]}, '
    '{"any": [...]} or {"not": {...}}'
)


@dataclass(frozen=True)
class Standing:
    """What is known of a worker in a project: qualifications with their values, measured accuracy and from how much."""

    qualifications: Mapping[str, float | None]
    accuracy: float | None = None
    answers: int = 0


def check_requirement(requirement: object, *, field: str = "requirement", depth: int = 0) -> None:
    """Refuse what is not a requirement, naming the field and the part that is wrong."""
    if not isinstance(requirement, Mapping) or depth > DEPTH_MAX:
        raise bad_field(field, expected=f"{SHAPES}, at most {DEPTH_MAX} deep", found=requirement)
    if not requirement and depth == 0:
        return
    keys = frozenset(requirement)
    for known, right in CHECKS.items():
        if keys == known:
            if not right(requirement):
                raise bad_field(field, expected=SHAPES, found=dict(requirement))
            break
    else:
        raise bad_field(field, expected=SHAPES, found=dict(requirement))
    parts = requirement.get("all") or requirement.get("any") or ([requirement["not"]] if "not" in requirement else [])
    for part in parts:
        check_requirement(part, field=field, depth=depth + 1)


def meets(standing: Standing, requirement: Mapping[str, Any] | None) -> bool:
    """Say whether a worker of this standing meets a (checked) requirement."""
    if not requirement:
        return True
    if "all" in requirement:
        return all(meets(standing, part) for part in requirement["all"])
    if "any" in requirement:
        return any(meets(standing, part) for part in requirement["any"])
    if "not" in requirement:
        return not meets(standing, requirement["not"])
    if "has" in requirement:
        name = requirement["has"]
        if name not in standing.qualifications:
            return False
        value = standing.qualifications[name]
        return "min" not in requirement or (value is not None and value >= requirement["min"])
    enough = standing.answers >= requirement.get("answers_min", 0)
    return enough and standing.accuracy is not None and standing.accuracy >= requirement["skill_min"]


def named_qualifications(requirement: Mapping[str, Any] | None) -> set[str]:
    """List the qualifications a requirement speaks of, to refuse names that do not exist."""
    if not requirement:
        return set()
    if "has" in requirement:
        return {str(requirement["has"])}
    parts = [*requirement.get("all", ()), *requirement.get("any", ())]
    parts += [requirement["not"]] if "not" in requirement else []
    return {name for part in parts for name in named_qualifications(part)}


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_skill(part: Mapping[str, Any]) -> bool:
    least, answers = part["skill_min"], part.get("answers_min", 0)
    return _is_number(least) and 0 <= least <= 1 and isinstance(answers, int) and _is_number(answers) and answers >= 0


def _is_list(value: object) -> bool:
    return isinstance(value, list) and 1 <= len(value) <= PARTS_MAX


CHECKS: Mapping[frozenset[str], Callable[[Mapping[str, Any]], bool]] = {
    frozenset({"has"}): lambda part: isinstance(part["has"], str) and bool(part["has"]),
    frozenset({"has", "min"}): lambda part: isinstance(part["has"], str) and _is_number(part["min"]),
    frozenset({"skill_min"}): _is_skill,
    frozenset({"skill_min", "answers_min"}): _is_skill,
    frozenset({"all"}): lambda part: _is_list(part["all"]),
    frozenset({"any"}): lambda part: _is_list(part["any"]),
    frozenset({"not"}): lambda part: isinstance(part["not"], Mapping),
}
