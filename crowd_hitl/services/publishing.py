"""Publishing batches: first a quote, then the money set aside and the tasks put out; pausing and closing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from random import Random
from typing import Any

from sqlalchemy import Select, exists, select, update
from sqlalchemy.orm import Session

from crowd_hitl.domain.assignments import AssignmentState
from crowd_hitl.domain.errors import BadInput, Conflict, NotFound, bad_field
from crowd_hitl.domain.fees import answer_fee_micros, fee_rule
from crowd_hitl.domain.gates import gate_of, is_gated
from crowd_hitl.domain.ledger import TransferKind
from crowd_hitl.domain.quotes import COMPENSATION_SHARE, BatchTerms, Quote, quote
from crowd_hitl.domain.reviews import review_terms
from crowd_hitl.domain.tasks import BatchState, OverlapRule, Purpose, RetireReason, TaskState
from crowd_hitl.services.alerting import raise_alerts
from crowd_hitl.services.compensating import may_come_late
from crowd_hitl.services.eligible import refuse_too_few, refuse_unusable
from crowd_hitl.services.paying import give_back, look_again, reserve
from crowd_hitl.services.projects import newest_question
from crowd_hitl.services.queueing import Asked, Extent, extent_of, gold_extent, lay_out
from crowd_hitl.services.settling_sittings import not_needed
from crowd_hitl.store.money_rows import BudgetRow
from crowd_hitl.store.project_rows import GoldRow, ProjectRow
from crowd_hitl.store.work_rows import AssignmentRow, BatchRow, OfferRow, TaskRow

# A batch can be priced for any channel whose fees are known; it is put out where there is somebody to hand it out.
OPEN_CHANNELS = ("inhouse",)


@dataclass(frozen=True)
class BatchRequest:
    """What a requester asks for; `items` None means every item with neither a label nor gold nor an open task."""

    name: str
    budget_id: int
    price_micros: int
    overlap_min: int = 3
    overlap_max: int = 3
    confidence_target: float = 0.95
    lease_seconds: int = 900
    deadline: datetime | None = None
    priority: int = 0
    gold_rate: float = 0.0
    purpose: str = Purpose.LABEL
    items: Sequence[int] | None = None
    limit: int | None = None
    aggregator: str = "pooled"
    overlap_policy: str = "posterior"
    approval: str = "auto"
    review: Mapping[str, Any] | None = None
    round_id: int | None = None
    channel: str = "inhouse"
    requirement: Mapping[str, Any] | None = None
    cap_answers: int | None = None
    cap_share: float | None = None
    cap_per_day: int | None = None
    page_size: int = 1
    hourly_micros: int | None = None
    rates: Sequence[Mapping[str, Any]] | None = None
    compensation_share: float = COMPENSATION_SHARE

    @property
    def is_special(self) -> bool:
        """Whether a claim needs more than the hot path checks."""
        return self.hourly_micros is not None or bool(self.rates) or is_gated(self)

    @property
    def overlap(self) -> OverlapRule:
        """The rule by which tasks of this batch have answers enough."""
        return OverlapRule(self.overlap_min, self.overlap_max, self.confidence_target)


def quote_batch(session: Session, *, project_id: int, request: BatchRequest, now: datetime) -> Quote:
    """Price a batch with the channel's fees of today, without publishing it; refuses terms that could not be used."""
    terms = _terms(session, project_id, request, now=now)
    quoted, _ = _priced(session, terms, asked=_asked(session, project_id, request))
    return quoted


def first_places(quoted: Quote, request: BatchRequest) -> int:
    """Return how many answers a batch wants at least."""
    return quoted.tasks * request.overlap_min + quoted.gold_places


