"""Appeals: a worker asks for a second look at a rejection, once; what nobody decides in time is upheld."""

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from crowd_hitl.domain.assignments import AssignmentState
from crowd_hitl.domain.errors import AlreadyDone, Conflict, NotFound, TooLate, bad_field
from crowd_hitl.domain.reviews import REASON_MIN
from crowd_hitl.services.assigning import lock_assignment
from crowd_hitl.services.deciding import lock_rejected, restore
from crowd_hitl.store.review_rows import AppealRow
from crowd_hitl.store.unit_of_work import UnitOfWork
from crowd_hitl.store.work_rows import AnswerRow

LONGEST = 2000
AT_ONCE = 100


def appeal(session: Session, *, answer_id: int, worker_id: int, text: str, days: float, now: datetime) -> AppealRow:
    """Ask for a second look at a rejection; the requester has `days` to decide, as the worker had to ask.

    Conflict when the answer is not rejected, TooLate after the days, AlreadyDone at the second time.
    """
    answer = session.scalar(select(AnswerRow).where(AnswerRow.id == answer_id, AnswerRow.worker_id == worker_id))
    if answer is None:
        raise NotFound(f"You gave no answer {answer_id}.")
    _check_words("text", text)
    assignment = lock_assignment(session, answer.assignment_id, worker_id=worker_id)
    before = session.scalar(select(AppealRow).where(AppealRow.assignment_id == assignment.id))
    if before is not None:
        raise AlreadyDone(f"You appealed against this rejection before: it is {before.state}.")
    if assignment.state != AssignmentState.REJECTED:
        raise Conflict(f"Answer {answer_id} is {assignment.state}; only against a rejection you can appeal.")
    if assignment.decided_at is not None and now > assignment.decided_at + timedelta(days=days):
        raise TooLate(f"An appeal is possible for {days:g} days after a rejection. This one is older.")
    row = AppealRow(
        assignment_id=assignment.id,
        worker_id=worker_id,
        batch_id=assignment.batch_id,
        text=text.strip(),
        state="open",
        created_at=now,
        due_at=now + timedelta(days=days),
    )
    session.add(row)
    session.flush()
    return row


def uphold(
    session: Session,
    *,
    appeal_id: int,
    decided_by: int | None,
    reply: str | None = None,
    may_owe: bool = False,
    now: datetime,
) -> AppealRow:
    """Take the rejection back: the answer is paid, and counts again if there is room.

    AlreadyDone when it was decided before; BudgetTooSmall when the money is not there, unless it may be owed.
    """
    row = _found(session, appeal_id)
    held = lock_rejected(session, answer_id=_answer_of(session, row))
    row = _lock_open(session, appeal_id)
    restore(session, held, decided_by=decided_by, may_owe=may_owe, now=now)
    session.refresh(row)
    row.reply = reply.strip() if reply else None
    session.flush()
    return row


def dismiss(session: Session, *, appeal_id: int, reply: str, decided_by: int | None, now: datetime) -> AppealRow:
    """Let the rejection stand, with a reply that the worker sees; AlreadyDone when it was decided before."""
    _check_words("reply", reply)
    row = _found(session, appeal_id)
    lock_assignment(session, row.assignment_id, worker_id=row.worker_id)  # as uphold does: only one of them wins
    row = _lock_open(session, appeal_id)
    row.state, row.reply, row.decided_by, row.decided_at = "dismissed", reply.strip(), decided_by, now
    session.flush()
    return row


def uphold_overdue(uow: UnitOfWork) -> int:
    """Uphold the appeals that nobody decided in time, one by one; return how many."""
    upheld = 0
    for appeal_id in uow.read(overdue):
        try:
            uow.run(uphold, appeal_id=appeal_id, decided_by=None, may_owe=True)
            upheld += 1
        except AlreadyDone:
            continue  # somebody decided at this very moment
    return upheld


def has_overdue_appeals(session: Session, *, now: datetime) -> bool:
    """Say whether `uphold_overdue` would find one."""
    return bool(overdue(session, now=now))


def overdue(session: Session, *, now: datetime) -> list[int]:
    """List the open appeals that should have been decided by now, the longest first."""
    due = select(AppealRow.id).where(AppealRow.state.in_(["open"]), AppealRow.due_at <= now)
    return list(session.scalars(due.order_by(AppealRow.due_at, AppealRow.id).limit(AT_ONCE)))


def _found(session: Session, appeal_id: int) -> AppealRow:
    row = session.get(AppealRow, appeal_id)
    if row is None:
        raise NotFound(f"There is no appeal {appeal_id}.")
    if row.state != "open":
        raise AlreadyDone(f"Appeal {appeal_id} was decided before: it is {row.state}.")
    return row


def _lock_open(session: Session, appeal_id: int) -> AppealRow:
    row = session.scalars(
        select(AppealRow).where(AppealRow.id == appeal_id).with_for_update().execution_options(populate_existing=True)
    ).one()
    if row.state != "open":
        raise AlreadyDone(f"Appeal {appeal_id} was decided before: it is {row.state}.")
    return row


def _answer_of(session: Session, row: AppealRow) -> int:
    return session.scalars(select(AnswerRow.id).where(AnswerRow.assignment_id == row.assignment_id)).one()


def _check_words(field: str, said: str) -> None:
    if not REASON_MIN <= len(said.strip()) <= LONGEST:
        raise bad_field(field, expected=f"{REASON_MIN} to {LONGEST} characters", found=said)
