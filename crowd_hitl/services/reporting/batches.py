"""The list of a project's batches, and one batch: progress, places, money, how sure its labels are."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any

from sqlalchemy import and_, case, func, select
from sqlalchemy.orm import Session

from crowd_hitl.domain.assignments import AssignmentState
from crowd_hitl.domain.errors import NotFound
from crowd_hitl.domain.gates import GateTerms, gate_of
from crowd_hitl.domain.tasks import RetireReason
from crowd_hitl.services.balances import BatchBalance, batch_balances
from crowd_hitl.services.compensating import Owed, owed_in_batches
from crowd_hitl.services.reporting.money import Cost, costs_by
from crowd_hitl.services.reporting.pages import PAGE_ROWS, Page, first_rows, id_after
from crowd_hitl.store.label_rows import LabelRow
from crowd_hitl.store.loop_rows import RoundRow
from crowd_hitl.store.work_rows import AnswerRow, AssignmentRow, BatchRow, TaskRow

BUCKETS = 20


@dataclass(frozen=True)
class Progress:
    """How far a batch's tasks are; gold tasks have places but no label to agree on."""

    tasks: int = 0
    agreed: int = 0
    gave_up: int = 0
    gold_tasks: int = 0
    places_open: int = 0
    places_held: int = 0
    places_filled: int = 0

    @property
    def places(self) -> int:
        """Count all places there are now."""
        return self.places_open + self.places_held + self.places_filled


@dataclass(frozen=True)
class BatchLine:
    """One batch, with its terms, progress and money."""

    id: int
    name: str
    purpose: str
    state: str
    round_number: int | None
    price_micros: int
    fee_micros: int
    currency: str
    overlap_min: int
    overlap_max: int
    confidence_target: float
    approval: str
    review: dict[str, Any] | None
    aggregator: str
    quote: dict[str, Any]
    budget_id: int
    published_at: datetime
    closed_at: datetime | None
    deadline: datetime | None
    gate: GateTerms
    progress: Progress
    money: BatchBalance
    cost: Cost
    page_size: int
    hourly_micros: int | None
    rates: list[dict[str, Any]]
    compensation_micros: int
    owed: Owed | None

    @property
    def owed_answers(self) -> int:
        """Count the answers that wait for their pay."""
        return self.owed.answers if self.owed else 0

    @property
    def owed_micros(self) -> int:
        """Return what those answers cost, fees and all."""
        return self.owed.cost_micros if self.owed else 0

    @property
    def per_agreed_label_micros(self) -> float | None:
        """Return what this batch spent, divided by its agreed labels; None before anything was agreed and paid."""
        return self.cost.per_label_micros(self.progress.agreed)

    @property
    def quoted_per_label_micros(self) -> float | None:
        """Return what the quote expected a label to cost."""
        expected, tasks = self.quote.get("expected_micros"), self.quote.get("tasks")
        return expected / tasks if expected and tasks else None


@dataclass(frozen=True)
class Bucket:
    """Labels with a confidence in [low, high): of tasks that are agreed, and of those still asked or given up."""

    low: float
    high: float
    agreed: int
    others: int


def list_batches(
    session: Session, *, project_id: int, after: str | None = None, limit: int = PAGE_ROWS
) -> Page[BatchLine]:
    """List a project's batches, the newest first."""
    query = select(BatchRow).where(BatchRow.project_id == project_id)
    below = id_after(after)
    if below is not None:
        query = query.where(BatchRow.id < below)
    found = session.scalars(query.order_by(BatchRow.id.desc()).limit(limit + 1)).all()
    rows, more = first_rows(found, limit=limit)
    return Page(rows=_lines(session, rows), after=str(rows[-1].id) if more else None)


def one_batch(session: Session, *, project_id: int, batch_id: int) -> BatchLine:
    """Return one batch of the project; NotFound if it has no such batch."""
    batch = session.get(BatchRow, batch_id)
    if batch is None or batch.project_id != project_id:
        raise NotFound(f"This project has no batch {batch_id}.")
    return _lines(session, [batch])[0]


