"""Adding up the ledger: balances of budgets, batches and workers."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

from sqlalchemy import ColumnElement, Select, and_, case, func, or_, select
from sqlalchemy.orm import Session

from crowd_hitl.domain.assignments import AssignmentState
from crowd_hitl.domain.errors import NotFound
from crowd_hitl.domain.ledger import EARNING, EXTRAS, AccountKind, TransferKind
from crowd_hitl.services.compensating import owed_to_worker
from crowd_hitl.services.sharing_costs import answers_paid
from crowd_hitl.store.money_rows import BudgetRow, LedgerAccountRow, TransferRow
from crowd_hitl.store.work_rows import AssignmentRow, BatchRow

# Straight between a budget and a worker: in no batch's reservation.
BESIDE = (*EXTRAS, TransferKind.CLAWBACK)


@dataclass(frozen=True)
class BatchBalance:
    """One batch's money in micro-units: still held, paid to workers, fees, returned to the budget; bonuses for it."""

    held_micros: int
    paid_micros: int
    fees_micros: int
    released_micros: int
    extras_micros: int = 0

    @property
    def spent_micros(self) -> int:
        """What is gone for good: pay, fees, bonuses and adjustments, less claw-backs."""
        return self.paid_micros + self.fees_micros + self.extras_micros


@dataclass(frozen=True)
class BudgetBalance:
    """One budget's money in micro-units: put in = spent + reserved + available."""

    budget_id: int
    name: str
    currency: str
    topped_up_micros: int
    spent_micros: int
    reserved_micros: int
    available_micros: int


@dataclass(frozen=True)
class Earnings:
    """What one worker earned, in micro-units, less what was taken back; days are UTC, newest first.

    What is owed is not yet earned.
    """

    currency: str
    due_micros: int
    paid_micros: int
    total_micros: int
    submitted: int
    approved: int
    rejected: int
    by_day: Sequence[tuple[date, int, int]] = field(default_factory=list)
    owed_micros: int = 0


def batch_balances(session: Session, *, batch_ids: Sequence[int]) -> dict[int, BatchBalance]:
    """Add up the transfers of these batches."""
    rows = session.execute(
        select(TransferRow.batch_id, TransferRow.kind, func.sum(TransferRow.amount_micros))
        .where(TransferRow.batch_id.in_(batch_ids))
        .group_by(TransferRow.batch_id, TransferRow.kind)
    )
    sums: dict[int, dict[str, int]] = {batch_id: {} for batch_id in batch_ids}
    for batch_id, kind, amount in rows:
        if batch_id is not None:
            sums[batch_id][kind] = int(amount)
    return {batch_id: _balance(kinds) for batch_id, kinds in sums.items()}


def batch_balance(session: Session, *, batch_id: int) -> BatchBalance:
    """Add up the transfers of one batch."""
    return batch_balances(session, batch_ids=[batch_id])[batch_id]


def budget_balance(session: Session, *, budget_id: int) -> BudgetBalance:
    """Add up a budget: what came in, what its batches spent, what they hold, what is left."""
    budget = session.get(BudgetRow, budget_id)
    if budget is None:
        raise NotFound(f"There is no budget {budget_id}.")
    kinds = dict(
        session.execute(
            select(TransferRow.kind, func.sum(TransferRow.amount_micros))
            .join(BatchRow, BatchRow.id == TransferRow.batch_id)
            # a bonus for a batch may come from another budget than the batch's: it counts where it came from
            .where(BatchRow.budget_id == budget_id, TransferRow.kind.not_in(BESIDE))
            .group_by(TransferRow.kind)
        ).all()
    )
    account = select(LedgerAccountRow.id).where(
        LedgerAccountRow.kind == AccountKind.BUDGET, LedgerAccountRow.ref_id == budget_id
    )
    topped_up = session.scalar(
        select(func.sum(TransferRow.amount_micros)).where(
            TransferRow.kind == TransferKind.TOP_UP, TransferRow.to_id.in_(account)
        )
    )
    gone = and_(TransferRow.kind.in_(EXTRAS), TransferRow.from_id.in_(account))
    back = and_(TransferRow.kind == TransferKind.CLAWBACK, TransferRow.to_id.in_(account))
    extras = session.scalar(select(func.sum(signed_amount())).where(or_(gone, back)))
    total = _balance({kind: int(amount) for kind, amount in kinds.items()})
    return BudgetBalance(
        budget_id=budget.id,
        name=budget.name,
        currency=budget.currency,
        topped_up_micros=int(topped_up or 0),
        spent_micros=total.spent_micros + int(extras or 0),
        reserved_micros=total.held_micros,
        available_micros=budget.available_micros,
    )


