"""What must hold of the money: routes, budgets, payees, payouts; each added up from the transfers."""

from collections.abc import Iterator

from sqlalchemy import and_, case, func, select
from sqlalchemy.orm import Session, aliased

from crowd_hitl.domain.invariants import Problem
from crowd_hitl.domain.ledger import ROUTES, AccountKind, TransferKind
from crowd_hitl.domain.money import units
from crowd_hitl.services.balances import account_sums
from crowd_hitl.store.money_rows import BudgetRow, LedgerAccountRow, TransferRow
from crowd_hitl.store.work_rows import SittingRow


def transfers_follow_their_routes(session: Session) -> Iterator[Problem]:
    """Money only moves between the kinds of account its kind allows, in one currency."""
    source, target = aliased(LedgerAccountRow), aliased(LedgerAccountRow)
    right = [
        and_(TransferRow.kind == kind.value, source.kind == start.value, target.kind == end.value)
        for kind, (start, end) in ROUTES.items()
    ]
    same = and_(TransferRow.currency == source.currency, TransferRow.currency == target.currency)
    allowed = case((and_(same, case(*((rule, True) for rule in right), else_=False)), True), else_=False)
    rows = session.execute(
        select(TransferRow, source.kind, target.kind)
        .join(source, source.id == TransferRow.from_id)
        .join(target, target.id == TransferRow.to_id)
        .where(allowed.is_(False))
    )
    for transfer, start, end in rows:
        yield Problem("route", f"transfer {transfer.id}", f"the route of {transfer.kind}", f"{start} → {end}")


def budgets_add_up(session: Session) -> Iterator[Problem]:
    """A budget's counter is what its ledger account holds, and never below nothing."""
    balances = account_sums(AccountKind.BUDGET).subquery()
    rows = session.execute(
        select(BudgetRow, func.coalesce(balances.c.balance, 0))
        .outerjoin(balances, balances.c.ref_id == BudgetRow.id)
        .where((func.coalesce(balances.c.balance, 0) != BudgetRow.available_micros) | (BudgetRow.available_micros < 0))
    )
    for budget, balance in rows:
        yield Problem("budget", f"budget {budget.id}", units(int(balance)), units(budget.available_micros))


def pay_reaches_its_worker(session: Session) -> Iterator[Problem]:
    """Pay goes from the sitting's batch to the sitting's worker, and every transfer's batch is the one it names."""
    source, target = aliased(LedgerAccountRow), aliased(LedgerAccountRow)
    rows = session.execute(
        select(TransferRow.id)
        .join(source, source.id == TransferRow.from_id)
        .join(target, target.id == TransferRow.to_id)
        .outerjoin(SittingRow, SittingRow.id == TransferRow.sitting_id)
        .where(
            ((TransferRow.kind == TransferKind.PAY.value) & (target.ref_id != SittingRow.worker_id))
            | ((source.kind == "batch") & (source.ref_id != TransferRow.batch_id))
            | ((target.kind == "batch") & (target.ref_id != TransferRow.batch_id))
        )
    )
    for transfer_id in rows.scalars():
        yield Problem("payee", f"transfer {transfer_id}", "its own batch and worker", "another's")
