"""What a project spent, and the budgets it draws on, added up from the ledger."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from crowd_hitl.domain.ledger import SPENDING
from crowd_hitl.services.balances import BudgetBalance, budget_balance
from crowd_hitl.services.sharing_costs import share_of_transfer, was_paid_for
from crowd_hitl.store.loop_rows import LoopRow
from crowd_hitl.store.money_rows import BudgetRow, TransferRow
from crowd_hitl.store.work_rows import AnswerRow, AssignmentRow, BatchRow

MOST_BUDGETS = 20


@dataclass(frozen=True)
class DaySpend:
    """What was spent on one day (UTC), and up to its end."""

    day: str
    spent_micros: int
    so_far_micros: int


def spend_by_project(session: Session, *, project_ids: Sequence[int]) -> dict[tuple[int, str], int]:
    """Add up pay and fees of these projects, by project and currency."""
    rows = session.execute(
        select(BatchRow.project_id, TransferRow.currency, func.sum(TransferRow.amount_micros))
        .join(BatchRow, BatchRow.id == TransferRow.batch_id)
        .where(BatchRow.project_id.in_(project_ids), TransferRow.kind.in_(SPENDING))
        .group_by(BatchRow.project_id, TransferRow.currency)
    ).all()
    return {(project_id, currency): int(amount) for project_id, currency, amount in rows}


def spend_by_day(session: Session, *, project_id: int, currency: str) -> list[DaySpend]:
    """Add up the project's pay and fees day by day, the earliest first."""
    day = func.date(TransferRow.created_at)
    rows = session.execute(
        select(day, func.sum(TransferRow.amount_micros))
        .join(BatchRow, BatchRow.id == TransferRow.batch_id)
        .where(BatchRow.project_id == project_id, TransferRow.kind.in_(SPENDING), TransferRow.currency == currency)
        .group_by(day)
        .order_by(day)
    ).all()
    days: list[DaySpend] = []
    so_far = 0
    for when, amount in rows:
        so_far += int(amount)
        days.append(DaySpend(day=str(when), spent_micros=int(amount), so_far_micros=so_far))
    return days


def budgets_of(session: Session, *, project_id: int) -> list[BudgetBalance]:
    """Add up the budgets the project draws on, the newest first."""
    used = select(BatchRow.budget_id).where(BatchRow.project_id == project_id)
    looped = select(LoopRow.budget_id).where(LoopRow.project_id == project_id)
    ids = session.scalars(
        select(BudgetRow.id)
        .where(or_(BudgetRow.id.in_(used), BudgetRow.id.in_(looped)))
        .order_by(BudgetRow.id.desc())
        .limit(MOST_BUDGETS)
    ).all()
    return [budget_balance(session, budget_id=budget_id) for budget_id in ids]


def cost_by_item(session: Session, *, item_ids: Sequence[int]) -> dict[int, int]:
    """Add up pay and fees for the answers to each of these items (a page of them), over all batches."""
    rows = session.execute(
        select(AnswerRow.item_id, func.sum(share_of_transfer()))
        .join(AssignmentRow, AssignmentRow.id == AnswerRow.assignment_id)
        .join(TransferRow, TransferRow.sitting_id == AssignmentRow.sitting_id)
        .where(AnswerRow.item_id.in_(item_ids), TransferRow.kind.in_(SPENDING), was_paid_for())
        .group_by(AnswerRow.item_id)
    ).all()
    return {item_id: int(amount) for item_id, amount in rows}
