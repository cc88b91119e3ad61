"""Moving money: budgets, top-ups, reservations, approvals, rejections. The only writer of transfers."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import case, select
from sqlalchemy.orm import Session

from crowd_hitl.domain.assignments import AssignmentState, SittingState
from crowd_hitl.domain.errors import AlreadyDone, BudgetTooSmall, Conflict, KeyReused, NotFound, bad_field
from crowd_hitl.domain.ledger import ROUTES, AccountKind, TransferKind
from crowd_hitl.domain.money import LARGEST_MICROS, currency_code, units
from crowd_hitl.domain.tasks import BatchState, TaskState
from crowd_hitl.store.money_rows import BudgetRow, LedgerAccountRow, TransferRow
from crowd_hitl.store.work_rows import AnswerRow, AssignmentRow, BatchRow, SittingRow, TaskRow


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


def reserve(session: Session, *, batch: BatchRow, amount_micros: int, kind: TransferKind, now: datetime) -> None:
    """Set money of the batch's budget aside for places; BudgetTooSmall says what is missing."""
    if amount_micros == 0:
        return
    take(lock_budget(session, batch.budget_id), amount_micros=amount_micros)
    transfer(
        session,
        Movement(
            kind=kind,
            source=batch.budget_id,
            target=batch.id,
            amount_micros=amount_micros,
            currency=batch.currency,
            batch_id=batch.id,
        ),
        now=now,
    )


def take(budget: BudgetRow, *, amount_micros: int) -> None:
    """Count money down from a locked budget; BudgetTooSmall says what is missing. The caller appends the transfer."""
    missing = amount_micros - budget.available_micros
    if missing > 0:
        raise BudgetTooSmall(
            f"This needs {units(amount_micros)} {budget.currency}; budget {budget.name} has "
            f"{units(budget.available_micros)} left. Top it up by {units(missing)} or ask for less.",
            missing_micros=missing,
        )
    budget.available_micros = BudgetRow.available_micros - amount_micros


def give_back(session: Session, *, batch: BatchRow, amount_micros: int, now: datetime) -> None:
    """Return what a batch does not need to its budget."""
    if amount_micros <= 0:
        return
    budget = lock_budget(session, batch.budget_id)
    budget.available_micros = BudgetRow.available_micros + amount_micros
    transfer(
        session,
        Movement(
            kind=TransferKind.RELEASE,
            source=batch.id,
            target=batch.budget_id,
            amount_micros=amount_micros,
            currency=batch.currency,
            batch_id=batch.id,
        ),
        now=now,
    )


def approve(session: Session, *, answer_id: int, decided_by: int | None, now: datetime) -> None:
    """Approve an answer and pay for its sitting; AlreadyDone when it was decided before."""
    assignment = _lock_submitted(session, answer_id)
    settle(session, assignment=assignment, decided_by=decided_by, now=now)


def settle(session: Session, *, assignment: AssignmentRow, decided_by: int | None, now: datetime) -> None:
    """Pay one submitted assignment out of what its batch holds: the worker's price and the channel's fee."""
    batch = session.get_one(BatchRow, assignment.batch_id)
    assignment.state = AssignmentState.APPROVED
    assignment.decided_by, assignment.decided_at = decided_by, now
    session.get_one(SittingRow, assignment.sitting_id).state = SittingState.SETTLED
    _pay(session, batch=batch, assignment=assignment, now=now)


def pay_aside(session: Session, *, assignment: AssignmentRow, now: datetime) -> bool:
    """Pay for an answer that is not used out of the batch's compensation line; if that is used up, it is owed.

    The caller holds the batch locked.
    """
    batch = session.get_one(BatchRow, assignment.batch_id)
    sitting = session.get_one(SittingRow, assignment.sitting_id)
    session.refresh(batch, ["compensation_micros"])
    each = batch.price_micros + batch.fee_micros
    if batch.compensation_micros < each:
        sitting.state = SittingState.OWED
        return False
    batch.compensation_micros = BatchRow.compensation_micros - each
    sitting.state = SittingState.SETTLED
    _pay(session, batch=batch, assignment=assignment, now=now)
    return True


