"""What workers are owed: earnings less claw-backs that no payout holds, and the rest of earlier payouts."""

from typing import Any

from sqlalchemy import (
    CTE,
    BigInteger,
    ColumnElement,
    CompoundSelect,
    Select,
    Subquery,
    case,
    cast,
    exists,
    func,
    literal,
    select,
    union_all,
)
from sqlalchemy.orm import Session

from crowd_hitl.domain.errors import NotFound
from crowd_hitl.domain.ledger import EARNING, AccountKind, TransferKind
from crowd_hitl.domain.money import WITH_THOUSANDTHS, WITHOUT_MINOR, step_micros
from crowd_hitl.store.account_rows import WorkerRow
from crowd_hitl.store.money_rows import LedgerAccountRow, TransferRow
from crowd_hitl.store.payout_rows import PayoutLineRow, PayoutRow

PROMISED = ("due", "exported")


def dues_of(organisation_id: int) -> Subquery:
    """Add up what is due by worker and currency: columns worker_id, currency, earned, carried, lines."""
    loose = loose_lines()
    zero = literal(0, BigInteger)
    by_account = _once(
        select(loose.c.account_id, func.sum(loose.c.amount).label("earned"), func.count().label("lines")).group_by(
            loose.c.account_id
        ),
        name="by_account",
    )
    earned = (
        select(
            LedgerAccountRow.ref_id.label("worker_id"),
            LedgerAccountRow.currency.label("currency"),
            by_account.c.earned.label("earned"),
            zero.label("carried"),
            by_account.c.lines.label("lines"),
        )
        .join(by_account, by_account.c.account_id == LedgerAccountRow.id)
        .where(LedgerAccountRow.kind == AccountKind.WORKER)
    )
    rest = func.sum(PayoutRow.earned_micros) - func.sum(PayoutRow.amount_micros)
    carried = (
        select(PayoutRow.worker_id, PayoutRow.currency, zero, rest, zero)
        .where(PayoutRow.state != "failed")
        .group_by(PayoutRow.worker_id, PayoutRow.currency)
    )
    both = union_all(earned, carried).subquery()
    sums = {name: _whole(func.sum(both.c[name])) for name in ("earned", "carried", "lines")}
    return (
        select(both.c.worker_id, both.c.currency, *(value.label(name) for name, value in sums.items()))
        .join(WorkerRow, WorkerRow.id == both.c.worker_id)
        .where(*_paid_here(organisation_id))
        .group_by(both.c.worker_id, both.c.currency)
        .having(func.sum(both.c.earned) + func.sum(both.c.carried) != 0)
        .subquery("dues")
    )


def loose_lines() -> CTE:
    """Select every earning and, with a minus, every claw-back that stands in no payout: account, transfer, amount."""
    in_one = exists().where(PayoutLineRow.transfer_id == TransferRow.id, ~PayoutLineRow.is_void)
    earned = select(
        TransferRow.to_id.label("account_id"),
        TransferRow.id.label("transfer_id"),
        TransferRow.amount_micros.label("amount"),
    ).where(TransferRow.kind.in_(EARNING), ~in_one)
    taken = select(TransferRow.from_id, TransferRow.id, -TransferRow.amount_micros).where(
        TransferRow.kind == TransferKind.CLAWBACK, ~in_one
    )
    return _once(union_all(earned, taken), name="loose")


def _once(query: Select[Any] | CompoundSelect[Any], *, name: str) -> CTE:
    """Have PostgreSQL run a query once: without fresh statistics it would run it again for every worker."""
    return query.cte(name).prefix_with("MATERIALIZED", dialect="postgresql")


def step_of(currency: ColumnElement[str]) -> ColumnElement[int]:
    """Say in SQL what `step_micros` says: the smallest amount that can be paid in a currency."""
    return case(
        (currency.in_(sorted(WITHOUT_MINOR)), literal(step_micros("JPY"), BigInteger)),
        (currency.in_(sorted(WITH_THOUSANDTHS)), literal(step_micros("KWD"), BigInteger)),
        else_=literal(step_micros("USD"), BigInteger),
    )


def due_to(session: Session, *, worker_id: int, currency: str) -> int:
    """Return what one worker is due and no payout holds: the account's balance less the payouts under way."""
    account = session.scalar(
        select(LedgerAccountRow.id).where(
            LedgerAccountRow.kind == AccountKind.WORKER,
            LedgerAccountRow.ref_id == worker_id,
            LedgerAccountRow.currency == currency,
        )
    )
    amount = func.coalesce(func.sum(TransferRow.amount_micros), 0)
    came = session.scalar(select(amount).where(TransferRow.to_id == account)) or 0
    went = session.scalar(select(amount).where(TransferRow.from_id == account)) or 0
    promised = session.scalar(
        select(func.coalesce(func.sum(PayoutRow.amount_micros), 0)).where(
            PayoutRow.worker_id == worker_id, PayoutRow.currency == currency, PayoutRow.state.in_(PROMISED)
        )
    )
    return int(came) - int(went) - int(promised or 0)


def lock_worker(session: Session, worker_id: int) -> WorkerRow:
    """Keep others from taking from what this worker is due; earning goes on. Before any budget or payout is locked."""
    found = session.scalar(
        select(WorkerRow)
        .where(WorkerRow.id == worker_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    if found is None:
        raise NotFound(f"There is no worker {worker_id}.")
    return found


def lock_workers(session: Session, *, organisation_id: int) -> None:
    """Lock all whom the organisation pays, in one order, without reading them."""
    rows = select(WorkerRow.id).where(*_paid_here(organisation_id)).order_by(WorkerRow.id)
    session.execute(select(func.count()).select_from(rows.with_for_update(key_share=True).subquery()))


def _paid_here(organisation_id: int) -> tuple[ColumnElement[bool], ...]:
    return (
        WorkerRow.organisation_id == organisation_id,
        WorkerRow.channel == "inhouse",
        WorkerRow.simulated.is_(False),
    )


def _whole(amount: ColumnElement[Any]) -> ColumnElement[int]:
    # PostgreSQL adds whole numbers up as decimals
    return cast(amount, BigInteger)
