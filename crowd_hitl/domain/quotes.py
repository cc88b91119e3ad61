"""What a batch will cost, before anything is published: minimum, expected and maximum."""

from dataclasses import dataclass
from math import ceil

from crowd_hitl.domain.errors import bad_field
from crowd_hitl.domain.tasks import OverlapRule

LONGEST_LEASE_SECONDS = 30 * 24 * 3600
LARGEST_OVERLAP = 100
# With no pilot to go by: the share of tasks that ask for one more answer after each.
ASK_AGAIN_SHARE = 0.4


@dataclass(frozen=True)
class BatchTerms:
    """What a requester fixes for a batch, and the channel's fee for one answer; money in micro-units of `currency`."""

    price_micros: int
    currency: str
    overlap: OverlapRule
    lease_seconds: int = 900
    gold_rate: float = 0.0
    fee_micros: int = 0


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
    minimum = (tasks * rule.overlap_min + gold_places) * each
    expected_answers = tasks * expected_overlap(rule)
    return Quote(
        tasks=tasks,
        gold_places=gold_places,
        minimum_micros=minimum,
        expected_micros=round(expected_answers + gold_places) * each,
        maximum_micros=(tasks * rule.overlap_max + gold_places) * each,
        gold_micros=gold_places * each,
        fees_micros=(tasks * rule.overlap_min + gold_places) * (each - terms.price_micros),
        reserve_micros=minimum,
        expected_answers=expected_answers,
        currency=terms.currency,
    )


def place_cost_micros(terms: BatchTerms) -> int:
    """Return what one place takes from the budget: the price and the channel's fee."""
    return terms.price_micros + terms.fee_micros
