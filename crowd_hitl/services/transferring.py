"""How money moves on the ledger: reserved, given back, transferred. The only writer of transfers."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from crowd_hitl.domain.errors import BudgetTooSmall, NotFound
from crowd_hitl.domain.ledger import ROUTES, AccountKind, TransferKind
from crowd_hitl.domain.money import units
from crowd_hitl.store.money_rows import BudgetRow, LedgerAccountRow, TransferRow
from crowd_hitl.store.work_rows import BatchRow


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
