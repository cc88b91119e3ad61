"""Taking an answer step by step, where the one statement of the hot path does not do: pages, hours, rates, late."""

from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from crowd_hitl.domain.assignments import AssignmentState
from crowd_hitl.domain.sittings import active_seconds, time_pay_micros
from crowd_hitl.services.assigning import lease_more
from crowd_hitl.services.compensating import pay_aside
from crowd_hitl.services.seating import reseat
from crowd_hitl.services.settling_sittings import AUTO, settle_sitting
from crowd_hitl.store.hot_path.shapes import Filled
from crowd_hitl.store.work_rows import AnswerRow, AssignmentRow, BatchRow, SittingRow, TaskRow


def take(session: Session, *, assignment: AssignmentRow, filled: Filled) -> AnswerRow:
    """Write the answer to a leased assignment (locked), lease what comes next, and settle the sitting if it is over."""
    batch = session.get_one(BatchRow, assignment.batch_id)
    sitting = reseat(session, assignment=assignment, batch=batch, now=filled.now)
    seconds = _seconds(batch, assignment, filled, last=_last_submit(session, assignment))
    assignment.state, assignment.ended_at = AssignmentState.SUBMITTED, filled.now
    sitting.submitted_at = filled.now
    task = session.get_one(TaskRow, assignment.task_id)
    task.answers_count = TaskRow.answers_count + 1
    session.flush()
    answer = _keep(session, assignment, filled, seconds=seconds)
    answer.next_ids = _next_ids(session, batch, filled)
    settle_sitting(session, sitting_id=sitting.id, now=filled.now)
    return answer


def take_late(session: Session, *, assignment: AssignmentRow, filled: Filled) -> AnswerRow:
    """Keep an answer whose place somebody else has: it is paid from the compensation line, or owed, and never used."""
    batch = session.get_one(BatchRow, assignment.batch_id)
    seconds = _seconds(batch, assignment, filled, last=_last_submit(session, assignment))
    assignment.state, assignment.ended_at = AssignmentState.LATE, filled.now
    session.flush()
    answer = _keep(session, assignment, filled, seconds=seconds)
    # where people decide on pay they decide on this, too: it is owed until they pay or reject it
    pay_aside(session, assignment=assignment, at_once=batch.approval == AUTO, now=filled.now)
    answer.next_ids = _next_ids(session, batch, filled)
    session.flush()
    return answer


def earned_micros(batch: BatchRow, sitting: SittingRow, *, seconds: float) -> int:
    """Say what one answer earns, as far as it is known before its sitting is settled."""
    if batch.hourly_micros is None:
        return batch.price_micros if sitting.price_micros is None else sitting.price_micros
    return time_pay_micros(seconds, hourly_micros=batch.hourly_micros, answers=1, price_micros=batch.price_micros)


def _keep(session: Session, assignment: AssignmentRow, filled: Filled, *, seconds: float) -> AnswerRow:
    task = session.get_one(TaskRow, assignment.task_id)
    answer = AnswerRow(
        assignment_id=assignment.id,
        batch_id=assignment.batch_id,
        task_id=task.id,
        item_id=task.item_id,
        worker_id=assignment.worker_id,
        question_version_id=task.question_version_id,
        value=filled.value,
        client_key=filled.client_key,
        next_ids=[],
        seconds=seconds,
        submitted_at=filled.now,
    )
    session.add(answer)
    session.flush()
    return answer


def _seconds(batch: BatchRow, assignment: AssignmentRow, filled: Filled, *, last: datetime | None) -> float:
    """Keep the reported time; where it is paid for, never more than went by since the lease or the last submit."""
    if batch.hourly_micros is None:
        return filled.seconds
    since = assignment.leased_at if last is None else max(assignment.leased_at, last)
    return active_seconds(filled.seconds, since=since, until=filled.now)


def _last_submit(session: Session, assignment: AssignmentRow) -> datetime | None:
    """Say when this worker last answered in the batch, in whatever sitting: no time is paid twice."""
    mine = AnswerRow.worker_id == assignment.worker_id, AnswerRow.batch_id == assignment.batch_id
    return session.scalar(select(func.max(AnswerRow.submitted_at)).where(*mine))


def _next_ids(session: Session, batch: BatchRow, filled: Filled) -> list[int]:
    """Lease what the worker wants next; of pages only when the one at hand is done."""
    fresh = lease_more(session, batch=batch, worker_id=filled.worker_id, count=filled.next_count, now=filled.now)
    return [offer.assignment_id for offer in fresh]
