"""What a worker sees of the own work: the batch at hand, and answers that were rejected."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import Session

from crowd_hitl.domain.assignments import AssignmentState
from crowd_hitl.domain.errors import NotFound
from crowd_hitl.domain.ledger import EXTRAS, AccountKind, TransferKind
from crowd_hitl.services.seating import price_for
from crowd_hitl.store.account_rows import WorkerRow
from crowd_hitl.store.money_rows import LedgerAccountRow, TransferRow
from crowd_hitl.store.project_rows import ItemRow, ProjectRow, QuestionVersionRow
from crowd_hitl.store.review_rows import AppealRow
from crowd_hitl.store.work_rows import AnswerRow, AssignmentRow, BatchRow

MOST_EXTRAS = 50
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
    """One answer that was rejected, with the reason the requester gave."""

    answer_id: int
    project_name: str
    key: str
    value: str
    reason: str
    price_micros: int
    currency: str
    submitted_at: datetime
    decided_at: datetime | None


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


@dataclass(frozen=True)
class Extra:
    """A bonus, an adjustment or a claw-back, as its worker reads it; taken back is below nothing."""

    kind: str
    amount_micros: int
    currency: str
    reason: str
    batch: str | None
    created_at: datetime


def list_extras(session: Session, *, worker_id: int) -> list[Extra]:
    """List the worker's newest bonuses, adjustments and claw-backs, each with its reason."""
    mine = select(LedgerAccountRow.id).where(
        LedgerAccountRow.kind == AccountKind.WORKER, LedgerAccountRow.ref_id == worker_id
    )
    given = and_(TransferRow.kind.in_(EXTRAS), TransferRow.to_id.in_(mine))
    taken = and_(TransferRow.kind == TransferKind.CLAWBACK, TransferRow.from_id.in_(mine))
    rows = session.execute(
        select(TransferRow, BatchRow.name)
        .outerjoin(BatchRow, BatchRow.id == TransferRow.batch_id)
        .where(or_(given, taken))
        .order_by(TransferRow.id.desc())
        .limit(MOST_EXTRAS)
    ).all()
    return [
        Extra(
            kind=row.kind,
            amount_micros=-row.amount_micros if row.kind == TransferKind.CLAWBACK else row.amount_micros,
            currency=row.currency,
            reason=row.note or "",
            batch=batch,
            created_at=row.created_at,
        )
        for row, batch in rows
    ]


def simulated_among(session: Session, *, batch_ids: Sequence[int]) -> set[str]:
    """Name the projects of these batches (a worker's offers) that are simulated, by slug."""
    query = select(ProjectRow.slug).join(BatchRow, BatchRow.project_id == ProjectRow.id)
    return set(session.scalars(query.where(BatchRow.id.in_(batch_ids), ProjectRow.simulated.is_(True))))


def list_rejections(session: Session, *, worker_id: int) -> list[Rejection]:
    """List the worker's newest rejected answers."""
    rows = session.execute(
        select(AnswerRow, AssignmentRow, ItemRow.key, ProjectRow.name, BatchRow)
        .join(AssignmentRow, AssignmentRow.id == AnswerRow.assignment_id)
        .join(ItemRow, ItemRow.id == AnswerRow.item_id)
        .join(BatchRow, BatchRow.id == AnswerRow.batch_id)
        .join(ProjectRow, ProjectRow.id == BatchRow.project_id)
        .outerjoin(AppealRow, AppealRow.assignment_id == AssignmentRow.id)
        .where(AnswerRow.worker_id == worker_id)
        # an appeal is shown also when the rejection was taken back
        .where((AssignmentRow.state == AssignmentState.REJECTED) | AppealRow.id.is_not(None))
        .order_by(AnswerRow.id.desc())
        .limit(MOST_REJECTIONS)
    ).all()
    return [
        Rejection(
            answer_id=answer.id,
            project_name=project_name,
            key=key,
            value=", ".join(str(value) for value in answer.value.values()),
            reason=assignment.reason or "",
            decided_at=assignment.decided_at,
            price_micros=batch.price_micros,
            currency=batch.currency,
            submitted_at=answer.submitted_at,
        )
        for answer, assignment, key, project_name, batch in rows
    ]
