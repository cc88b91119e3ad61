"""Extending a batch: more items, or more answers where people could not agree; priced, then reserved, then open."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from random import Random

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from crowd_hitl.domain.errors import BadInput, Conflict, NotFound, bad_field
from crowd_hitl.domain.ledger import TransferKind
from crowd_hitl.domain.quotes import BatchTerms, check_terms, place_cost_micros, quote, with_compensation
from crowd_hitl.domain.tasks import BatchState, OverlapRule, RetireReason, TaskState, position
from crowd_hitl.services.alerting import raise_alerts
from crowd_hitl.services.eligible import somebody_is_free
from crowd_hitl.services.paying import look_again, reserve
from crowd_hitl.services.publishing import lock_batch
from crowd_hitl.services.queueing import Asked, add_listed, gold_to_show, list_items
from crowd_hitl.store.work_rows import BatchRow, TaskRow

CHUNK = 2_000
# Given up for want of places or money: a higher overlap, or a top-up, is what they waited for.
REOPENED = (RetireReason.OVERLAP.value, RetireReason.BUDGET.value)


@dataclass(frozen=True)
class Extension:
    """What a batch is to get: these items, or up to `limit` that wait; and at most so many answers to each."""

    items: Sequence[int] | None = None
    limit: int | None = None
    overlap_max: int | None = None


@dataclass(frozen=True)
class ExtensionQuote:
    """What extending will cost in micro-units: set aside at once, and at most if every task takes all its answers."""

    tasks: int
    gold_places: int
    reopened: int
    reserve_micros: int
    maximum_micros: int
    currency: str


@dataclass(frozen=True)
class _Plan:
    quoted: ExtensionQuote
    wanted: list[int]
    gold: list[int]
    reopened: list[int]
    overlap_max: int


def quote_extension(session: Session, *, batch_id: int, extension: Extension, now: datetime) -> ExtensionQuote:
    """Price an extension without making it; refuses what could not be made."""
    batch = session.get(BatchRow, batch_id)
    if batch is None:
        raise NotFound(f"There is no batch {batch_id}.")
    return _plan(session, batch, extension, now=now).quoted


def extend_batch(session: Session, *, batch_id: int, extension: Extension, random: Random, now: datetime) -> BatchRow:
    """Put more into a batch and reserve what its new places cost; one that is closed opens again.

    BudgetTooSmall says what is missing. Refuses a lower overlap_max, items that are in the batch, and a batch of a
    round that is over: the loop has gone on without it.
    """
    batch = lock_batch(session, batch_id)
    plan = _plan(session, batch, extension, now=now)
    reserve(session, batch=batch, amount_micros=plan.quoted.reserve_micros, kind=TransferKind.EXTEND, now=now)
    line = int(batch.quote.get("compensation_micros", 0))
    if batch.state == BatchState.CLOSED:
        batch.state, batch.closed_at = BatchState.OPEN, None
        line = batch.compensation_micros  # the rest went back when it was closed
    batch.overlap_max = plan.overlap_max
    session.flush()
    add_listed(session, batch, wanted=plan.wanted, gold=plan.gold, random=random, now=now)
    _reopen(session, plan.reopened, now=now)
    batch.quote = _requoted(session, batch, line=line)
    look_again(batch)  # those that wait under the old overlap_max
    session.flush()
    raise_alerts(session, budget_id=batch.budget_id, now=now)
    return batch


def _plan(session: Session, batch: BatchRow, extension: Extension, *, now: datetime) -> _Plan:
    overlap_max = batch.overlap_max if extension.overlap_max is None else extension.overlap_max
    if overlap_max < batch.overlap_max:
        expected = f"at least {batch.overlap_max}, which this batch has"
        raise bad_field("overlap_max", expected=expected, found=overlap_max)
    if batch.state == BatchState.CLOSED and batch.round_id is not None:
        raise Conflict(f"Batch {batch.id} belongs to a round that is over. Publish a new batch instead.")
    if batch.deadline is not None and batch.deadline <= now:
        raise Conflict(f"The deadline of batch {batch.id} has passed. Publish a new batch instead.")
    terms = replace(_terms(batch), overlap=OverlapRule(batch.overlap_min, overlap_max, batch.confidence_target))
    check_terms(terms)
    wanted, gold = _new_items(session, batch, extension)
    reopened = _waiting_for_more(session, batch, overlap_max, now=now)
    if not wanted and not reopened and overlap_max == batch.overlap_max:
        raise BadInput("There is nothing to add: no further items wait, and overlap_max stays as it is.")
    new_quote = quote(terms, tasks=len(wanted), gold_items=len(gold))
    gold = gold[: new_quote.gold_places // batch.overlap_min]
    each = place_cost_micros(terms)
    further = sum(overlap_max - answers for _, answers in reopened) * each
    quoted = ExtensionQuote(
        tasks=len(wanted),
        gold_places=new_quote.gold_places,
        reopened=len(reopened),
        reserve_micros=new_quote.reserve_micros + len(reopened) * each,
        maximum_micros=new_quote.maximum_micros + further,
        currency=batch.currency,
    )
    return _Plan(quoted, wanted, gold, [task_id for task_id, _ in reopened], overlap_max)


def _terms(batch: BatchRow) -> BatchTerms:
    return BatchTerms(
        price_micros=batch.price_micros,
        currency=batch.currency,
        overlap=OverlapRule(batch.overlap_min, batch.overlap_max, batch.confidence_target),
        lease_seconds=batch.lease_seconds,
        gold_rate=batch.gold_rate,
        fee_micros=batch.fee_micros,
    )


def _new_items(session: Session, batch: BatchRow, extension: Extension) -> tuple[list[int], list[int]]:
    if extension.items is None and extension.limit is None:
        return [], []
    twice = _there_already(session, batch, extension.items or ())
    if twice:
        raise bad_field("items", expected="items that are not in the batch", found=twice[:5])
    asked = Asked(
        project_id=batch.project_id,
        question_version_id=batch.question_version_id,
        items=None if extension.items is None else list(dict.fromkeys(extension.items)),
        limit=extension.limit,
    )
    wanted = list_items(session, asked, besides=batch)
    if batch.gold_rate == 0:
        return wanted, []
    return wanted, gold_to_show(session, batch, besides=wanted)


def _there_already(session: Session, batch: BatchRow, items: Sequence[int]) -> list[int]:
    found: list[int] = []
    for start in range(0, len(items), CHUNK):
        listed = TaskRow.item_id.in_(items[start : start + CHUNK])
        found += session.scalars(select(TaskRow.item_id).where(TaskRow.batch_id == batch.id, listed))
    return sorted(found)


def _waiting_for_more(session: Session, batch: BatchRow, overlap_max: int, *, now: datetime) -> list[tuple[int, int]]:
    """List tasks (id, answers) that gave up and may take another answer now: somebody is there who can give it."""
    rows = session.execute(
        select(TaskRow.id, TaskRow.answers_count)
        .where(
            TaskRow.batch_id == batch.id,
            TaskRow.is_gold.is_(False),
            TaskRow.state == TaskState.RETIRED.value,
            TaskRow.retire_reason.in_(REOPENED),
            TaskRow.answers_count == TaskRow.overlap,
            TaskRow.answers_count < overlap_max,
            somebody_is_free(batch, now=now),
        )
        .order_by(TaskRow.id)
    )
    return [(task_id, answers) for task_id, answers in rows]


def _reopen(session: Session, task_ids: Sequence[int], *, now: datetime) -> None:
    for start in range(0, len(task_ids), CHUNK):
        session.execute(
            update(TaskRow)
            .where(TaskRow.id.in_(task_ids[start : start + CHUNK]))
            .values(
                overlap=TaskRow.overlap + 1,
                places_left=1,
                state=TaskState.OPEN.value,
                retire_reason=None,
                # each its own place in the queue
                pos=TaskRow.id + (position(now) - task_ids[0]),
            )
        )


def _requoted(session: Session, batch: BatchRow, *, line: int) -> dict[str, object]:
    """Price the whole batch as it is now, so that what was spent is compared with all that was asked for."""
    counts = dict(
        session.execute(
            select(TaskRow.is_gold, func.count()).where(TaskRow.batch_id == batch.id).group_by(TaskRow.is_gold)
        ).all()
    )
    priced = quote(_terms(batch), tasks=counts.get(False, 0), gold_items=counts.get(True, 0))
    return vars(with_compensation(priced, compensation_micros=line)).copy()