def confidence_buckets(session: Session, *, batch_id: int) -> list[Bucket]:
    """Count the current labels of a batch's items by confidence, in steps of 0.05."""
    edges = [step / BUCKETS for step in range(BUCKETS)] + [1.01]
    agreed = TaskRow.retire_reason == RetireReason.AGREED
    columns = []
    for low, high in pairwise(edges):
        inside = and_(LabelRow.confidence >= low, LabelRow.confidence < high)
        columns.append(func.coalesce(func.sum(case((and_(inside, agreed), 1), else_=0)), 0))
        columns.append(func.coalesce(func.sum(case((inside, 1), else_=0)), 0))
    counts = session.execute(
        select(*columns)
        .select_from(TaskRow)
        .join(LabelRow, and_(LabelRow.item_id == TaskRow.item_id, LabelRow.state == "current"))
        .where(TaskRow.batch_id == batch_id, TaskRow.is_gold.is_(False))
    ).one()
    found = []
    for step, (low, high) in enumerate(pairwise(edges)):
        sure, everything = int(counts[2 * step] or 0), int(counts[2 * step + 1] or 0)
        found.append(Bucket(low=low, high=min(high, 1.0), agreed=sure, others=everything - sure))
    return found


def _lines(session: Session, batches: Sequence[BatchRow]) -> list[BatchLine]:
    ids = [batch.id for batch in batches]
    progress = _progress(session, batch_ids=ids)
    money = batch_balances(session, batch_ids=ids)
    costs = costs_by(session, BatchRow.id, ids)
    owed = owed_in_batches(session, batch_ids=ids)
    numbers = _round_numbers(session, batches)
    return [
        BatchLine(
            id=batch.id,
            name=batch.name,
            purpose=batch.purpose,
            state=batch.state,
            round_number=numbers.get(batch.round_id) if batch.round_id is not None else None,
            price_micros=batch.price_micros,
            fee_micros=batch.fee_micros,
            currency=batch.currency,
            overlap_min=batch.overlap_min,
            overlap_max=batch.overlap_max,
            confidence_target=batch.confidence_target,
            approval=batch.approval,
            review=batch.review,
            aggregator=batch.aggregator,
            quote=batch.quote,
            budget_id=batch.budget_id,
            published_at=batch.published_at,
            closed_at=batch.closed_at,
            deadline=batch.deadline,
            gate=GateTerms(**gate_of(batch)),
            progress=progress[batch.id],
            money=money[batch.id],
            cost=costs.get((batch.id, batch.currency), Cost()),
            page_size=batch.page_size,
            hourly_micros=batch.hourly_micros,
            rates=batch.rates or [],
            compensation_micros=batch.compensation_micros,
            owed=owed.get(batch.id),
        )
        for batch in batches
    ]


def _round_numbers(session: Session, batches: Sequence[BatchRow]) -> dict[int, int]:
    round_ids = [batch.round_id for batch in batches if batch.round_id is not None]
    return dict(session.execute(select(RoundRow.id, RoundRow.number).where(RoundRow.id.in_(round_ids))).all())


def _progress(session: Session, *, batch_ids: Sequence[int]) -> dict[int, Progress]:
    plain = TaskRow.is_gold.is_(False)
    gave_up = TaskRow.retire_reason.in_((RetireReason.OVERLAP, RetireReason.BUDGET, RetireReason.CLOSED))
    rows = session.execute(
        select(
            TaskRow.batch_id,
            func.sum(case((plain, 1), else_=0)),
            func.sum(case((and_(plain, TaskRow.retire_reason == RetireReason.AGREED), 1), else_=0)),
            func.sum(case((and_(plain, gave_up), 1), else_=0)),
            func.sum(case((plain, 0), else_=1)),
            func.sum(TaskRow.places_left),
            func.sum(TaskRow.answers_count),
        )
        .where(TaskRow.batch_id.in_(batch_ids))
        .group_by(TaskRow.batch_id)
    ).all()
    held = dict(
        session.execute(
            select(AssignmentRow.batch_id, func.count())
            .where(AssignmentRow.batch_id.in_(batch_ids), AssignmentRow.state == AssignmentState.LEASED)
            .group_by(AssignmentRow.batch_id)
        ).all()
    )
    found = {batch_id: Progress(places_held=held.get(batch_id, 0)) for batch_id in batch_ids}
    for batch_id, tasks, agreed, stopped, gold, left, filled in rows:
        found[batch_id] = Progress(
            tasks=int(tasks),
            agreed=int(agreed),
            gave_up=int(stopped),
            gold_tasks=int(gold),
            places_open=int(left),
            places_held=held.get(batch_id, 0),
            places_filled=int(filled),
        )
    return found


def batch_of_answer(session: Session, *, project_id: int, answer_id: int) -> int | None:
    """Return the batch an answer was given in, None if the project has no such answer."""
    return session.scalar(
        select(BatchRow.id)
        .join(AnswerRow, AnswerRow.batch_id == BatchRow.id)
        .where(AnswerRow.id == answer_id, BatchRow.project_id == project_id)
    )
