"""A batch's items that people divide on, the least sure first; and answers that wait for a decision."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, func, select
from sqlalchemy.orm import Session

from crowd_hitl.domain.assignments import AssignmentState
from crowd_hitl.domain.labels import CANNOT_BE_ANSWERED
from crowd_hitl.services.reporting.money import cost_by_item
from crowd_hitl.services.reporting.pages import Page, first_rows, id_after
from crowd_hitl.services.reporting.projects import ProjectHead
from crowd_hitl.services.reporting.votes import Vote, votes_on
from crowd_hitl.store.account_rows import WorkerRow
from crowd_hitl.store.label_rows import LabelRow
from crowd_hitl.store.project_rows import ItemRow
from crowd_hitl.store.work_rows import AnswerRow, AssignmentRow, BatchRow, TaskRow

MOST_SHOWN = 8


@dataclass(frozen=True)
class Disagreement:
    """One item below the target confidence, with its votes in order of arrival."""

    item_id: int
    key: str
    text: str | None
    image_key: str | None
    value: str
    confidence: float
    votes: list[Vote]
    cost_micros: int


@dataclass(frozen=True)
class Undecided:
    """One answer that waits for the requester."""

    answer_id: int
    item_id: int
    key: str
    text: str | None
    image_key: str | None
    value: str
    label: str | None
    worker: str
    simulated: bool
    seconds: float
    price_micros: int
    fee_micros: int
    submitted_at: datetime


def disagreements(
    session: Session, *, project: ProjectHead, batch_id: int, below: float, limit: int = MOST_SHOWN
) -> list[Disagreement]:
    """List the batch's least sure items below this confidence."""
    query = (
        select(LabelRow, ItemRow)
        .join(ItemRow, ItemRow.id == LabelRow.item_id)
        .where(_unsure(batch_id, below))
        .order_by(LabelRow.confidence, LabelRow.id)
        .limit(limit)
    )
    rows = session.execute(query).all()
    ids = [item.id for _, item in rows]
    votes = votes_on(session, item_ids=ids, field=project.field, batch_id=batch_id)
    costs = cost_by_item(session, item_ids=ids)
    return [
        Disagreement(
            item_id=item.id,
            key=item.key,
            text=item.text,
            image_key=item.image_key,
            value=label.value,
            confidence=label.confidence,
            votes=votes[item.id],
            cost_micros=costs.get(item.id, 0),
        )
        for label, item in rows
    ]


def count_disagreements(session: Session, *, batch_id: int, below: float) -> int:
    """Count the batch's items below this confidence."""
    return session.scalar(select(func.count(LabelRow.id)).where(_unsure(batch_id, below))) or 0


def list_undecided(
    session: Session, *, project: ProjectHead, batch_id: int, after: str | None = None, limit: int = MOST_SHOWN
) -> Page[Undecided]:
    """List the submitted answers of a batch in order of arrival."""
    query = (
        select(AnswerRow, AssignmentRow, ItemRow, WorkerRow, BatchRow, LabelRow.value)
        .join(AssignmentRow, AssignmentRow.id == AnswerRow.assignment_id)
        .join(ItemRow, ItemRow.id == AnswerRow.item_id)
        .join(WorkerRow, WorkerRow.id == AnswerRow.worker_id)
        .join(BatchRow, BatchRow.id == AnswerRow.batch_id)
        .outerjoin(
            LabelRow,
            and_(LabelRow.item_id == ItemRow.id, LabelRow.field == project.field, LabelRow.state == "current"),
        )
        .where(AnswerRow.batch_id == batch_id, AssignmentRow.state == AssignmentState.SUBMITTED)
        .order_by(AnswerRow.id)
        .limit(limit + 1)
    )
    above = id_after(after)
    if above is not None:
        query = query.where(AnswerRow.id > above)
    rows, more = first_rows(session.execute(query).all(), limit=limit)
    lines = [
        Undecided(
            answer_id=answer.id,
            item_id=item.id,
            key=item.key,
            text=item.text,
            image_key=item.image_key,
            value=CANNOT_BE_ANSWERED if answer.is_broken else str(answer.value.get(project.field, "")),
            label=label,
            worker=worker.public_id,
            simulated=worker.simulated,
            seconds=answer.seconds,
            price_micros=batch.price_micros,
            fee_micros=batch.fee_micros,
            submitted_at=answer.submitted_at,
        )
        for answer, _, item, worker, batch, label in rows
    ]
    return Page(rows=lines, after=str(lines[-1].answer_id) if more else None)


def count_undecided(session: Session, *, batch_id: int) -> int:
    """Count the answers of a batch that wait for a decision."""
    query = select(func.count()).where(
        AssignmentRow.batch_id == batch_id, AssignmentRow.state == AssignmentState.SUBMITTED
    )
    return session.scalar(query) or 0


def _unsure(batch_id: int, below: float) -> ColumnElement[bool]:
    items = select(TaskRow.item_id).where(
        TaskRow.batch_id == batch_id, TaskRow.is_gold.is_(False), TaskRow.answers_count > 1
    )
    return and_(LabelRow.state == "current", LabelRow.confidence < below, LabelRow.item_id.in_(items))
