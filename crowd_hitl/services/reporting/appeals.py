"""Appeals as both sides see them: the requester's list, and what a worker reads beside a rejection."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from crowd_hitl.services.reporting.pages import PAGE_ROWS, Page, first_rows, id_after
from crowd_hitl.store.account_rows import WorkerRow
from crowd_hitl.store.project_rows import ItemRow, ProjectRow
from crowd_hitl.store.review_rows import AppealRow
from crowd_hitl.store.work_rows import AnswerRow, AssignmentRow, BatchRow


@dataclass(frozen=True)
class AppealLine:
    """One appeal with the answer and the rejection it is about."""

    id: int
    state: str
    answer_id: int
    batch_id: int
    project_slug: str
    item_id: int
    key: str
    text: str | None
    value: str
    worker: str
    reason: str
    appeal: str
    reply: str | None
    created_at: datetime
    due_at: datetime
    decided_at: datetime | None
    cost_micros: int
    currency: str


@dataclass(frozen=True)
class AppealFilter:
    """Whose appeals: an organisation's, of one project, in one state."""

    organisation_id: int
    project_id: int | None = None
    state: str | None = "open"


def list_appeals(
    session: Session, *, wanted: AppealFilter, after: str | None = None, limit: int = PAGE_ROWS
) -> Page[AppealLine]:
    """List appeals in the order they came in, which is the order they are due."""
    query = (
        select(AppealRow, AnswerRow, AssignmentRow.reason, ItemRow, WorkerRow.public_id, BatchRow, ProjectRow.slug)
        .join(AssignmentRow, AssignmentRow.id == AppealRow.assignment_id)
        .join(AnswerRow, AnswerRow.assignment_id == AssignmentRow.id)
        .join(ItemRow, ItemRow.id == AnswerRow.item_id)
        .join(WorkerRow, WorkerRow.id == AppealRow.worker_id)
        .join(BatchRow, BatchRow.id == AppealRow.batch_id)
        .join(ProjectRow, ProjectRow.id == BatchRow.project_id)
        .where(ProjectRow.organisation_id == wanted.organisation_id)
        .order_by(AppealRow.id)
        .limit(limit + 1)
    )
    if wanted.project_id is not None:
        query = query.where(ProjectRow.id == wanted.project_id)
    if wanted.state is not None:
        query = query.where(AppealRow.state == wanted.state)
    above = id_after(after)
    if above is not None:
        query = query.where(AppealRow.id > above)
    rows, more = first_rows(session.execute(query).all(), limit=limit)
    lines = [_line(tuple(row)) for row in rows]
    return Page(rows=lines, after=str(lines[-1].id) if more else None)


def _line(found: tuple[Any, ...]) -> AppealLine:
    appeal, answer, reason, item, worker, batch, slug = found
    return AppealLine(
        id=appeal.id,
        state=appeal.state,
        answer_id=answer.id,
        batch_id=batch.id,
        project_slug=slug,
        item_id=item.id,
        key=item.key,
        text=item.text,
        value=", ".join(str(value) for value in answer.value.values()),
        worker=worker,
        reason=reason or "",
        appeal=appeal.text,
        reply=appeal.reply,
        created_at=appeal.created_at,
        due_at=appeal.due_at,
        decided_at=appeal.decided_at,
        cost_micros=batch.price_micros + batch.fee_micros,
        currency=batch.currency,
    )


def count_open_appeals(session: Session, *, project_id: int) -> int:
    """Count the open appeals of a project."""
    query = select(func.count(AppealRow.id)).join(BatchRow, BatchRow.id == AppealRow.batch_id)
    return session.scalar(query.where(BatchRow.project_id == project_id, AppealRow.state.in_(["open"]))) or 0


def appeals_of(session: Session, *, worker_id: int, answer_ids: Sequence[int]) -> dict[int, AppealRow]:
    """Return a worker's appeals by the answer they are about."""
    rows = session.execute(
        select(AnswerRow.id, AppealRow)
        .join(AppealRow, AppealRow.assignment_id == AnswerRow.assignment_id)
        .where(AppealRow.worker_id == worker_id, AnswerRow.id.in_(answer_ids))
    )
    return dict(rows.all())
