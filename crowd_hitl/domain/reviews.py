"""When an answer is approved: at once, by a person, after a delay, by what gold says of its worker, or by sample."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from typing import Any

from crowd_hitl.domain.errors import bad_field

LONGEST_HOURS = 24 * 90.0
REASON_MIN = 10


class Approval(StrEnum):
    """How a batch approves; every kind but `manual` ends in approval when nobody decides."""

    AUTO = "auto"
    MANUAL = "manual"
    AFTER_DELAY = "after_delay"
    BY_GOLD = "by_gold"
    BY_SAMPLE = "by_sample"


# What each kind has to know, and what it takes when it is not told.
DEFAULTS: Mapping[Approval, Mapping[str, float]] = {
    Approval.AUTO: {},
    Approval.MANUAL: {},
    Approval.AFTER_DELAY: {"hours": 72.0},
    Approval.BY_GOLD: {"accuracy_min": 0.8, "gold_min": 3, "hours": 72.0},
    Approval.BY_SAMPLE: {"rate": 0.1, "hours": 72.0},
}
# Approved by the background pass.
PASSED = (Approval.AFTER_DELAY, Approval.BY_GOLD, Approval.BY_SAMPLE)
# (least, most, expected) of each number.
BOUNDS: Mapping[str, tuple[float, float, str]] = {
    "hours": (0.0, LONGEST_HOURS, f"hours above 0, at most {LONGEST_HOURS:g}"),
    "accuracy_min": (0.0, 1.0, "a share above 0, at most 1"),
    "gold_min": (0.0, 1000.0, "a whole number from 1 to 1000"),
    "rate": (0.0, 1.0, "a share above 0, at most 1"),
}
# What may be said in one word when an answer is rejected; own words are as good.
REASONS = (
    "The answer does not fit the instructions.",
    "The answer is plainly wrong for this item.",
    "The same answer was given to everything.",
    "It was answered too fast to have been looked at.",
)


@dataclass(frozen=True)
class ReviewRule:
    """How a batch's answers are approved."""

    approval: Approval
    hours: float = 72.0
    accuracy_min: float = 0.8
    gold_min: float = 3
    rate: float = 0.1

    def due_before(self, now: datetime) -> datetime:
        """Say until when an answer must have been submitted to be approved now, whatever else is said of it."""
        return now - timedelta(hours=self.hours)

    def trusts(self, *, seen: int, right: int) -> bool:
        """Say whether a worker with so many gold answers, so many of them right, is approved without a person."""
        return seen >= self.gold_min and right >= self.accuracy_min * seen


def review_terms(approval: str, given: Mapping[str, Any] | None) -> dict[str, float] | None:
    """Check the terms of an approval and fill in what is not said; None for a kind that needs none.

    Refuses an unknown kind, a number it does not know and one that is out of bounds, each by name.
    """
    if approval not in list(Approval):
        raise bad_field("approval", expected="one of " + ", ".join(Approval), found=approval)
    known = DEFAULTS[Approval(approval)]
    unknown = sorted(set(given or {}) - set(known))
    if unknown:
        expected = "nothing" if not known else "only " + ", ".join(known)
        raise bad_field("review", expected=f"{expected} for approval {approval}", found=unknown[0])
    terms = {**known, **(given or {})}
    for name, value in terms.items():
        _check_number(name, value)
    return terms or None


def review_rule(approval: str, terms: Mapping[str, Any] | None) -> ReviewRule:
    """Read the rule of a batch, whose terms were checked when it was published."""
    return ReviewRule(Approval(approval), **{**DEFAULTS[Approval(approval)], **(terms or {})})


def is_sampled(*, assignment_id: int, salt: str, rate: float) -> bool:
    """Say whether an answer is one of the share that a person looks at: the same at every look.

    The salt is what workers cannot see, so that nobody can tell which of the own answers will be looked at.
    """
    drawn = int.from_bytes(sha256(f"{salt}:{assignment_id}".encode()).digest()[:8])
    return drawn < rate * 2**64


def _check_number(name: str, value: object) -> None:
    least, most, expected = BOUNDS[name]
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    whole = name != "gold_min" or isinstance(value, int)
    if not (is_number and whole and least < float(str(value)) <= most):
        raise bad_field(f"review.{name}", expected=expected, found=value)