def worker_earnings(session: Session, *, worker_id: int) -> Earnings:
    """Add up what a worker was paid in the ledger, in the currency most of it is in."""
    states = dict(
        session.execute(
            select(AssignmentRow.state, func.count())
            .where(AssignmentRow.worker_id == worker_id)
            .group_by(AssignmentRow.state)
        ).all()
    )
    when = TransferRow.created_at
    # SQLite keeps UTC as it is; PostgreSQL would cut days where its own zone does.
    day = func.date(when if session.get_bind().dialect.name == "sqlite" else func.timezone("UTC", when))
    answers = func.sum(case((TransferRow.kind == TransferKind.PAY, answers_paid(TransferRow.sitting_id)), else_=0))
    mine = (LedgerAccountRow.kind == AccountKind.WORKER, LedgerAccountRow.ref_id == worker_id)
    came = and_(TransferRow.to_id == LedgerAccountRow.id, TransferRow.kind.in_(EARNING))
    taken = and_(TransferRow.from_id == LedgerAccountRow.id, TransferRow.kind == TransferKind.CLAWBACK)
    rows = session.execute(
        select(LedgerAccountRow.currency, day, answers, func.sum(signed_amount()))
        .join(TransferRow, or_(came, taken))
        .where(*mine)
        .group_by(LedgerAccountRow.currency, day)
        .order_by(day.desc())
    ).all()
    totals: dict[str, int] = {}
    for currency, _, _, amount in rows:
        totals[currency] = totals.get(currency, 0) + int(amount)
    paid = _paid_out(session, worker_id=worker_id)
    owed = {line.currency: line.pay_micros for line in owed_to_worker(session, worker_id=worker_id)}
    currency = max(totals, key=lambda code: (totals[code], code), default=next(iter(owed), "USD"))
    return Earnings(
        currency=currency,
        due_micros=totals.get(currency, 0) - paid.get(currency, 0),
        paid_micros=paid.get(currency, 0),
        total_micros=totals.get(currency, 0),
        submitted=states.get(AssignmentState.SUBMITTED, 0),
        approved=states.get(AssignmentState.APPROVED, 0),
        rejected=states.get(AssignmentState.REJECTED, 0),
        by_day=[(_as_date(when), int(count), int(amount)) for code, when, count, amount in rows if code == currency],
        owed_micros=owed.get(currency, 0),
    )


def _paid_out(session: Session, *, worker_id: int) -> dict[str, int]:
    """Add up, by currency, what has left a worker's account and did not come back."""
    went = and_(TransferRow.from_id == LedgerAccountRow.id, TransferRow.kind == TransferKind.PAYOUT)
    back = and_(TransferRow.to_id == LedgerAccountRow.id, TransferRow.kind == TransferKind.PAYOUT_RETURN)
    amount = case(
        (TransferRow.kind == TransferKind.PAYOUT, TransferRow.amount_micros), else_=-TransferRow.amount_micros
    )
    rows = session.execute(
        select(LedgerAccountRow.currency, func.sum(amount))
        .join(TransferRow, or_(went, back))
        .where(LedgerAccountRow.kind == AccountKind.WORKER, LedgerAccountRow.ref_id == worker_id)
        .group_by(LedgerAccountRow.currency)
    )
    return {currency: int(amount) for currency, amount in rows}


def signed_amount() -> ColumnElement[int]:
    """Select a transfer's amount as earning and spending count it: a claw-back with a minus."""
    taken = TransferRow.kind == TransferKind.CLAWBACK
    return case((taken, -TransferRow.amount_micros), else_=TransferRow.amount_micros)


def account_sums(kind: AccountKind) -> Select[int, int]:
    """Select what each ledger account of a kind holds: what came in less what went out."""
    moved = (
        select(TransferRow.to_id.label("account_id"), TransferRow.amount_micros.label("amount"))
        .union_all(select(TransferRow.from_id, -TransferRow.amount_micros))
        .subquery()
    )
    return (
        select(LedgerAccountRow.ref_id, func.sum(moved.c.amount).label("balance"))
        .join(moved, moved.c.account_id == LedgerAccountRow.id)
        .where(LedgerAccountRow.kind == kind)
        .group_by(LedgerAccountRow.ref_id)
    )


def _as_date(value: date | str) -> date:
    return value if isinstance(value, date) else date.fromisoformat(value)


def _balance(kinds: dict[str, int]) -> BatchBalance:
    put_in = kinds.get(TransferKind.RESERVE, 0) + kinds.get(TransferKind.EXTEND, 0)
    paid, fees = kinds.get(TransferKind.PAY, 0), kinds.get(TransferKind.FEE, 0)
    released = kinds.get(TransferKind.RELEASE, 0)
    return BatchBalance(
        held_micros=put_in - paid - fees - released,
        paid_micros=paid,
        fees_micros=fees,
        released_micros=released,
        extras_micros=sum(kinds.get(kind, 0) for kind in EXTRAS) - kinds.get(TransferKind.CLAWBACK, 0),
    )
