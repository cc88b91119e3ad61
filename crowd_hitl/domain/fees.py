"""What a channel takes for each answer: a dated table, so that a change of fees is a new row and not new code."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from crowd_hitl.domain.errors import bad_field
from crowd_hitl.domain.money import MICROS

WHOLE_BPS = 10_000
CENT_MICROS = MICROS // 100


@dataclass(frozen=True)
class FeePart:
    """One part of a fee in basis points of the price; it applies to tasks that may take `overlap_from` answers."""

    name: str
    bps: int
    overlap_from: int = 1


@dataclass(frozen=True)
class FeeRule:
    """What one channel takes from `valid_from` until before `valid_until`, rounded half up to `round_micros`."""

    channel: str
    valid_from: date
    valid_until: date | None
    parts: tuple[FeePart, ...] = ()
    minimum_micros: int = 0
    round_micros: int = 1

    def holds_on(self, day: date) -> bool:
        """Say whether the rule is in force on this day."""
        return self.valid_from <= day and (self.valid_until is None or day < self.valid_until)


# Amazon's published prices: a fifth of the reward; a second fifth where ten or more people may answer; a cent at least;
# rounded half up to the cent ("$0.104 is rounded to $0.10, $0.105 to $0.11"). Sources: the fees on the marketplace's
# pricing page and in its requester help, and requesters' accounts of the change of 21 July 2015. Its Masters' surcharge
# (5%) is no row: batches cannot ask for Masters. Prolific is no row: it says its fees itself, study by study.
TABLE: tuple[FeeRule, ...] = (
    FeeRule(channel="inhouse", valid_from=date(2020, 1, 1), valid_until=None),
    FeeRule(
        channel="mturk",
        valid_from=date(2011, 1, 1),
        valid_until=date(2015, 7, 21),
        parts=(FeePart("commission", 1_000),),
        minimum_micros=CENT_MICROS // 2,
        round_micros=CENT_MICROS // 2,
    ),
    FeeRule(
        channel="mturk",
        valid_from=date(2015, 7, 21),
        valid_until=None,
        parts=(FeePart("commission", 2_000), FeePart("ten answers or more", 2_000, overlap_from=10)),
        minimum_micros=CENT_MICROS,
        round_micros=CENT_MICROS,
    ),
)


def fee_rule(channel: str, *, on: date, table: Sequence[FeeRule] | None = None) -> FeeRule:
    """Find the channel's rule of that day; refuses a channel that has none, listing those that have."""
    rules = [rule for rule in (TABLE if table is None else table) if rule.holds_on(on)]
    for rule in rules:
        if rule.channel == channel:
            return rule
    known = ", ".join(sorted(rule.channel for rule in rules))
    raise bad_field("channel", expected=f"one of {known} (their fees on {on} are known)", found=channel)


def answer_fee_micros(rule: FeeRule, *, price_micros: int, overlap_max: int) -> int:
    """Return the fee for one answer at this price where up to `overlap_max` workers may answer a task."""
    bps = sum(part.bps for part in rule.parts if overlap_max >= part.overlap_from)
    if bps == 0:
        return rule.minimum_micros
    # Half up, in whole numbers: adding half of the divisor before dividing.
    unit = WHOLE_BPS * rule.round_micros
    rounded = (2 * price_micros * bps + unit) // (2 * unit) * rule.round_micros
    return max(rounded, rule.minimum_micros)
