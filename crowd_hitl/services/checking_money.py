"""What must hold of the money: routes, budgets, reservations, payments; each added up from the transfers."""

from collections.abc import Iterator

from sqlalchemy import and_, case, func, or_, select
from sqlalchemy.orm import Session, aliased

from crowd_hitl.domain.assignments import ANSWERED, SET_ASIDE, STANDING, AssignmentState, SittingState
from crowd_hitl.domain.invariants import Problem
from crowd_hitl.domain.ledger import ROUTES, AccountKind, TransferKind
from crowd_hitl.domain.money import units
from crowd_hitl.services.balances import account_sums
from crowd_hitl.store.money_rows import BudgetRow, LedgerAccountRow, TransferRow
from crowd_hitl.store.work_rows import AssignmentRow, BatchRow, SittingRow, TaskRow

STANDING_VALUES = [state.value for state in STANDING]
ANSWERED_VALUES = [state.value for state in ANSWERED]
# Kept, not used, and paid for unless it is owed.
PAID_ASIDE = [state.value for state in SET_ASIDE if state != AssignmentState.REJECTED]


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


def batches_hold_what_they_owe(session: Session) -> Iterator[Problem]:
    """A batch holds exactly the price of its open, held and undecided places, and its compensation line."""
    owed_places = (
        select(
            TaskRow.batch_id,
            func.sum(TaskRow.places_left).label("left"),
        )
        .group_by(TaskRow.batch_id)
        .subquery()
    )
    undecided = (
        select(AssignmentRow.batch_id, func.count().label("undecided"))
        .where(AssignmentRow.state.in_([AssignmentState.LEASED.value, AssignmentState.SUBMITTED.value]))
        .group_by(AssignmentRow.batch_id)
        .subquery()
    )
    balances = account_sums(AccountKind.BATCH).subquery()
    places = func.coalesce(owed_places.c.left, 0) + func.coalesce(undecided.c.undecided, 0)
    owed = places * (BatchRow.price_micros + BatchRow.fee_micros) + BatchRow.compensation_micros
    held = func.coalesce(balances.c.balance, 0)
    rows = session.execute(
        select(BatchRow.id, owed, held)
        .outerjoin(owed_places, owed_places.c.batch_id == BatchRow.id)
        .outerjoin(undecided, undecided.c.batch_id == BatchRow.id)
        .outerjoin(balances, balances.c.ref_id == BatchRow.id)
        .where(owed != held)
    )
    for batch_id, expected, found in rows:
        yield Problem("reservation", f"batch {batch_id}", units(int(expected)), units(int(found)))


def approved_means_paid(session: Session) -> Iterator[Problem]:
    """Every assignment that is approved, or settled though not used, was paid its price once; nothing else was paid."""
    paid = (
        select(TransferRow.sitting_id, func.sum(TransferRow.amount_micros).label("paid"))
        .where(TransferRow.kind == TransferKind.PAY.value)
        .group_by(TransferRow.sitting_id)
        .subquery()
    )
    approved = AssignmentRow.state.in_([AssignmentState.APPROVED.value, AssignmentState.REMOVED.value])
    aside = and_(AssignmentRow.state.in_(PAID_ASIDE), SittingRow.state == SittingState.SETTLED.value)
    due = case((or_(approved, aside), BatchRow.price_micros), else_=0)
    found = func.coalesce(paid.c.paid, 0)
    rows = session.execute(
        select(AssignmentRow.id, due, found)
        .join(BatchRow, BatchRow.id == AssignmentRow.batch_id)
        .join(SittingRow, SittingRow.id == AssignmentRow.sitting_id)
        .outerjoin(paid, paid.c.sitting_id == AssignmentRow.sitting_id)
        .where(due != found)
    )
    for sitting_id, expected, actual in rows:
        yield Problem("payment", f"sitting {sitting_id}", units(int(expected)), units(int(actual)))


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
