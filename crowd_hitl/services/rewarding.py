"""Bonuses and adjustments: money paid to a worker straight from a budget, with a reason, once under its key."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from crowd_hitl.domain.errors import KeyReused, NotFound, bad_field
from crowd_hitl.domain.ledger import EXTRAS, TransferKind
from crowd_hitl.domain.money import LARGEST_MICROS, units
from crowd_hitl.services.alerting import raise_alerts
from crowd_hitl.services.paying import Movement, lock_budget, take, transfer
from crowd_hitl.store.account_rows import WorkerRow
from crowd_hitl.store.money_rows import BudgetRow, LedgerAccountRow, TransferRow
from crowd_hitl.store.project_rows import ProjectRow
from crowd_hitl.store.work_rows import BatchRow

REASON_MIN, REASON_MAX = 3, 255
KEY_MAX = 100


@dataclass(frozen=True)
class Reward:
    """What a worker is to get: a bonus, or an adjustment that makes good for what was paid too little."""

    kind: TransferKind
    worker_id: int
    amount_micros: int
    reason: str
    batch_id: int | None = None


def reward(session: Session, *, budget_id: int, given: Reward, key: str, now: datetime) -> TransferRow:
    """Pay a worker from a budget. The same key again changes nothing; for something else it is KeyReused.

    Refuses a worker or batch of another organisation, a batch in another currency, and more than the budget has.
    """
    _check(given, key)
    budget = lock_budget(session, budget_id)
    business_key = f"{given.kind}:{budget_id}:{key}"
    done = session.scalar(select(TransferRow).where(TransferRow.business_key == business_key))
    if done is not None:
        return _repeated(session, done, given)
    check_belongs(session, budget_id=budget_id, worker_id=given.worker_id, batch_id=given.batch_id)
    take(budget, amount_micros=given.amount_micros)
    transfer(
        session,
        Movement(
            kind=given.kind,
            source=budget.id,
            target=given.worker_id,
            amount_micros=given.amount_micros,
            currency=budget.currency,
            batch_id=given.batch_id,
            business_key=business_key,
            note=given.reason.strip(),
        ),
        now=now,
    )
    raise_alerts(session, budget_id=budget.id, now=now)
    return session.scalars(select(TransferRow).where(TransferRow.business_key == business_key)).one()


def _check(given: Reward, key: str) -> None:
    if given.kind not in EXTRAS:
        raise bad_field("kind", expected=" or ".join(EXTRAS), found=given.kind)
    check_worded(amount_micros=given.amount_micros, reason=given.reason, key=key)


def check_worded(*, amount_micros: int, reason: str, key: str) -> None:
    """Refuse an amount, a reason or a key that cannot be, naming the field."""
    if not 0 < amount_micros <= LARGEST_MICROS:
        raise bad_field("amount", expected="an amount above 0", found=units(amount_micros))
    if not REASON_MIN <= len(reason.strip()) <= REASON_MAX:
        expected = f"{REASON_MIN} to {REASON_MAX} characters that the worker will read"
        raise bad_field("reason", expected=expected, found=reason)
    if not 1 <= len(key) <= KEY_MAX:
        raise bad_field("key", expected=f"1 to {KEY_MAX} characters", found=key)


def check_belongs(session: Session, *, budget_id: int, worker_id: int, batch_id: int | None) -> None:
    """Refuse a worker or a batch of another organisation than the budget's, and a batch in another currency."""
    budget = session.get(BudgetRow, budget_id)
    if budget is None:
        raise NotFound(f"There is no budget {budget_id}.")
    worker = session.get(WorkerRow, worker_id)
    if worker is None or worker.organisation_id != budget.organisation_id:
        raise NotFound(f"There is no worker {worker_id}.")
    if batch_id is None:
        return
    batch = session.get(BatchRow, batch_id)
    if batch is None or session.get_one(ProjectRow, batch.project_id).organisation_id != budget.organisation_id:
        raise NotFound(f"There is no batch {batch_id}.")
    if batch.currency != budget.currency:
        expected = f"a batch in {budget.currency}, the budget's currency"
        raise bad_field("batch", expected=expected, found=f"batch {batch.id} in {batch.currency}")


def _repeated(session: Session, done: TransferRow, given: Reward) -> TransferRow:
    to = session.get_one(LedgerAccountRow, done.to_id)
    asked = (given.worker_id, given.amount_micros, given.reason.strip(), given.batch_id)
    if (to.ref_id, done.amount_micros, done.note, done.batch_id) != asked:
        raise KeyReused(
            f"This key paid {units(done.amount_micros)} {done.currency} to worker {to.ref_id} before. "
            "Use a new key for a new payment."
        )
    return done
