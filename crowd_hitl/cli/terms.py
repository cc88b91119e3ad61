"""A batch's terms as they are typed: checked, and made the request that services take."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from typing import Any

from crowd_hitl.cli.batch_pay import read_rates
from crowd_hitl.cli.finding import budget_named, one_of
from crowd_hitl.cli.opening import Desk
from crowd_hitl.domain.errors import bad_field
from crowd_hitl.domain.money import micros
from crowd_hitl.domain.quotes import COMPENSATION_SHARE
from crowd_hitl.services.publishing import BatchRequest

APPROVALS = ("auto", "manual")


@dataclass(frozen=True)
class Terms:
    """What the options of `batch quote` and `batch publish` say."""

    price: str
    name: str | None = None
    overlap_min: int = 3
    overlap_max: int | None = None
    confidence_target: float = 0.95
    gold_rate: float = 0.0
    limit: int | None = None
    lease_seconds: int = 900
    deadline: datetime | None = None
    priority: int = 0
    aggregator: str = "pooled"
    overlap_policy: str = "posterior"
    approval: str = "auto"
    channel: str = "inhouse"
    page_size: int = 1
    hourly: str | None = None
    rates: Sequence[str] | None = None
    compensation_share: float = COMPENSATION_SHARE


# Options that are called otherwise than the term they set.
CALLED = {"confidence": "confidence_target", "policy": "overlap_policy", "rate": "rates"}
NAMES = frozenset(term.name for term in fields(Terms))


def as_terms(options: Mapping[str, Any]) -> Terms:
    """Make terms of the options of a command, each named as its term; what is no term is left out."""
    named = {CALLED.get(name, name): value for name, value in options.items()}
    terms = Terms(**{name: value for name, value in named.items() if name in NAMES})
    return replace(terms, deadline=read_deadline(terms.deadline))


def as_request(desk: Desk, terms: Terms, *, budget: str | None) -> BatchRequest:
    """Read the terms; BadInput names what is wrong, NotFound when there is no such budget."""
    one_of("aggregator", terms.aggregator, desk.plugins.aggregators)
    one_of("policy", terms.overlap_policy, desk.plugins.policies)
    if terms.approval not in APPROVALS:
        raise bad_field("approval", expected=" or ".join(APPROVALS), found=terms.approval)
    price_micros = micros(terms.price, field="price")
    if price_micros == 0:
        raise bad_field("price", expected="an amount above 0", found=terms.price)
    row = desk.uow.read(budget_named, organisation_id=desk.organisation_id, name=budget)
    return BatchRequest(
        name=terms.name or "Batch",
        budget_id=row.id,
        price_micros=price_micros,
        overlap_min=terms.overlap_min,
        overlap_max=terms.overlap_min if terms.overlap_max is None else terms.overlap_max,
        confidence_target=terms.confidence_target,
        gold_rate=terms.gold_rate,
        limit=terms.limit,
        lease_seconds=terms.lease_seconds,
        deadline=terms.deadline,
        priority=terms.priority,
        aggregator=terms.aggregator,
        overlap_policy=terms.overlap_policy,
        approval=terms.approval,
        channel=terms.channel,
        page_size=terms.page_size,
        hourly_micros=None if terms.hourly is None else micros(terms.hourly, field="hourly"),
        rates=read_rates(terms.rates),
        compensation_share=terms.compensation_share,
    )


def read_deadline(moment: datetime | None) -> datetime | None:
    """Take a moment without a zone as UTC."""
    return moment if moment is None or moment.tzinfo is not None else moment.replace(tzinfo=UTC)
