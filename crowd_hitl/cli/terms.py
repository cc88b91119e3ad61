"""A batch's terms as they are typed: checked, and made the request that services take."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Any

from crowd_hitl.cli.batch_pay import read_rates
from crowd_hitl.cli.finding import budget_named, one_of
from crowd_hitl.cli.opening import Desk
from crowd_hitl.domain.errors import bad_field
from crowd_hitl.domain.money import micros
from crowd_hitl.domain.quotes import COMPENSATION_SHARE
from crowd_hitl.domain.requirements import SHAPES
from crowd_hitl.domain.reviews import review_terms
from crowd_hitl.services.publishing import BatchRequest
from crowd_hitl.services.weighing import method_for

# options whose names are shorter than what they set
RENAMED = {"confidence": "confidence_target", "policy": "overlap_policy", "rate": "rates"}


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
    aggregator: str | None = None
    overlap_policy: str = "posterior"
    approval: str = "auto"
    review: str | None = None
    channel: str = "inhouse"
    requires: str | None = None
    cap: int | None = None
    cap_share: float | None = None
    cap_per_day: int | None = None
    page_size: int = 1
    hourly: str | None = None
    rates: Sequence[str] | None = None
    compensation_share: float = COMPENSATION_SHARE


def typed_terms(options: Mapping[str, Any]) -> Terms:
    """Take the terms out of a command's options, by their names; what is no term is left out."""
    known = {one.name for one in fields(Terms)}
    found = {RENAMED.get(name, name): value for name, value in options.items()}
    return Terms(**{name: value for name, value in found.items() if name in known})


def as_request(desk: Desk, terms: Terms, *, budget: str | None, project_id: int) -> BatchRequest:
    """Read the terms; BadInput names what is wrong, NotFound when there is no such budget."""
    aggregator = desk.uow.read(method_for, project_id=project_id, name=terms.aggregator, plugins=desk.plugins)
    one_of("policy", terms.overlap_policy, desk.plugins.policies)
    review = read_review(terms.review)
    review_terms(terms.approval, review)
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
        deadline=read_deadline(terms.deadline),
        priority=terms.priority,
        aggregator=aggregator,
        overlap_policy=terms.overlap_policy,
        approval=terms.approval,
        review=review,
        channel=terms.channel,
        requirement=read_requirement(terms.requires),
        cap_answers=terms.cap,
        cap_share=terms.cap_share,
        cap_per_day=terms.cap_per_day,
        page_size=terms.page_size,
        hourly_micros=None if terms.hourly is None else micros(terms.hourly, field="hourly"),
        rates=read_rates(terms.rates),
        compensation_share=terms.compensation_share,
    )


def read_requirement(written: str | None) -> dict[str, Any] | None:
    """Read a requirement: JSON, or the name of a qualification."""
    if written is None or not written.strip():
        return None
    if not written.lstrip().startswith("{"):
        return {"has": written.strip()}
    try:
        found: dict[str, Any] = json.loads(written)
    except (ValueError, RecursionError) as error:
        raise bad_field("requires", expected=f"a qualification's name, or JSON: {SHAPES}", found=written) from error
    return found


def read_review(text: str | None) -> dict[str, Any] | None:
    """Read what --review says; BadInput when it is no JSON object."""
    if text is None:
        return None
    expected = 'a JSON object such as {"rate": 0.1, "hours": 72}'
    try:
        found = json.loads(text)
    except ValueError as error:
        raise bad_field("review", expected=expected, found=text) from error
    if not isinstance(found, dict):
        raise bad_field("review", expected=expected, found=text)
    return found


def read_deadline(moment: datetime | None) -> datetime | None:
    """Take a moment without a zone as UTC."""
    return moment if moment is None or moment.tzinfo is not None else moment.replace(tzinfo=UTC)
