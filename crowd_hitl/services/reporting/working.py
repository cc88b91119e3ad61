"""What a worker sees of the own work: the batch at hand, and answers that were rejected."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from crowd_hitl.domain.assignments import AssignmentState
from crowd_hitl.domain.errors import NotFound
from crowd_hitl.services.seating import price_for
from crowd_hitl.store.account_rows import WorkerRow
from crowd_hitl.store.project_rows import ItemRow, ProjectRow, QuestionVersionRow
from crowd_hitl.store.work_rows import AnswerRow, AssignmentRow, BatchRow

MOST_REJECTIONS = 50


@dataclass(frozen=True)
class Bench:
    """A batch as its labelling page needs it; `done` and `held` are this worker's own."""

    batch_id: int
    project_name: str
    simulated: bool
    prompt: str
    currency: str
    price_micros: int
    done: int
    held: int


@dataclass(frozen=True)
class Rejection:
    """One answer that was not paid, with the reason the requester gave."""

    answer_id: int
    project_name: str
    key: str
    value: str
    reason: str
    price_micros: int
    currency: str
    submitted_at: datetime


def bench_of(session: Session, *, batch_id: int, worker_id: int) -> Bench:
    """Return a batch for its labelling page; NotFound if it is not of the worker's organisation."""
    found = session.execute(
        select(BatchRow, ProjectRow, QuestionVersionRow)
        .join(ProjectRow, ProjectRow.id == BatchRow.project_id)
        .join(QuestionVersionRow, QuestionVersionRow.id == BatchRow.question_version_id)
        .join(WorkerRow, WorkerRow.organisation_id == ProjectRow.organisation_id)
        .where(BatchRow.id == batch_id, WorkerRow.id == worker_id)
    ).one_or_none()
    if found is None:
        raise NotFound("There is no such work.")
    batch, project, question = found
    done = session.scalar(select(func.count()).where(AnswerRow.batch_id == batch_id, AnswerRow.worker_id == worker_id))
    held = session.scalar(
        select(func.count()).where(
            AssignmentRow.batch_id == batch_id,
            AssignmentRow.worker_id == worker_id,
            AssignmentRow.state == AssignmentState.LEASED,
        )
    )
    return Bench(
        batch_id=batch.id,
        project_name=project.name,
        simulated=project.simulated,
        prompt=str(question.spec.get("prompt", "")),
        currency=batch.currency,
        price_micros=price_for(session, batch=batch, worker_id=worker_id),
        done=done or 0,
        held=held or 0,
    )


def simulated_among(session: Session, *, batch_ids: Sequence[int]) -> set[str]:
    """Name the projects of these batches (a worker's offers) that are simulated, by slug."""
    query = select(ProjectRow.slug).join(BatchRow, BatchRow.project_id == ProjectRow.id)
    return set(session.scalars(query.where(BatchRow.id.in_(batch_ids), ProjectRow.simulated.is_(True))))


def list_rejections(session: Session, *, worker_id: int) -> list[Rejection]:
    """List the worker's newest rejected answers."""
    rows = session.execute(
        select(AnswerRow, AssignmentRow.reason, ItemRow.key, ProjectRow.name, BatchRow)
        .join(AssignmentRow, AssignmentRow.id == AnswerRow.assignment_id)
        .join(ItemRow, ItemRow.id == AnswerRow.item_id)
        .join(BatchRow, BatchRow.id == AnswerRow.batch_id)
        .join(ProjectRow, ProjectRow.id == BatchRow.project_id)
        .where(AnswerRow.worker_id == worker_id, AssignmentRow.state == AssignmentState.REJECTED)
        .order_by(AnswerRow.id.desc())
        .limit(MOST_REJECTIONS)
    ).all()
    return [
        Rejection(
            answer_id=answer.id,
            project_name=project_name,
            key=key,
            value=", ".join(str(value) for value in answer.value.values()),
            reason=reason or "",
            price_micros=batch.price_micros,
            currency=batch.currency,
            submitted_at=answer.submitted_at,
        )
        for answer, reason, key, project_name, batch in rows
    ]
