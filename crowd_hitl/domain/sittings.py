"""What a sitting earns: so much for each answer, another rate for some workers, or by active time."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from crowd_hitl.domain.assignments import AssignmentState
from crowd_hitl.domain.errors import bad_field
from crowd_hitl.domain.money import units
from crowd_hitl.domain.requirements import Standing, check_requirement, meets

PAGE_TASKS_MAX = 50
RATES_MAX = 10
# An hourly sitting is settled after this long at the latest.
SITTING_SECONDS = 3600
HOUR_MILLISECONDS = 3_600_000
# Answers in one of these are paid for when their sitting is settled; the last three are not used.
PAID_FOR = (
    AssignmentState.APPROVED,
    AssignmentState.LATE,
    AssignmentState.SOFT_REJECTED,
    AssignmentState.REMOVED,
)


def check_pay(
    *, price_micros: int, page_size: int, hourly_micros: int | None, rates: Sequence[Mapping[str, Any]] | None
) -> None:
    """Refuse terms of pay that cannot be kept, naming the field; the price is the most that one answer may earn."""
    if not 1 <= page_size <= PAGE_TASKS_MAX:
        raise bad_field("page_size", expected=f"1 to {PAGE_TASKS_MAX}", found=page_size)
    if hourly_micros is not None and hourly_micros <= 0:
        raise bad_field("hourly", expected="an amount above 0", found=hourly_micros)
    if hourly_micros is not None and (rates or page_size > 1):
        raise bad_field("hourly", expected="pay by time alone, without rates or pages", found=hourly_micros)
    if len(rates or ()) > RATES_MAX:
        raise bad_field("rates", expected=f"at most {RATES_MAX}", found=len(rates or ()))
    for rate in rates or ():
        if not 0 < int(rate["price_micros"]) <= price_micros:
            expected = f"each above 0 and at most {units(price_micros)}, the price"
            raise bad_field("rates", expected=expected, found=units(int(rate["price_micros"])))
        check_requirement(rate["requirement"], field="rates")


def rate_for(standing: Standing, rates: Sequence[Mapping[str, Any]], *, price_micros: int) -> int:
    """Return what an answer of this worker earns: the first rate whose requirement the worker meets, else the price."""
    for rate in rates:
        if meets(standing, rate["requirement"]):
            return int(rate["price_micros"])
    return price_micros


def active_seconds(reported: float, *, since: datetime, until: datetime) -> float:
    """Return the active time that counts: what was reported, but never more than went by."""
    return max(0.0, min(reported, (until - since).total_seconds()))


def time_pay_micros(seconds: float, *, hourly_micros: int, answers: int, price_micros: int) -> int:
    """Return the pay for active time, rounded half up: at most the price of the answers, at least 1 micro-unit."""
    if answers == 0:
        return 0
    milliseconds = round(seconds * 1000)
    earned = (2 * milliseconds * hourly_micros + HOUR_MILLISECONDS) // (2 * HOUR_MILLISECONDS)
    return max(1, min(earned, answers * price_micros))
