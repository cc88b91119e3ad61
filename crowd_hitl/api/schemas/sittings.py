"""Sittings: leases, hours, rates and the line that pays for late answers."""

from datetime import datetime

from pydantic import Field, JsonValue

from crowd_hitl.api.schemas.base import Amount, Body, Given, Money


class RateIn(Body):
    """What an answer earns when its worker meets a requirement."""

    price: Amount
    requirement: dict[str, JsonValue] = Field(examples=[{"skill_min": 0.9, "answers_min": 50}])


class RateOut(Given):
    """One rate of a batch."""

    price: Money
    requirement: dict[str, JsonValue]


class CompensationIn(Body):
    """How much goes into a batch's compensation line."""

    amount: Amount


class OwedOut(Given):
    """Answers that were given and could not be paid from the compensation line."""

    answers: int
    amount: Money


class LeaseOut(Given):
    """Until when a place is held."""

    id: int
    lease_ends_at: datetime


class SittingOut(Given):
    """One sitting and the active seconds it was paid for; empty until it is settled."""

    id: int
    batch_id: int
    state: str
    seconds: float | None
