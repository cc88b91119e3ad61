"""What a project, batch or round spent and on what, and the budgets it draws on, added up from the ledger."""

from collections.abc import Sequence
from dataclasses import dataclass, fields

from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from crowd_hitl.domain.ledger import EXTRAS, SPENDING, AccountKind, TransferKind
from crowd_hitl.domain.money import units
from crowd_hitl.domain.rounds import Phase
from crowd_hitl.services.balances import BudgetBalance, budget_balance, signed_amount
from crowd_hitl.services.sharing_costs import share_of_transfer, was_paid_for
from crowd_hitl.store.loop_rows import LoopRow
from crowd_hitl.store.money_rows import BudgetRow, LedgerAccountRow, TransferRow
from crowd_hitl.store.work_rows import AnswerRow, AssignmentRow, BatchRow, TaskRow

MOST_BUDGETS = 20
# Bought to see whether labels are right: no answer of theirs is there to label an item for its own sake.
AUDITS = (Phase.REFERENCE.value, Phase.AUDIT.value, Phase.CONFIRM.value, Phase.CERTIFY.value)


@dataclass(frozen=True)
class Cost:
    """What was spent, by what it bought, in micro-units of one currency: the one meaning of "cost" everywhere.

    Experts and reviewers are paid for answers or by bonuses, and are counted there. Gold and answers are pay alone;
    the channel's fees of all of them are one part.
    """

    answers_micros: int = 0
    gold_micros: int = 0
    audits_micros: int = 0
    fees_micros: int = 0
    bonuses_micros: int = 0
    adjustments_micros: int = 0
    taken_back_micros: int = 0

    @property
    def spent_micros(self) -> int:
        """Add all of it up; what was taken back counts with a minus."""
        bought = self.answers_micros + self.gold_micros + self.audits_micros + self.fees_micros
        return bought + self.bonuses_micros + self.adjustments_micros - self.taken_back_micros

    def per_label_micros(self, labels: int) -> float | None:
        """Return what one of so many agreed labels (at or above the target confidence) cost; None without any."""
        return self.spent_micros / labels if labels and self.spent_micros else None


@dataclass(frozen=True)
class DaySpend:
    """What was spent on one day (UTC), and up to its end."""

    day: str
    spent_micros: int
    so_far_micros: int


def spend_by_project(session: Session, *, project_ids: Sequence[int]) -> dict[tuple[int, str], int]:
    """Add up what these projects spent, by project and currency."""
    rows = session.execute(
        select(BatchRow.project_id, TransferRow.currency, func.sum(signed_amount()))
        .join(BatchRow, BatchRow.id == TransferRow.batch_id)
        .where(BatchRow.project_id.in_(project_ids), TransferRow.kind.in_(SPENDING))
        .group_by(BatchRow.project_id, TransferRow.currency)
    ).all()
    return {(project_id, currency): int(amount) for project_id, currency, amount in rows}


def spend_by_day(session: Session, *, project_id: int, currency: str) -> list[DaySpend]:
    """Add up what the project spent day by day (UTC), the earliest first."""
    when = TransferRow.created_at
    # SQLite keeps UTC as it is; PostgreSQL would cut days where its own zone does.
    day = func.date(when if session.get_bind().dialect.name == "sqlite" else func.timezone("UTC", when))
    rows = session.execute(
        select(day, func.sum(signed_amount()))
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


def costs_by(
    session: Session, key: InstrumentedAttribute[int] | InstrumentedAttribute[int | None], ids: Sequence[int]
) -> dict[tuple[int, str], Cost]:
    """Add up the cost of projects, batches or rounds: `key` is BatchRow's column for them; by id and currency.

    A bonus, an adjustment or a claw-back counts where it names a batch.
    """
    is_audit = BatchRow.purpose.in_(AUDITS)
    sums = session.execute(
        select(key, TransferRow.currency, TransferRow.kind, is_audit, func.sum(TransferRow.amount_micros))
        .select_from(TransferRow)
        .join(BatchRow, BatchRow.id == TransferRow.batch_id)
        .where(key.in_(ids), TransferRow.kind.in_(SPENDING))
        .group_by(key, TransferRow.currency, TransferRow.kind, is_audit)
    )
    gold = session.execute(
        select(key, TransferRow.currency, func.sum(share_of_transfer()))
        .select_from(TaskRow)
        .join(AssignmentRow, AssignmentRow.task_id == TaskRow.id)
        .join(TransferRow, TransferRow.sitting_id == AssignmentRow.sitting_id)
        .join(BatchRow, BatchRow.id == TransferRow.batch_id)
        .where(key.in_(ids), TransferRow.kind == TransferKind.PAY, was_paid_for())
        .where(TaskRow.is_gold, ~is_audit)
        .group_by(key, TransferRow.currency)
    )
    return _costs(
        [(one_id or 0, currency, kind, audit, int(amount)) for one_id, currency, kind, audit, amount in sums],
        {(one_id or 0, currency): int(amount) for one_id, currency, amount in gold},
    )


def _costs(
    sums: Sequence[tuple[int, str, str, bool, int]], gold: dict[tuple[int, str], int]
) -> dict[tuple[int, str], Cost]:
    parts: dict[tuple[int, str], dict[str, int]] = {}
    for one_id, currency, kind, audit, amount in sums:
        name = PARTS[TransferKind(kind)] if kind != TransferKind.PAY or not audit else "audits_micros"
        found = parts.setdefault((one_id, currency), {})
        found[name] = found.get(name, 0) + amount
    for where, amount in gold.items():
        parts[where]["gold_micros"] = amount
        parts[where]["answers_micros"] -= amount
    return {where: Cost(**found) for where, found in parts.items()}


PARTS = {
    TransferKind.PAY: "answers_micros",
    TransferKind.FEE: "fees_micros",
    TransferKind.BONUS: "bonuses_micros",
    TransferKind.ADJUSTMENT: "adjustments_micros",
    TransferKind.CLAWBACK: "taken_back_micros",
}


def cost_of_budget(session: Session, *, budget_id: int) -> Cost:
    """Add up what was spent from a budget: its batches', and what went straight from it to workers and back."""
    batches = session.scalars(select(BatchRow.id).where(BatchRow.budget_id == budget_id)).all()
    found = {
        name: sum(getattr(one, name) for one in costs_by(session, BatchRow.id, batches).values())
        for name in ("answers_micros", "gold_micros", "audits_micros", "fees_micros")
    }
    account = select(LedgerAccountRow.id).where(
        LedgerAccountRow.kind == AccountKind.BUDGET, LedgerAccountRow.ref_id == budget_id
    )
    gone = and_(TransferRow.kind.in_(EXTRAS), TransferRow.from_id.in_(account))
    back = and_(TransferRow.kind == TransferKind.CLAWBACK, TransferRow.to_id.in_(account))
    rows = session.execute(
        select(TransferRow.kind, func.sum(TransferRow.amount_micros)).where(or_(gone, back)).group_by(TransferRow.kind)
    )
    return Cost(**found, **{PARTS[TransferKind(kind)]: int(amount) for kind, amount in rows})


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


def cost_units(cost: Cost) -> dict[str, str]:
    """Show a cost and its parts in currency units, by their names without the unit."""
    parts = {field.name.removesuffix("_micros"): units(getattr(cost, field.name)) for field in fields(cost)}
    return {**parts, "spent": units(cost.spent_micros)}


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
