"""The compensation line: pays answers that came late or are paid but not used; what it cannot pay is shown as owed."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Row, and_, exists, or_, select
from sqlalchemy.orm import Session

from crowd_hitl.domain.assignments import AssignmentState, SittingState
from crowd_hitl.domain.errors import BudgetTooSmall, NotFound, bad_field
from crowd_hitl.domain.ledger import TransferKind
from crowd_hitl.domain.money import LARGEST_MICROS, units
from crowd_hitl.domain.tasks import BatchState
from crowd_hitl.services.seating import own_sitting
from crowd_hitl.services.settling_sittings import Due, due_for, lock_sitting, pay_sitting, settle_sitting
from crowd_hitl.services.transferring import give_back, reserve
from crowd_hitl.store.work_rows import AssignmentRow, BatchRow, SittingRow

CLOSED_AT_ONCE = 100


@dataclass(frozen=True)
class Owed:
    """Answers that were given and could not be paid yet, in one currency; `cost_micros` has the fees too."""

    currency: str
    answers: int
    pay_micros: int
    cost_micros: int


def pay_aside(session: Session, *, assignment: AssignmentRow, now: datetime, at_once: bool = True) -> bool:
    """Pay an answer (locked, not paid before) from its batch's compensation line, as a sitting of its own.

    When too little is left there, or not `at_once`, the sitting is owed: False. It is paid when the line is filled up.
    """
    shared_id = assignment.sitting_id
    sitting = own_sitting(session, assignment=assignment, now=now)
    batch = _locked(session, assignment.batch_id)
    paid = at_once and _pay_from_line(session, batch, sitting, assignment_id=assignment.id, now=now)
    if not paid:
        sitting.state = SittingState.OWED
    session.flush()
    if shared_id != sitting.id:  # it may have been the last that the others waited for
        settle_sitting(session, sitting_id=shared_id, now=now)
    return paid


def compensate(session: Session, *, batch_id: int, amount_micros: int, now: datetime) -> BatchRow:
    """Fill a batch's compensation line up from its budget, then pay what is owed, the oldest first.

    BudgetTooSmall says what the budget lacks.
    """
    if not 0 < amount_micros <= LARGEST_MICROS:
        raise bad_field("amount", expected="an amount above 0", found=units(amount_micros))
    batch = _locked(session, batch_id)
    reserve(session, batch=batch, amount_micros=amount_micros, kind=TransferKind.EXTEND, now=now)
    batch.compensation_micros += amount_micros
    session.flush()
    for sitting_id, assignment_id in _owed_sittings(session, batch_id):
        sitting = lock_sitting(session, sitting_id)
        if sitting.state != SittingState.OWED:
            continue
        if not _pay_from_line(session, batch, sitting, assignment_id=assignment_id, now=now):
            break
    session.flush()
    return batch


def pay_owed(session: Session, *, assignment: AssignmentRow, sitting: SittingRow, now: datetime) -> None:
    """Pay one answer that is owed (locked, with its sitting) from the line; BudgetTooSmall when that has too little."""
    batch = _locked(session, assignment.batch_id)
    if not _pay_from_line(session, batch, sitting, assignment_id=assignment.id, now=now):
        raise BudgetTooSmall(
            f"The compensation line of batch {batch.id} has {units(batch.compensation_micros)} {batch.currency} left. "
            f"Fill it up, which pays what is owed: crowd-hitl batch compensate {batch.id} --amount …"
        )


def owed_in_batches(session: Session, *, batch_ids: Sequence[int]) -> dict[int, Owed]:
    """Add up what these batches owe; those that owe nothing are left out."""
    found: dict[int, Owed] = {}
    for batch, due in _owing(session, SittingRow.batch_id.in_(batch_ids)):
        found[batch.id] = _and(found.get(batch.id), batch.currency, due)
    return found


def owed_to_worker(session: Session, *, worker_id: int) -> list[Owed]:
    """Add up what a worker is owed, each currency by itself."""
    found: dict[str, Owed] = {}
    for batch, due in _owing(session, SittingRow.worker_id == worker_id):
        found[batch.currency] = _and(found.get(batch.currency), batch.currency, due)
    return [found[currency] for currency in sorted(found)]


def has_unneeded_lines(session: Session, *, now: datetime) -> bool:
    """Say whether `return_lines` would return one."""
    ended = select(BatchRow).where(BatchRow.state == BatchState.CLOSED.value, BatchRow.compensation_micros > 0)
    return any(not may_come_late(session, batch, now=now) for batch in session.scalars(ended.order_by(BatchRow.id)))


def return_lines(session: Session, *, now: datetime) -> list[int]:
    """Return to the budgets what ended batches no longer need their compensation lines for; say which batches."""
    waiting = select(BatchRow.id).where(BatchRow.state == BatchState.CLOSED.value, BatchRow.compensation_micros > 0)
    done: list[int] = []
    for batch_id in session.scalars(waiting.order_by(BatchRow.id)).all():
        if len(done) == CLOSED_AT_ONCE:
            break
        batch = _locked(session, batch_id)
        rest = batch.compensation_micros
        if batch.state != BatchState.CLOSED or rest == 0 or may_come_late(session, batch, now=now):
            continue
        batch.compensation_micros = 0
        session.flush()
        give_back(session, batch=batch, amount_micros=rest, now=now)
        done.append(batch_id)
    return done


def may_come_late(session: Session, batch: BatchRow, *, now: datetime) -> bool:
    """Say whether an answer may still have to be paid from the line: one that is held, undecided, or lapsed just now.

    Whoever is later than that is owed instead of lost: the requester sees it and can fill the line up.
    """
    undecided = AssignmentRow.state.in_([AssignmentState.LEASED.value, AssignmentState.SUBMITTED.value])
    just_now = now - timedelta(seconds=batch.lease_seconds)
    lapsed = and_(AssignmentRow.state == AssignmentState.EXPIRED.value, AssignmentRow.ended_at > just_now)
    found = exists().where(AssignmentRow.batch_id == batch.id, or_(undecided, lapsed))
    return bool(session.scalar(select(found)))


def _pay_from_line(
    session: Session, batch: BatchRow, sitting: SittingRow, *, assignment_id: int, now: datetime
) -> bool:
    due = due_for(session, batch=batch, sitting=sitting, assignment_ids=[assignment_id])
    if batch.compensation_micros < due.cost_micros:
        return False
    # counted down in SQL: where rows cannot be locked, the CHECK refuses the loser of a race
    batch.compensation_micros = BatchRow.compensation_micros - due.cost_micros
    pay_sitting(session, batch=batch, sitting=sitting, due=due, now=now)
    sitting.state = SittingState.SETTLED
    session.flush()
    return True


def _owed_sittings(session: Session, batch_id: int) -> Sequence[Row[int, int]]:
    return session.execute(
        select(SittingRow.id, AssignmentRow.id)
        .join(AssignmentRow, AssignmentRow.sitting_id == SittingRow.id)
        .where(SittingRow.batch_id == batch_id, SittingRow.state == SittingState.OWED.value)
        .order_by(SittingRow.id)
    ).all()


def _owing(session: Session, where: ColumnElement[bool]) -> Iterator[tuple[BatchRow, Due]]:
    rows = session.execute(
        select(BatchRow, SittingRow, AssignmentRow.id)
        .join(SittingRow, SittingRow.batch_id == BatchRow.id)
        .join(AssignmentRow, AssignmentRow.sitting_id == SittingRow.id)
        .where(where, SittingRow.state == SittingState.OWED.value)
        .order_by(SittingRow.id)
    ).all()
    for batch, sitting, assignment_id in rows:
        yield batch, due_for(session, batch=batch, sitting=sitting, assignment_ids=[assignment_id])


def _and(before: Owed | None, currency: str, due: Due) -> Owed:
    base = before or Owed(currency, 0, 0, 0)
    return Owed(currency, base.answers + 1, base.pay_micros + due.pay_micros, base.cost_micros + due.cost_micros)


def _locked(session: Session, batch_id: int) -> BatchRow:
    batch = session.scalar(
        select(BatchRow)
        .where(BatchRow.id == batch_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    if batch is None:
        raise NotFound(f"There is no batch {batch_id}.")
    return batch