def publish_batch(
    session: Session, *, project_id: int, request: BatchRequest, random: Random, now: datetime
) -> BatchRow:
    """Put tasks out in-house and reserve what their first places cost; BudgetTooSmall says what is missing."""
    if request.channel not in OPEN_CHANNELS:
        raise bad_field("channel", expected=" or ".join(OPEN_CHANNELS), found=request.channel)
    terms = _terms(session, project_id, request, now=now)
    asked = _asked(session, project_id, request)
    quoted, (items, gold) = _priced(session, terms, asked=asked)
    if not items.count:
        raise BadInput("There is nothing to ask: every item has a label, is gold or is in an open batch. Import items.")
    if request.deadline is not None and request.deadline <= now:
        raise bad_field("deadline", expected="a moment in the future", found=request.deadline.isoformat())
    refuse_too_few(session, project_id=project_id, gate=request, overlap_min=request.overlap_min, now=now)
    batch = _insert_batch(session, project_id, request, quoted, fee=terms.fee_micros, now=now)
    reserve(session, batch=batch, amount_micros=quoted.reserve_micros, kind=TransferKind.RESERVE, now=now)
    gold = replace(gold, count=quoted.gold_places // request.overlap_min)
    lay_out(session, batch, asked=asked, extents=(items, gold), random=random, now=now)
    if gold.count:
        shown = select(TaskRow.item_id).where(TaskRow.batch_id == batch.id, TaskRow.is_gold)
        session.execute(
            update(GoldRow)
            .where(GoldRow.item_id.in_(shown))
            .values(views_reserved=GoldRow.views_reserved + batch.overlap_min)
        )
    raise_alerts(session, budget_id=batch.budget_id, now=now)
    return batch


def pause_batch(session: Session, *, batch_id: int, now: datetime) -> BatchRow:
    """Hand out no more places; what is leased may be finished."""
    return _move(session, batch_id, allowed=BatchState.OPEN, to=BatchState.PAUSED)


def resume_batch(session: Session, *, batch_id: int, now: datetime) -> BatchRow:
    """Hand out places again."""
    return _move(session, batch_id, allowed=BatchState.PAUSED, to=BatchState.OPEN)


def close_batch(session: Session, *, batch_id: int, now: datetime) -> BatchRow:
    """End a batch and return what it does not need; leased and undecided answers keep their money."""
    batch = lock_batch(session, batch_id)
    if batch.state == BatchState.CLOSED:
        return batch
    batch.state, batch.closed_at = BatchState.CLOSED, now
    look_again(batch)  # what was answered so far still becomes labels
    session.flush()
    session.execute(
        update(TaskRow)
        .where(TaskRow.batch_id == batch_id, TaskRow.state != TaskState.RETIRED.value)
        .values(
            overlap=TaskRow.overlap - TaskRow.places_left,
            places_left=0,
            state=TaskState.RETIRED.value,
            retire_reason=RetireReason.CLOSED.value,
        )
    )
    needless = not_needed(session, batch)
    if not may_come_late(session, batch, now=now):
        needless += batch.compensation_micros
        batch.compensation_micros = 0
        session.flush()
    give_back(session, batch=batch, amount_micros=needless, now=now)
    return batch


def close_overdue(session: Session, *, now: datetime) -> list[int]:
    """Close the batches whose deadline has passed and that nobody is working on any more; return which."""
    batch_ids = list(session.scalars(_overdue(now).order_by(BatchRow.id).limit(100)))
    for batch_id in batch_ids:
        close_batch(session, batch_id=batch_id, now=now)
    return batch_ids


def has_overdue(session: Session, *, now: datetime) -> bool:
    """Say whether `close_overdue` would find one."""
    return session.scalar(_overdue(now).limit(1)) is not None


def _overdue(now: datetime) -> Select[int]:
    leased = exists().where(AssignmentRow.batch_id == BatchRow.id, AssignmentRow.state == AssignmentState.LEASED.value)
    return select(BatchRow.id).where(BatchRow.state != BatchState.CLOSED.value, BatchRow.deadline <= now, ~leased)


def lock_batch(session: Session, batch_id: int) -> BatchRow:
    """Read a batch and keep others from changing it; NotFound when there is none."""
    found = (
        select(BatchRow)
        .where(BatchRow.id == batch_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    batch = session.scalar(found)
    if batch is None:
        raise NotFound(f"There is no batch {batch_id}.")
    return batch


def _move(session: Session, batch_id: int, *, allowed: BatchState, to: BatchState) -> BatchRow:
    batch = lock_batch(session, batch_id)
    if batch.state == to:
        return batch
    if batch.state != allowed:
        raise Conflict(f"Batch {batch_id} is {batch.state}; only one that is {allowed} can become {to}.")
    batch.state = to
    session.flush()
    return batch


def _terms(session: Session, project_id: int, request: BatchRequest, *, now: datetime) -> BatchTerms:
    project = session.get_one(ProjectRow, project_id)
    budget = session.get(BudgetRow, request.budget_id)
    if budget is None or budget.organisation_id != project.organisation_id:
        raise NotFound(f"There is no budget {request.budget_id}. Make one and top it up first.")
    review_terms(request.approval, request.review)
    refuse_unusable(session, project_id=project_id, gate=request)
    rule = fee_rule(request.channel, on=now.date())
    return BatchTerms(
        fee_micros=answer_fee_micros(rule, price_micros=request.price_micros, overlap_max=request.overlap_max),
        price_micros=request.price_micros,
        currency=budget.currency,
        overlap=request.overlap,
        lease_seconds=request.lease_seconds,
        gold_rate=request.gold_rate,
        page_size=request.page_size,
        hourly_micros=request.hourly_micros,
        rates=request.rates,
        compensation_share=request.compensation_share,
    )


def _asked(session: Session, project_id: int, request: BatchRequest) -> Asked:
    question = newest_question(session, project_id=project_id)
    return Asked(project_id=project_id, question_version_id=question.id, items=request.items, limit=request.limit)


def _priced(session: Session, terms: BatchTerms, *, asked: Asked) -> tuple[Quote, tuple[Extent, Extent]]:
    """Price what is asked; return how much there is of it, and of gold, too."""
    items, gold = extent_of(session, asked), Extent(0, 0, 0)
    if terms.gold_rate > 0:
        gold = gold_extent(session, asked, views=terms.overlap.overlap_min)
    return quote(terms, tasks=items.count, gold_items=gold.count), (items, gold)


def _insert_batch(
    session: Session, project_id: int, request: BatchRequest, quoted: Quote, *, fee: int, now: datetime
) -> BatchRow:
    batch = BatchRow(
        project_id=project_id,
        question_version_id=newest_question(session, project_id=project_id).id,
        budget_id=request.budget_id,
        round_id=request.round_id,
        name=request.name,
        purpose=request.purpose,
        state=BatchState.OPEN,
        overlap_min=request.overlap_min,
        overlap_max=request.overlap_max,
        confidence_target=request.confidence_target,
        gold_rate=request.gold_rate,
        lease_seconds=request.lease_seconds,
        deadline=request.deadline,
        priority=request.priority,
        page_size=request.page_size,
        price_micros=request.price_micros,
        hourly_micros=request.hourly_micros,
        rates=[dict(rate) for rate in request.rates] if request.rates else None,
        compensation_micros=quoted.compensation_micros,
        is_special=request.is_special,
        fee_micros=fee,
        currency=quoted.currency,
        aggregator=request.aggregator,
        overlap_policy=request.overlap_policy,
        approval=request.approval,
        **gate_of(request),
        review=review_terms(request.approval, request.review),
        quote=vars(quoted).copy(),
        agreed_at_answer_id=0,
        published_at=now,
    )
    session.add(batch)
    session.flush()
    _insert_offer(session, batch, channel=request.channel)
    return batch


def _insert_offer(session: Session, batch: BatchRow, *, channel: str) -> None:
    offer = OfferRow(
        batch_id=batch.id,
        channel=channel,
        ordinal=0,
        price_micros=batch.price_micros,
        fee_micros=batch.fee_micros,
        state="open",
    )
    session.add(offer)
    session.flush()
