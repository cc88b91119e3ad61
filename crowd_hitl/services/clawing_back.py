"""Claw-backs: what a worker was paid too much comes back to its budget, while it has not been paid out."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session, aliased

from crowd_hitl.domain.errors import Conflict, KeyReused, bad_field
from crowd_hitl.domain.ledger import EXTRAS, AccountKind, TransferKind
from crowd_hitl.domain.money import units
from crowd_hitl.services.balances import signed_amount
from crowd_hitl.services.owing import due_to, lock_worker
from crowd_hitl.services.paying import Movement, lock_budget, transfer
from crowd_hitl.services.rewarding import check_belongs, check_worded
from crowd_hitl.store.money_rows import BudgetRow, LedgerAccountRow, TransferRow
from crowd_hitl.store.payout_rows import ClawbackRow
from crowd_hitl.store.work_rows import BatchRow


@dataclass(frozen=True)
class Clawback:
    """What is taken back from a worker, and who takes it (an account; None at the command line)."""

    worker_id: int
    amount_micros: int
    reason: str
    batch_id: int | None = None
    taken_by: int | None = None


def claw_back(session: Session, *, budget_id: int, asked: Clawback, key: str, now: datetime) -> TransferRow:
    """Move money from a worker back to the budget it came from. The same key again changes nothing.

    Refuses more than the worker is due and no payout holds, and more than this budget (or the batch named) paid the
    worker; each refusal says what is possible.
    """
    check_worded(amount_micros=asked.amount_micros, reason=asked.reason, key=key)
    check_belongs(session, budget_id=budget_id, worker_id=asked.worker_id, batch_id=asked.batch_id)
    # The worker first: a payout run that is collecting holds it, and so does any other claw-back.
    lock_worker(session, asked.worker_id)
    budget = lock_budget(session, budget_id)
    business_key = f"{TransferKind.CLAWBACK}:{budget_id}:{key}"
    done = session.scalar(select(TransferRow).where(TransferRow.business_key == business_key))
    if done is not None:
        return _repeated(session, done, asked)
    _check_possible(session, budget, asked)
    budget.available_micros = BudgetRow.available_micros + asked.amount_micros
    transfer(
        session,
        Movement(
            kind=TransferKind.CLAWBACK,
            source=asked.worker_id,
            target=budget.id,
            amount_micros=asked.amount_micros,
            currency=budget.currency,
            batch_id=asked.batch_id,
            business_key=business_key,
            note=asked.reason.strip(),
        ),
        now=now,
    )
    made = session.scalars(select(TransferRow).where(TransferRow.business_key == business_key)).one()
    session.add(ClawbackRow(transfer_id=made.id, taken_by=asked.taken_by))
    session.flush()
    return made


def _check_possible(session: Session, budget: BudgetRow, asked: Clawback) -> None:
    due = due_to(session, worker_id=asked.worker_id, currency=budget.currency)
    if asked.amount_micros > due:
        raise Conflict(
            f"Worker {asked.worker_id} is due {units(max(0, due))} {budget.currency} that no payout holds: at most "
            "that can be taken back. What is on its way out or paid cannot."
        )
    paid = _paid_from(session, budget, asked)
    if asked.amount_micros > paid:
        source = f"budget {budget.name}" if asked.batch_id is None else f"budget {budget.name} for that batch"
        expected = f"at most {units(max(0, paid))}, what worker {asked.worker_id} was paid from {source}"
        raise bad_field("amount", expected=expected, found=units(asked.amount_micros))


def _paid_from(session: Session, budget: BudgetRow, asked: Clawback) -> int:
    """Add up what this worker was paid from the budget, less what was taken back."""
    source, target = aliased(LedgerAccountRow), aliased(LedgerAccountRow)

    def is_worker(account: type[LedgerAccountRow]) -> ColumnElement[bool]:
        return and_(account.kind == AccountKind.WORKER, account.ref_id == asked.worker_id)

    def is_budget(account: type[LedgerAccountRow]) -> ColumnElement[bool]:
        return and_(account.kind == AccountKind.BUDGET, account.ref_id == budget.id)

    pay = and_(TransferRow.kind == TransferKind.PAY, is_worker(target), BatchRow.budget_id == budget.id)
    extra = and_(TransferRow.kind.in_(EXTRAS), is_worker(target), is_budget(source))
    taken = and_(TransferRow.kind == TransferKind.CLAWBACK, is_worker(source), is_budget(target))
    query = (
        select(func.coalesce(func.sum(signed_amount()), 0))
        .join(source, source.id == TransferRow.from_id)
        .join(target, target.id == TransferRow.to_id)
        .outerjoin(BatchRow, BatchRow.id == TransferRow.batch_id)
        .where(or_(pay, extra, taken))
    )
    if asked.batch_id is not None:
        query = query.where(TransferRow.batch_id == asked.batch_id)
    return int(session.scalar(query) or 0)


def _repeated(session: Session, done: TransferRow, asked: Clawback) -> TransferRow:
    taken_from = session.get_one(LedgerAccountRow, done.from_id)
    wanted = (asked.worker_id, asked.amount_micros, asked.reason.strip(), asked.batch_id)
    if (taken_from.ref_id, done.amount_micros, done.note, done.batch_id) != wanted:
        raise KeyReused(
            f"This key took {units(done.amount_micros)} {done.currency} back from worker {taken_from.ref_id} before. "
            "Use a new key for a new claw-back."
        )
    return done
