"""The end of sittings that are paid by the hour: the worker ends one, its hour is over, or nothing happens any more."""

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, exists, func, select
from sqlalchemy.orm import Session

from crowd_hitl.domain.assignments import AssignmentState, SittingState
from crowd_hitl.domain.errors import Conflict, NotFound
from crowd_hitl.services.assigning import let_go
from crowd_hitl.services.seating import open_hour
from crowd_hitl.services.settling_sittings import lock_sitting, settle_sitting
from crowd_hitl.store.work_rows import AnswerRow, AssignmentRow, BatchRow, SittingRow

ENDED_AT_ONCE = 200


def end_sitting(session: Session, *, sitting_id: int, worker_id: int, now: datetime) -> SittingRow:
    """End the worker's own hourly sitting: what is still held is given back, what was answered is settled.

    Ending it again changes nothing. NotFound for somebody else's, Conflict for one that is not paid by the hour.
    """
    found = session.execute(
        select(SittingRow, BatchRow.hourly_micros)
        .join(BatchRow, BatchRow.id == SittingRow.batch_id)
        .where(SittingRow.id == sitting_id, SittingRow.worker_id == worker_id)
    ).one_or_none()
    if found is None:
        raise NotFound(f"You have no sitting {sitting_id}.")
    if found[1] is None:
        raise Conflict(f"Sitting {sitting_id} is paid by the answer and ends with its last one.")
    held = session.scalars(
        select(AssignmentRow)
        .where(AssignmentRow.sitting_id == sitting_id, AssignmentRow.state == AssignmentState.LEASED.value)
        .order_by(AssignmentRow.task_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).all()
    sitting = lock_sitting(session, sitting_id)
    if sitting.state != SittingState.OPEN:
        return sitting
    for assignment in held:
        let_go(session, assignment, state=AssignmentState.RELEASED, now=now)
    _end(session, sitting, now=now)
    return sitting


def running_sitting(session: Session, *, batch_id: int, worker_id: int, now: datetime) -> SittingRow | None:
    """Return the worker's hourly sitting of a batch that is running, if there is one."""
    batch = session.get_one(BatchRow, batch_id)
    return None if batch.hourly_micros is None else open_hour(session, batch=batch, worker_id=worker_id, now=now)


def has_idle_sittings(session: Session) -> bool:
    """Say whether there is an hour that `end_idle_sittings` has to look at."""
    running = select(SittingRow.id).join(BatchRow, BatchRow.id == SittingRow.batch_id)
    running = running.where(BatchRow.hourly_micros.is_not(None), SittingRow.state == SittingState.OPEN.value)
    return session.scalar(running.limit(1)) is not None


def end_idle_sittings(session: Session, *, now: datetime) -> int:
    """Settle the hourly sittings whose hour is over, or in which nothing was done for a lease's time; return how many.

    One with a place that is still leased waits for it.
    """
    leased = exists().where(
        AssignmentRow.sitting_id == SittingRow.id, AssignmentRow.state == AssignmentState.LEASED.value
    )
    rows = session.execute(
        select(SittingRow.id, SittingRow.ends_at, BatchRow.lease_seconds, _last_done())
        .join(BatchRow, BatchRow.id == SittingRow.batch_id)
        .where(BatchRow.hourly_micros.is_not(None), SittingRow.state == SittingState.OPEN.value, ~leased)
        .order_by(SittingRow.id)
        .limit(ENDED_AT_ONCE)
    ).all()
    ended = 0
    for sitting_id, ends_at, lease_seconds, last in rows:
        idle_at = last + timedelta(seconds=lease_seconds)
        if now < min(ends_at or now, idle_at):
            continue
        sitting = lock_sitting(session, sitting_id)
        if sitting.state == SittingState.OPEN:
            _end(session, sitting, now=now)
            ended += 1
    return ended


def _end(session: Session, sitting: SittingRow, *, now: datetime) -> None:
    sitting.ends_at = min(sitting.ends_at or now, now)
    session.flush()
    settle_sitting(session, sitting_id=sitting.id, now=now)


def _last_done() -> ColumnElement[datetime]:
    """The moment of the newest answer of a sitting, or of its opening."""
    answered = (
        select(func.max(AnswerRow.submitted_at))
        .join(AssignmentRow, AssignmentRow.id == AnswerRow.assignment_id)
        .where(AssignmentRow.sitting_id == SittingRow.id)
        .correlate(SittingRow)
        .scalar_subquery()
    )
    return func.coalesce(answered, SittingRow.opened_at)
