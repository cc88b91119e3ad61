"""The gate of a batch: what a worker must bring, and the most that one worker may answer there."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Protocol

from crowd_hitl.domain.errors import bad_field
from crowd_hitl.domain.requirements import check_requirement

CAP_MAX = 100_000_000


class Gate(Protocol):
    """What batches and requests for them have of a gate."""

    @property
    def requirement(self) -> Mapping[str, Any] | None:
        """A requirement that a worker must meet; empty is met by everybody."""

    @property
    def cap_answers(self) -> int | None:
        """The most one worker may answer in all."""

    @property
    def cap_share(self) -> float | None:
        """The largest share of the tasks that one worker may answer."""

    @property
    def cap_per_day(self) -> int | None:
        """The most one worker may take in a day, UTC."""


@dataclass(frozen=True)
class GateTerms:
    """A gate by itself."""

    requirement: Mapping[str, Any] | None = None
    cap_answers: int | None = None
    cap_share: float | None = None
    cap_per_day: int | None = None


def check_gate(gate: Gate) -> None:
    """Refuse what is no requirement, a cap below 1 and a share outside (0, 1], naming the field."""
    if gate.requirement is not None:
        check_requirement(gate.requirement)
    for field, cap in (("cap_answers", gate.cap_answers), ("cap_per_day", gate.cap_per_day)):
        if cap is not None and not 1 <= cap <= CAP_MAX:
            raise bad_field(field, expected=f"1 to {CAP_MAX:,}", found=cap)
    if gate.cap_share is not None and not 0 < gate.cap_share <= 1:
        raise bad_field("cap_share", expected="above 0, at most 1", found=gate.cap_share)


def is_gated(gate: Gate) -> bool:
    """Say whether anything of the gate is set."""
    return bool(gate.requirement) or any(
        cap is not None for cap in (gate.cap_answers, gate.cap_share, gate.cap_per_day)
    )


def gate_of(gate: Gate) -> dict[str, Any]:
    """Return the gate's values by name, as a batch stores them."""
    return {
        "requirement": dict(gate.requirement) if gate.requirement else None,
        "cap_answers": gate.cap_answers,
        "cap_share": gate.cap_share,
        "cap_per_day": gate.cap_per_day,
    }


def cap_in_all(gate: Gate, *, tasks: int) -> int | None:
    """Return the most one worker may answer of this many tasks; None when there is no such cap."""
    # A share is what was written: 0.29 of 100 is 29, though 0.29 * 100 is a little less.
    share = None if gate.cap_share is None else max(1, int(Decimal(str(gate.cap_share)) * tasks))
    caps = [cap for cap in (gate.cap_answers, share) if cap is not None]
    return min(caps) if caps else None


def warn_of_caps(gate: Gate, *, tasks: int, places: int, able: int) -> str | None:
    """Say that all who are able cannot give the answers that are wanted at least, as the caps are; None if they can."""
    most = cap_in_all(gate, tasks=tasks)
    if most is None or most * able >= places:
        return None
    there = "the one able worker" if able == 1 else f"the {able} able workers"
    return (
        f"The batch cannot be finished: {there} may give {most * able} answers, as the cap is {most} each, "
        f"and it wants {places}. Raise the cap, or add workers."
    )


def describe_requirement(requirement: Mapping[str, Any] | None) -> str:
    """Put a (checked) requirement into words."""
    if not requirement:
        return "everybody"
    if "all" in requirement:
        return " and ".join(_part(part) for part in requirement["all"])
    if "any" in requirement:
        return " or ".join(_part(part) for part in requirement["any"])
    if "not" in requirement:
        return f"not {_part(requirement['not'])}"
    if "has" in requirement:
        least = f" of at least {requirement['min']:g}" if "min" in requirement else ""
        return f"{requirement['has']}{least}"
    answers = requirement.get("answers_min", 0)
    return f"accuracy of at least {requirement['skill_min']:.0%}" + (f" from {answers} answers" if answers else "")


def _part(part: Mapping[str, Any]) -> str:
    inner = describe_requirement(part)
    return f"({inner})" if "all" in part or "any" in part else inner
