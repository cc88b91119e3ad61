"""What must hold of the money: routes, budgets, payees, payouts; each added up from the transfers."""

from collections.abc import Iterator

from sqlalchemy import String, and_, case, cast, func, literal, select
from sqlalchemy.orm import Session, aliased

from crowd_hitl.domain.invariants import Problem
from crowd_hitl.domain.ledger import EARNING, ROUTES, AccountKind, TransferKind
from crowd_hitl.domain.money import units
from crowd_hitl.services.balances import account_sums
from crowd_hitl.store.money_rows import BudgetRow, LedgerAccountRow, TransferRow
from crowd_hitl.store.payout_rows import PayoutLineRow, PayoutRow
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


def payouts_add_up(session: Session) -> Iterator[Problem]:
    """A payout's earnings are its lines, all of them earned by its worker in its currency."""
    own = and_(LedgerAccountRow.ref_id == PayoutRow.worker_id, LedgerAccountRow.currency == PayoutRow.currency)
    right = and_(own, LedgerAccountRow.kind == AccountKind.WORKER, TransferRow.kind.in_(EARNING))
    lines = func.coalesce(func.sum(case((right, TransferRow.amount_micros), else_=0)), 0)
    wrong = func.coalesce(func.sum(case((right, 0), (TransferRow.id.is_(None), 0), else_=1)), 0)
    rows = session.execute(
        select(PayoutRow.id, PayoutRow.earned_micros, lines, wrong)
        .outerjoin(PayoutLineRow, PayoutLineRow.payout_id == PayoutRow.id)
        .outerjoin(TransferRow, TransferRow.id == PayoutLineRow.transfer_id)
        .outerjoin(LedgerAccountRow, LedgerAccountRow.id == TransferRow.to_id)
        .group_by(PayoutRow.id, PayoutRow.earned_micros)
        .having((PayoutRow.earned_micros != lines) | (wrong > 0))
    )
    for payout_id, earned, found, strange in rows:
        yield Problem("payout", f"payout {payout_id}", units(int(earned)), f"{units(int(found))}, {strange} strange")


def payouts_leave_the_ledger_once(session: Session) -> Iterator[Problem]:
    """Money left the ledger for a worker exactly as the paid payouts say."""
    paid = case((PayoutRow.state == "paid", PayoutRow.amount_micros), else_=0)
    rows = session.execute(
        select(PayoutRow.id, paid, func.coalesce(TransferRow.amount_micros, 0))
        .outerjoin(TransferRow, TransferRow.business_key == literal("payout:") + cast(PayoutRow.id, String))
        .where(paid != func.coalesce(TransferRow.amount_micros, 0))
    )
    for payout_id, expected, found in rows:
        yield Problem("paid out", f"payout {payout_id}", units(int(expected)), units(int(found)))
    counted = select(func.count()).where(PayoutRow.state == "paid").scalar_subquery()
    moved = session.scalar(select(func.count() - counted).where(TransferRow.kind == TransferKind.PAYOUT))
    if moved:
        yield Problem("paid out", "the ledger", "one transfer for each paid payout", f"{moved} more")
