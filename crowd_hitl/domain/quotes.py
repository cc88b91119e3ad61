"""What a batch will cost, before anything is published: minimum, expected and maximum."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil
from typing import Any

from crowd_hitl.domain.errors import bad_field
from crowd_hitl.domain.sittings import check_pay
from crowd_hitl.domain.tasks import OverlapRule

LONGEST_LEASE_SECONDS = 30 * 24 * 3600
LARGEST_OVERLAP = 100
# With no pilot to go by: the share of tasks that ask for one more answer after each.
ASK_AGAIN_SHARE = 0.4
# Set aside, as a share of the first places, for answers that come late or are paid but not used.
COMPENSATION_SHARE = 0.02


@dataclass(frozen=True)
class BatchTerms:
    """What a requester fixes for a batch, and the channel's fee for one answer; money in micro-units of `currency`."""

    price_micros: int
    currency: str
    overlap: OverlapRule
    lease_seconds: int = 900
    gold_rate: float = 0.0
    fee_micros: int = 0
    page_size: int = 1
    hourly_micros: int | None = None
    rates: Sequence[Mapping[str, Any]] | None = None
    compensation_share: float = 0.0


@dataclass(frozen=True)
class Quote:
    """The price of a batch, in micro-units; `reserve_micros` is what publishing sets aside at once."""

    tasks: int
    gold_places: int
    minimum_micros: int
    expected_micros: int
    maximum_micros: int
    gold_micros: int
    fees_micros: int
    reserve_micros: int
    expected_answers: float
    currency: str
    compensation_micros: int = 0


def check_terms(terms: BatchTerms) -> None:
    """Refuse terms that cannot be published, naming the field."""
    rule = terms.overlap
    if terms.price_micros <= 0:
        raise bad_field("price", expected="an amount above 0", found=terms.price_micros)
    if not 1 <= rule.overlap_min <= LARGEST_OVERLAP:
        raise bad_field("overlap_min", expected=f"1 to {LARGEST_OVERLAP}", found=rule.overlap_min)
    if not rule.overlap_min <= rule.overlap_max <= LARGEST_OVERLAP:
        expected = f"overlap_min ({rule.overlap_min}) to {LARGEST_OVERLAP}"
        raise bad_field("overlap_max", expected=expected, found=rule.overlap_max)
    if not 0 < rule.confidence_target <= 1:
        raise bad_field("confidence_target", expected="above 0, at most 1", found=rule.confidence_target)
    if not 5 <= terms.lease_seconds <= LONGEST_LEASE_SECONDS:
        raise bad_field("lease_seconds", expected=f"5 to {LONGEST_LEASE_SECONDS}", found=terms.lease_seconds)
    if not 0 <= terms.gold_rate <= 0.5:
        raise bad_field("gold_rate", expected="0 to 0.5", found=terms.gold_rate)
    if not 0 <= terms.compensation_share <= 1:
        raise bad_field("compensation_share", expected="0 to 1", found=terms.compensation_share)
    check_pay(
        price_micros=terms.price_micros,
        page_size=terms.page_size,
        hourly_micros=terms.hourly_micros,
        rates=terms.rates,
    )


def expected_overlap(rule: OverlapRule) -> float:
    """Return the mean answers a task is expected to take: each further one is asked for by a share of the last."""
    further = range(1, rule.overlap_max - rule.overlap_min + 1)
    return rule.overlap_min + sum(ASK_AGAIN_SHARE**step for step in further)


def quote(terms: BatchTerms, *, tasks: int, gold_items: int) -> Quote:
    """Price a batch of `tasks` items with `gold_items` known answers at hand."""
    check_terms(terms)
    rule = terms.overlap
    gold_tasks = min(gold_items, ceil(terms.gold_rate * tasks))
    gold_places = gold_tasks * rule.overlap_min
    each = place_cost_micros(terms)
    expected_answers = tasks * expected_overlap(rule)
    first = tasks * rule.overlap_min + gold_places
    aside = compensation_places(first, share=terms.compensation_share)
    priced = Quote(
        tasks=tasks,
        gold_places=gold_places,
        minimum_micros=first * each,
        expected_micros=round(expected_answers + gold_places) * each,
        maximum_micros=(tasks * rule.overlap_max + gold_places) * each,
        gold_micros=gold_places * each,
        fees_micros=(first + aside) * terms.fee_micros,
        reserve_micros=first * each,
        expected_answers=expected_answers,
        currency=terms.currency,
    )
    return with_compensation(priced, compensation_micros=aside * each)


def compensation_places(places: int, *, share: float) -> int:
    """Return how many late or unused answers the line pays for: a share of the places, rounded up."""
    # what is a hair above a whole number only because of binary fractions is that number
    return ceil(round(share * places, 6))


def affordable_places(places: int, *, share: float) -> int:
    """Return how many places can be published when the money is enough for `places` of them with their line."""
    found = int(places / (1 + share)) + 1
    while found > 0 and found + compensation_places(found, share=share) > places:
        found -= 1
    return found


def with_compensation(priced: Quote, *, compensation_micros: int) -> Quote:
    """Return the quote with a compensation line: reserved at once, and part of what the batch costs at least."""
    return replace(
        priced,
        compensation_micros=compensation_micros,
        minimum_micros=priced.minimum_micros + compensation_micros,
        expected_micros=priced.expected_micros + compensation_micros,
        maximum_micros=priced.maximum_micros + compensation_micros,
        reserve_micros=priced.reserve_micros + compensation_micros,
    )


def place_cost_micros(terms: BatchTerms) -> int:
    """Return what one place takes from the budget: the price and the channel's fee."""
    return terms.price_micros + terms.fee_micros
