"""Moving money: budgets, top-ups, approvals, rejections; `transferring` has how it moves, `settling_sittings` when."""

from datetime import datetime

from sqlalchemy import case, select
from sqlalchemy.orm import Session

from crowd_hitl.domain.assignments import AssignmentState, SittingState
from crowd_hitl.domain.errors import AlreadyDone, Conflict, KeyReused, NotFound, bad_field
from crowd_hitl.domain.ledger import TransferKind
from crowd_hitl.domain.money import LARGEST_MICROS, currency_code, units
from crowd_hitl.domain.tasks import BatchState, TaskState
from crowd_hitl.services.compensating import pay_aside, pay_owed
from crowd_hitl.services.settling_sittings import lock_sitting, settle_sitting
from crowd_hitl.services.transferring import Movement, give_back, lock_budget, reserve, take, transfer
from crowd_hitl.store.money_rows import BudgetRow, TransferRow
from crowd_hitl.store.work_rows import AnswerRow, AssignmentRow, BatchRow, SittingRow, TaskRow

__all__ = [
    "Movement", "approve", "create_budget", "give_back", "give_up_place", "lock_budget", "look_again", "pay_aside",
    "reject", "reserve", "settle", "settle_sitting", "take", "top_up", "transfer",
]  # fmt: skip


def create_budget(session: Session, *, organisation_id: int, name: str, currency: str, now: datetime) -> BudgetRow:
    """Open an empty budget; Conflict when the organisation has one of that name."""
    if not name.strip():
        raise bad_field("name", expected="a name", found=name)
    taken = select(BudgetRow.id).where(BudgetRow.organisation_id == organisation_id, BudgetRow.name == name)
    if session.scalar(taken) is not None:
        raise Conflict(f"There is a budget named {name} already. Top it up, or choose another name.")
    budget = BudgetRow(
        organisation_id=organisation_id, name=name, currency=currency_code(currency), available_micros=0, created_at=now
    )
    session.add(budget)
    session.flush()
    return budget


def top_up(
    session: Session, *, budget_id: int, amount_micros: int, key: str | None, note: str | None, now: datetime
) -> BudgetRow:
    """Put money into a budget. The same key again changes nothing; with another amount it is KeyReused."""
    budget = lock_budget(session, budget_id)
    if not 0 < amount_micros <= LARGEST_MICROS - budget.available_micros:
        raise bad_field(
            "amount", expected="an amount above 0, and no more than can be counted", found=units(amount_micros)
        )
    business_key = f"top-up:{budget_id}:{key}" if key else None
    if business_key:
        done = session.scalar(select(TransferRow).where(TransferRow.business_key == business_key))
        if done is not None:
            if done.amount_micros != amount_micros:
                raise KeyReused(
                    f"This key topped up {units(done.amount_micros)} before. Use a new key for a new amount."
                )
            return budget
    transfer(
        session,
        Movement(
            kind=TransferKind.TOP_UP,
            source=budget.organisation_id,
            target=budget_id,
            amount_micros=amount_micros,
            currency=budget.currency,
            business_key=business_key,
            note=note,
        ),
        now=now,
    )
    budget.available_micros = BudgetRow.available_micros + amount_micros
    session.flush()
    session.refresh(budget)
    return budget


def approve(session: Session, *, answer_id: int, decided_by: int | None, now: datetime) -> None:
    """Approve an answer; its sitting is paid when nothing else of it is open. AlreadyDone when it was decided.

    A late one that is owed is paid from the compensation line; BudgetTooSmall when that has too little left.
    """
    assignment = _lock_submitted(session, answer_id)
    if assignment.state == AssignmentState.LATE:
        sitting = session.get_one(SittingRow, assignment.sitting_id)
        pay_owed(session, assignment=assignment, sitting=sitting, now=now)
        assignment.decided_by, assignment.decided_at = decided_by, now
        return
    settle(session, assignment=assignment, decided_by=decided_by, now=now)


def settle(session: Session, *, assignment: AssignmentRow, decided_by: int | None, now: datetime) -> None:
    """Approve a submitted assignment that is locked, and pay for its sitting if that was the last of it."""
    assignment.state = AssignmentState.APPROVED
    assignment.decided_by, assignment.decided_at = decided_by, now
    settle_sitting(session, sitting_id=assignment.sitting_id, now=now)


def reject(session: Session, *, answer_id: int, reason: str, decided_by: int | None, now: datetime) -> None:
    """Refuse to pay for an answer, with a reason the worker sees; its place opens again while the batch runs.

    A late one can be refused while it is owed; it has no place.
    """
    if len(reason.strip()) < 10:
        raise bad_field("reason", expected="at least 10 characters that the worker can learn from", found=reason)
    assignment = _lock_submitted(session, answer_id)
    was_late = assignment.state == AssignmentState.LATE
    assignment.state = AssignmentState.REJECTED
    assignment.reason = reason.strip()
    assignment.decided_by, assignment.decided_at = decided_by, now
    if was_late:
        session.get_one(SittingRow, assignment.sitting_id).state = SittingState.SETTLED
        session.flush()
        return
    give_up_place(session, assignment=assignment, now=now)
    settle_sitting(session, sitting_id=assignment.sitting_id, now=now)


def give_up_place(session: Session, *, assignment: AssignmentRow, now: datetime) -> None:
    """Open the place of an answer that no longer counts; of a task that is over its money goes home instead."""
    batch = session.scalars(
        select(BatchRow)
        .where(BatchRow.id == assignment.batch_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).one()
    task = session.scalars(
        select(TaskRow)
        .where(TaskRow.id == assignment.task_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).one()
    task.answers_count = TaskRow.answers_count - 1
    look_again(batch)
    if batch.state == BatchState.CLOSED or task.state == TaskState.RETIRED:
        task.overlap = TaskRow.overlap - 1
        give_back(session, batch=batch, amount_micros=batch.price_micros + batch.fee_micros, now=now)
    else:
        task.places_left = TaskRow.places_left + 1
        task.state = TaskState.OPEN
    session.flush()


def look_again(batch: BatchRow) -> None:
    """Have the next pass look at the whole batch; counted down, so that a pass under way cannot miss it."""
    seen = BatchRow.agreed_at_answer_id
    batch.agreed_at_answer_id = case((seen > 0, 0), else_=seen) - 1


def _lock_submitted(session: Session, answer_id: int) -> AssignmentRow:
    """Lock a sitting, then its answer that waits for a decision, or for its pay: as a settling sitting takes them."""
    answer = session.get(AnswerRow, answer_id)
    if answer is None:
        raise NotFound(f"There is no answer {answer_id}.")
    mine = select(AssignmentRow).where(AssignmentRow.id == answer.assignment_id)
    sitting = lock_sitting(session, session.scalars(mine).one().sitting_id)
    assignment = session.scalars(mine.with_for_update(key_share=True).execution_options(populate_existing=True)).one()
    is_owed = assignment.state == AssignmentState.LATE and sitting.state == SittingState.OWED
    if assignment.state != AssignmentState.SUBMITTED and not is_owed:
        raise AlreadyDone(f"Answer {answer_id} was decided before: it is {assignment.state}.")
    return assignment
