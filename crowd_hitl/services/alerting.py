"""Alerts on the way to a budget's end: written once when spent and reserved money pass a level."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, func, select
from sqlalchemy.orm import Session

from crowd_hitl.domain.ledger import AccountKind, TransferKind
from crowd_hitl.store.money_rows import BudgetRow, LedgerAccountRow, TransferRow
from crowd_hitl.store.payout_rows import BudgetAlertRow

LEVELS_PERCENT = (50, 80, 95)


@dataclass(frozen=True)
class Alert:
    """A level that a budget passed, with what was used (spent or reserved) of what had been put in by then."""

    budget_id: int
    percent: int
    used_micros: int
    topped_up_micros: int
    created_at: datetime


def raise_alerts(session: Session, *, now: datetime, budget_id: int | None = None) -> list[BudgetAlertRow]:
    """Write what is new since the last call, for one budget or for all; return it."""
    fresh = [
        BudgetAlertRow(budget_id=one_id, percent=level, used_micros=used, topped_up_micros=topped_up, created_at=now)
        for one_id, level, used, topped_up in _unwritten(session, budget_id)
    ]
    session.add_all(fresh)
    session.flush()
    return fresh


def has_alerts(session: Session) -> bool:
    """Say whether any budget passed a level that is not written yet."""
    return bool(_unwritten(session, None))


def alerts_of(session: Session, *, budget_ids: Sequence[int]) -> dict[int, list[Alert]]:
    """Return the alerts that hold for each budget: of what is put in now, and passed still; the lowest level first."""
    found: dict[int, list[Alert]] = {budget_id: [] for budget_id in budget_ids}
    standing = {row[0]: (row[1], row[2]) for row in _standing(session, *budget_ids)} if budget_ids else {}
    rows = session.scalars(
        select(BudgetAlertRow)
        .where(BudgetAlertRow.budget_id.in_(budget_ids))
        .order_by(BudgetAlertRow.budget_id, BudgetAlertRow.percent)
    )
    for row in rows:
        available, topped_up = standing.get(row.budget_id, (0, 0))
        still = (topped_up - available) * 100 >= row.percent * topped_up
        if row.topped_up_micros == topped_up and still:
            found[row.budget_id].append(
                Alert(
                    budget_id=row.budget_id,
                    percent=row.percent,
                    used_micros=row.used_micros,
                    topped_up_micros=row.topped_up_micros,
                    created_at=row.created_at,
                )
            )
    return found


def _unwritten(session: Session, budget_id: int | None) -> list[tuple[int, int, int, int]]:
    passed = []
    for one_id, available, topped_up in _standing(session, budget_id):
        used = topped_up - available
        passed += [(one_id, level, used, topped_up) for level in LEVELS_PERCENT if used * 100 >= level * topped_up]
    if not passed:
        return []
    known = set(
        session.execute(
            select(BudgetAlertRow.budget_id, BudgetAlertRow.percent, BudgetAlertRow.topped_up_micros).where(
                BudgetAlertRow.budget_id.in_({one[0] for one in passed})
            )
        ).all()
    )
    return [one for one in passed if (one[0], one[1], one[3]) not in known]


def _standing(session: Session, *budget_ids: int | None) -> list[tuple[int, int, int]]:
    """Return id, what is available and what was ever put in, of each budget that has money."""
    query = (
        select(BudgetRow.id, BudgetRow.available_micros, func.sum(TransferRow.amount_micros))
        .join(
            LedgerAccountRow,
            and_(LedgerAccountRow.kind == AccountKind.BUDGET, LedgerAccountRow.ref_id == BudgetRow.id),
        )
        .join(TransferRow, and_(TransferRow.to_id == LedgerAccountRow.id, TransferRow.kind == TransferKind.TOP_UP))
        .group_by(BudgetRow.id, BudgetRow.available_micros)
    )
    named = [one for one in budget_ids if one is not None]
    if named:
        query = query.where(BudgetRow.id.in_(named))
    return [(row_id, int(available), int(put_in)) for row_id, available, put_in in session.execute(query)]