def _pay(session: Session, *, batch: BatchRow, assignment: AssignmentRow, now: datetime) -> None:
    shares = (
        (TransferKind.PAY, assignment.worker_id, batch.price_micros),
        (TransferKind.FEE, batch.id, batch.fee_micros),
    )
    for kind, target, amount_micros in shares:
        if amount_micros:
            transfer(
                session,
                Movement(
                    kind=kind,
                    source=batch.id,
                    target=target,
                    amount_micros=amount_micros,
                    currency=batch.currency,
                    batch_id=batch.id,
                    sitting_id=assignment.sitting_id,
                ),
                now=now,
            )


def reject(session: Session, *, answer_id: int, reason: str, decided_by: int | None, now: datetime) -> None:
    """Refuse to pay for an answer, with a reason the worker sees; its place opens again while the batch runs."""
    if len(reason.strip()) < 10:
        raise bad_field("reason", expected="at least 10 characters that the worker can learn from", found=reason)
    assignment = _lock_submitted(session, answer_id)
    batch = session.scalars(
        select(BatchRow).where(BatchRow.id == assignment.batch_id).with_for_update(key_share=True)
    ).one()
    assignment.state = AssignmentState.REJECTED
    assignment.reason = reason.strip()
    assignment.decided_by, assignment.decided_at = decided_by, now
    session.get_one(SittingRow, assignment.sitting_id).state = SittingState.SETTLED
    task = session.scalars(
        select(TaskRow).where(TaskRow.id == assignment.task_id).with_for_update(key_share=True)
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


@dataclass(frozen=True)
class Movement:
    """Money about to move along the route of its kind; `source` and `target` are what those accounts belong to."""

    kind: TransferKind
    source: int
    target: int
    amount_micros: int
    currency: str
    batch_id: int | None = None
    sitting_id: int | None = None
    business_key: str | None = None
    note: str | None = None


def look_again(batch: BatchRow) -> None:
    """Have the next pass look at the whole batch; counted down, so that a pass under way cannot miss it."""
    seen = BatchRow.agreed_at_answer_id
    batch.agreed_at_answer_id = case((seen > 0, 0), else_=seen) - 1


def transfer(session: Session, movement: Movement, *, now: datetime) -> None:
    """Append one movement of money to the ledger; the constraints refuse nothing-amounts and second payments."""
    from_kind, to_kind = ROUTES[movement.kind]
    currency = movement.currency
    session.add(
        TransferRow(
            kind=movement.kind,
            from_id=_account(session, from_kind, ref_id=movement.source, currency=currency),
            to_id=_account(session, to_kind, ref_id=movement.target, currency=currency),
            amount_micros=movement.amount_micros,
            currency=currency,
            batch_id=movement.batch_id,
            sitting_id=movement.sitting_id,
            business_key=movement.business_key,
            note=movement.note,
            created_at=now,
        )
    )
    session.flush()


def _account(session: Session, kind: AccountKind, *, ref_id: int, currency: str) -> int:
    """Find the ledger account, opening it at its first use (a lost race to open it is run again)."""
    where = (
        LedgerAccountRow.kind == kind.value,
        LedgerAccountRow.ref_id == ref_id,
        LedgerAccountRow.currency == currency,
    )
    found = session.scalar(select(LedgerAccountRow.id).where(*where))
    if found is not None:
        return found
    account = LedgerAccountRow(kind=kind.value, ref_id=ref_id, currency=currency)
    session.add(account)
    session.flush()
    return account.id


def lock_budget(session: Session, budget_id: int) -> BudgetRow:
    """Read a budget and keep others from changing it; NotFound when there is none."""
    # populate_existing: the row may be in the session from before the lock
    found = (
        select(BudgetRow)
        .where(BudgetRow.id == budget_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    budget = session.scalar(found)
    if budget is None:
        raise NotFound(f"There is no budget {budget_id}.")
    return budget


def _lock_submitted(session: Session, answer_id: int) -> AssignmentRow:
    answer = session.get(AnswerRow, answer_id)
    if answer is None:
        raise NotFound(f"There is no answer {answer_id}.")
    assignment = session.scalars(
        select(AssignmentRow)
        .where(AssignmentRow.id == answer.assignment_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).one()
    if assignment.state != AssignmentState.SUBMITTED:
        raise AlreadyDone(f"Answer {answer_id} was decided before: it is {assignment.state}.")
    return assignment
