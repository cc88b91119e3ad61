"""Deciding on single answers beyond approve and reject: paid but not used, and a rejection taken back."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from crowd_hitl.domain.assignments import ANSWERED, AssignmentState, SittingState
from crowd_hitl.domain.errors import AlreadyDone, BudgetTooSmall, NotFound, bad_field
from crowd_hitl.domain.labels import LabelSource
from crowd_hitl.domain.ledger import TransferKind
from crowd_hitl.domain.reviews import REASON_MIN
from crowd_hitl.domain.tasks import BatchState, RetireReason, TaskState, position
from crowd_hitl.services.paying import look_again, pay_aside, reserve, settle
from crowd_hitl.services.publishing import lock_batch
from crowd_hitl.services.seating import own_sitting
from crowd_hitl.services.settling_sittings import lock_sitting
from crowd_hitl.store.label_rows import LabelRow
from crowd_hitl.store.review_rows import AppealRow
from crowd_hitl.store.work_rows import AnswerRow, AssignmentRow, BatchRow, SittingRow, TaskRow

# A task that is done for one of these may be asked again; one that is broken, closed or too late may not.
ASKED_AGAIN = (None, RetireReason.AGREED, RetireReason.OVERLAP, RetireReason.BUDGET)


@dataclass(frozen=True)
class Held:
    """One decided or undecided answer, with what changes when it is decided; all of it locked."""

    assignment: AssignmentRow
    sitting: SittingRow
    batch: BatchRow
    task: TaskRow

    @property
    def each_micros(self) -> int:
        """Return what one place of the batch holds."""
        return self.batch.price_micros + self.batch.fee_micros


def soft_reject(session: Session, *, answer_id: int, reason: str, decided_by: int | None, now: datetime) -> None:
    """Set an answer aside: it is paid and not used, and its place opens again while the batch runs.

    Paid from the batch's compensation line, and owed if that is used up; from the place's own money when the place
    does not open again. One that was paid before is not paid twice: its new place is reserved from the budget, and
    BudgetTooSmall says what is missing. AlreadyDone when it was rejected or set aside before.
    """
    if len(reason.strip()) < REASON_MIN:
        expected = f"at least {REASON_MIN} characters that the worker can learn from"
        raise bad_field("reason", expected=expected, found=reason)
    held = _lock(session, answer_id, states=ANSWERED)
    assignment, batch, task = held.assignment, held.batch, held.task
    was_paid = assignment.state == AssignmentState.APPROVED and held.sitting.state == SittingState.SETTLED
    reopens = batch.state != BatchState.CLOSED and task.retire_reason in ASKED_AGAIN
    if was_paid and reopens:
        reserve(session, batch=batch, amount_micros=held.each_micros, kind=TransferKind.EXTEND, now=now)
    if not was_paid and not reopens:  # nobody will fill this place: its money pays for the answer
        batch.compensation_micros = BatchRow.compensation_micros + held.each_micros
        session.flush()
    if not was_paid:
        pay_aside(session, assignment=assignment, now=now)
    assignment.state = AssignmentState.SOFT_REJECTED
    assignment.reason, assignment.decided_by, assignment.decided_at = reason.strip(), decided_by, now
    task.answers_count = TaskRow.answers_count - 1
    if reopens:
        task.places_left = TaskRow.places_left + 1
        task.state, task.retire_reason, task.pos = TaskState.OPEN, None, position(now)
        _withdraw_unfounded(session, task, now=now)
    else:
        task.overlap = TaskRow.overlap - 1
    look_again(batch)
    session.flush()


def reverse(session: Session, *, answer_id: int, decided_by: int | None, now: datetime) -> None:
    """Take a rejection back: the answer is approved and paid, and counts again if there is room for it.

    AlreadyDone when it is not rejected: what was approved is never clawed back.
    """
    held = _lock(session, answer_id, states=(AssignmentState.REJECTED,))
    restore(session, held, decided_by=decided_by, may_owe=False, now=now)


def lock_rejected(session: Session, *, answer_id: int) -> Held:
    """Read a rejected answer and keep others from changing it; AlreadyDone when it is not rejected any more."""
    return _lock(session, answer_id, states=(AssignmentState.REJECTED,))


def restore(session: Session, held: Held, *, decided_by: int | None, may_owe: bool, now: datetime) -> None:
    """Approve a rejected answer: in its open place, in a place that is reserved anew, or paid and not used.

    An open appeal against the rejection ends as upheld. BudgetTooSmall when the money is not there, unless it may
    be owed.
    """
    assignment, batch, task = held.assignment, held.batch, held.task
    session.execute(
        update(AppealRow)
        .where(AppealRow.assignment_id == assignment.id, AppealRow.state == "open")
        .values(state="upheld", decided_by=decided_by, decided_at=now)
    )
    room = task.overlap < max(batch.overlap_max, task.requeued_to or 0)
    if task.places_left > 0:
        task.state = TaskState.FULL if task.places_left == 1 else TaskState.OPEN
        task.places_left = TaskRow.places_left - 1
        task.answers_count = TaskRow.answers_count + 1
        _approve(session, held, decided_by=decided_by, now=now)
    elif room and not task.is_gold and _reserved(session, held, may_owe=may_owe, now=now):
        task.overlap = TaskRow.overlap + 1
        task.answers_count = TaskRow.answers_count + 1
        _approve(session, held, decided_by=decided_by, now=now)
    else:
        _pay_unused(session, held, decided_by=decided_by, may_owe=may_owe, now=now)
    look_again(batch)
    session.flush()


def _approve(session: Session, held: Held, *, decided_by: int | None, now: datetime) -> None:
    """Approve by itself what was rejected in a sitting that may be settled: it is paid as one of its own."""
    sitting = own_sitting(session, assignment=held.assignment, now=now)
    sitting.ends_at = now
    settle(session, assignment=held.assignment, decided_by=decided_by, now=now)


def _pay_unused(session: Session, held: Held, *, decided_by: int | None, may_owe: bool, now: datetime) -> None:
    """Pay for an answer whose place somebody else has filled: through the compensation line, from the budget."""
    assignment = held.assignment
    if _reserved(session, held, may_owe=may_owe, now=now):
        held.batch.compensation_micros = BatchRow.compensation_micros + held.each_micros
        session.flush()
    pay_aside(session, assignment=assignment, now=now)
    assignment.state = AssignmentState.SOFT_REJECTED
    assignment.decided_by, assignment.decided_at = decided_by, now


def _reserved(session: Session, held: Held, *, may_owe: bool, now: datetime) -> bool:
    try:
        reserve(session, batch=held.batch, amount_micros=held.each_micros, kind=TransferKind.EXTEND, now=now)
    except BudgetTooSmall:
        if may_owe:
            return False
        raise
    return True


def _withdraw_unfounded(session: Session, task: TaskRow, *, now: datetime) -> None:
    """Take back a label that no answer stands behind any more."""
    session.flush()
    counting = (
        select(AnswerRow.id)
        .join(AssignmentRow, AssignmentRow.id == AnswerRow.assignment_id)
        .where(AnswerRow.item_id == task.item_id, AnswerRow.is_broken.is_(False))
        .where(AssignmentRow.state.in_([state.value for state in ANSWERED]))
    )
    if session.scalar(counting.limit(1)) is None:
        session.execute(
            update(LabelRow)
            .where(LabelRow.item_id == task.item_id, LabelRow.state == "current")
            .where(LabelRow.source == LabelSource.CONSENSUS)
            .values(state="superseded", superseded_at=now)
        )


def _lock(session: Session, answer_id: int, *, states: tuple[AssignmentState, ...]) -> Held:
    """Lock sitting, assignment, batch and task, in this order: as a settling sitting takes them."""
    answer = session.get(AnswerRow, answer_id)
    if answer is None:
        raise NotFound(f"There is no answer {answer_id}.")
    mine = select(AssignmentRow).where(AssignmentRow.id == answer.assignment_id)
    sitting = lock_sitting(session, session.scalars(mine).one().sitting_id)
    assignment = session.scalars(mine.with_for_update(key_share=True).execution_options(populate_existing=True)).one()
    if assignment.state not in states:
        raise AlreadyDone(f"Answer {answer_id} was decided before: it is {assignment.state}.")
    batch = lock_batch(session, assignment.batch_id)
    task = session.scalars(
        select(TaskRow)
        .where(TaskRow.id == assignment.task_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).one()
    return Held(assignment, sitting, batch, task)
